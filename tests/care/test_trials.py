"""Test sends: to a membership that a colleague proved to be their own, marked, and known to no result, cap or funnel."""

from copy import copy
from datetime import timedelta
from typing import Any

import pytest

from apps.care import lanes, policies, trials
from apps.care.models import Attempt, Lane, Policy, Touch, Trial, Version
from apps.care.models import Tester as Colleague
from apps.core.errors import DomainError
from apps.core.models import AuditEntry, User
from apps.gateways.models import InboxMessage
from apps.gateways.simulator.client import Client
from apps.members.errors import CodeWrong
from apps.members.models import Consent
from apps.stores.models import Staff
from tests.care.conftest import LAPSING, Shop

pytestmark = pytest.mark.django_db


def colleague(number: int, shop: Shop, **more: Any) -> Colleague:
    user = User.objects.create(username=f"u{number}")
    Staff.objects.create(user=user, code=f"S{number}", name=f"同事{number}", role="marketer")
    return Colleague.objects.create(user=user, member=shop.member(consents=(), **more))


def message(channel: str = "inbox", **more: Any) -> trials.Message:
    policy = Policy(key="care.remind", priority=50)
    return trials.Message("care.remind", policies.as_version(policy, draft=LAPSING | {"channel": channel} | more))


def sent(one: trials.Message, *testers: Colleague) -> list[Trial]:
    return trials.send(one, tester_ids=[row.pk for row in testers], user_id=testers[0].user_id)


def test_a_test_has_the_receivers_own_values_says_so_and_counts_nowhere(shop: Shop, noon: Any) -> None:
    first, second = colleague(1, shop, nickname="小禾"), colleague(2, shop, nickname="")
    made = sent(message(), first, second)

    assert [one.state for one in made] == ["accepted", "accepted"]
    letters = dict(InboxMessage.objects.values_list("member_id", "body"))
    end = "，有[days_since_order]天没见到您了，来看看新品吧。"
    assert letters == {first.member_id: f"（测试）小禾{end}", second.member_id: f"（测试）会员{end}"}
    assert (Touch.objects.count(), Attempt.objects.count(), Version.objects.count()) == (0, 0, 0)
    assert Consent.objects.filter(member=first.member_id).count() == 0, "to have asked for tests is enough"
    assert AuditEntry.objects.get(action="care.trial_sent").after == {
        "what": "care.remind", "channel": "inbox", "receivers": [first.pk, second.pk],
    }  # fmt: skip
    assert [one.what for one in trials.recent("care.")] == ["care.remind", "care.remind"]
    assert trials.recent("car.") == []


@pytest.mark.parametrize("refused", ["nobody", "six", "gone", "night", "circuit", "wecom", "enough"])
def test_what_protects_people_and_channels_holds_for_tests(shop: Shop, clock: Any, noon: Any, refused: str) -> None:
    rows = [colleague(number, shop) for number in range(6 if refused == "six" else 1)]
    asked, text = rows, message(**({"channel": "wecom", "template": "新品到店，来看看"} if refused == "wecom" else {}))
    if refused == "nobody":
        asked = []
    if refused == "gone":
        Staff.objects.update(is_active=False)
    if refused == "night":
        clock(noon.replace(hour=23))
    if refused == "circuit":
        Lane.objects.create(channel="inbox", circuit="open")
    if refused == "enough":
        had = Trial(member=rows[0].member, what="care.remind", channel="sms", at=noon - timedelta(hours=23))
        Trial.objects.bulk_create([had, *(copy(had) for _ in range(trials.A_DAY - 1))])
    before = Trial.objects.count()
    with pytest.raises(DomainError) as told:
        trials.send(text, tester_ids=[row.pk for row in asked], user_id=rows[0].user_id)
    assert told.value.code == {
        "nobody": "trial_too_many_receivers", "six": "trial_too_many_receivers", "gone": "trial_too_many_receivers",
        "night": "trial_quiet_hours", "circuit": "trial_channel_closed", "wecom": "trial_not_testable", "enough": "trial_enough",
    }[refused]  # fmt: skip
    assert (Trial.objects.count(), InboxMessage.objects.count()) == (before, 0)


def test_an_sms_goes_to_the_proved_phone_with_signature_and_mark_and_uses_the_minute(
    shop: Shop, noon: Any, platform: Client
) -> None:
    row = colleague(1, shop, nickname="小禾")
    (made,) = sent(message("sms"), row)
    assert (made.state, made.code) == ("accepted", "OK")
    (told,) = platform.messages()
    assert told["key"] == f"test:{made.pk}"
    assert "（测试）小禾，有" in told["text"]
    assert told["text"].endswith("拒收请回复R")
    assert lanes.enter("sms", moment=noon) is None
    assert Lane.objects.get(channel="sms").recent[0][1] == 1
    assert (Touch.objects.count(), Attempt.objects.count()) == (0, 0)


def test_a_phone_is_proved_by_a_code_before_anything_goes_there(
    shop: Shop, noon: Any, platform: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = shop.member()
    user = User.objects.create(username="u")
    Staff.objects.create(user=user, code="S", name="同事", role="marketer")
    with pytest.raises(trials.NoMembership):
        trials.ask_code(phone="13900009999", network="127.0.0.1")
    asked = trials.ask_code(phone="13900000001", network="127.0.0.1")
    with pytest.raises(CodeWrong):
        trials.enrol(user_id=user.pk, request_id=asked.request_id, code="abc")
    assert Colleague.objects.count() == 0
    (told,) = platform.messages()
    code = "".join(letter for letter in told["text"].partition("：")[2][:6])
    row = trials.enrol(user_id=user.pk, request_id=asked.request_id, code=code)
    assert (row.member_id, [one.pk for one in trials.testers()]) == (member.pk, [row.pk])
    trials.leave(user_id=user.pk)
    assert trials.testers() == []
