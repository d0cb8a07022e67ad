"""Sending: the gate once more at the moment of sending, each message once, and what a provider may answer."""

import gc
import random
import warnings
from datetime import date, datetime, timedelta

import pytest

from apps.care import dispatch, outcomes, policies, services
from apps.care.models import Attempt, Touch
from apps.core import clock as house_clock
from apps.core.models import TaskRun
from apps.gateways import sms
from apps.gateways.messages import Outcome
from apps.gateways.models import InboxMessage
from apps.gateways.simulator.client import Client
from apps.members.models import ConsentNow, Member, MemberKey
from tests.care.conftest import CHINA, NOON, Shop, paused, touches

pytestmark = pytest.mark.django_db(transaction=True)  # receipts are written on a connection of their own


def test_a_message_arrives_once_as_written(shop: Shop, noon: datetime, platform: Client) -> None:
    shop.lapsing_member()
    shop.policy()
    plan, sent = services.run(moment=noon)
    assert (plan.planned, dict(sent)) == (1, {"sent": 1})
    services.run(moment=noon)

    touch = Touch.objects.get()
    assert (touch.state, touch.fence, touch.tries, touch.settled_at, touch.lease_until) == ("sent", 1, 1, NOON, None)
    (message,) = platform.messages()
    assert message["text"] == "【Siyu】林溪，有32天没见到您了，来看看新品吧。拒收请回复R"
    assert (message["key"], message["tail"]) == (f"touch:{touch.pk}", "0001")
    attempt = Attempt.objects.get()
    assert (attempt.number, attempt.state, attempt.code, attempt.text) == (1, "accepted", "OK", message["text"])
    assert attempt.provider_id == message["biz_id"]


def test_the_inbox_is_delivered_at_once(shop: Shop, noon: datetime) -> None:
    member = shop.lapsing_member()
    shop.policy(channel="inbox", template="{{ nickname }}，欢迎回来。")
    services.run(moment=noon)
    letter = InboxMessage.objects.get()
    assert (letter.member_id, letter.body) == (member.pk, "林溪，欢迎回来。")
    assert Touch.objects.get().state == "delivered"


def test_the_held_out_get_nothing(shop: Shop, noon: datetime, platform: Client) -> None:
    for _ in range(12):
        shop.lapsing_member()
    shop.policy(holdout_percent=50)
    plan, sent = services.run(moment=noon)
    assert plan.planned + plan.held_out == 12
    assert sent == {"sent": plan.planned}
    assert platform.stats()["deliveries"] == plan.planned


CHANGES = {
    "not_active": lambda shop, m: Member.objects.filter(pk=m.pk).update(status="erased"),
    "no_consent": lambda shop, m: shop.consent(m.pk, given=False),
    "no_address": lambda shop, m: MemberKey.objects.filter(member_id=m.pk).delete(),
    "stage_left": lambda shop, m: shop.buys(m, at=NOON + timedelta(minutes=1)),
    "missing_value": lambda shop, m: Member.objects.filter(pk=m.pk).update(nickname=""),
    "paused": lambda shop, m: paused("lapsing"),
}


@pytest.mark.parametrize("reason", CHANGES)
def test_the_gate_is_asked_again_at_sending(shop: Shop, clock, platform: Client, reason: str) -> None:
    clock(NOON)
    member = shop.lapsing_member()
    shop.policy(missing={})
    services.plan(moment=NOON)
    clock(NOON + timedelta(minutes=5))

    CHANGES[reason](shop, member)
    sent = dispatch.drain()

    assert touches() == [("M1", "lapsing", "skipped", reason)]
    assert sent == {"skipped": 1}
    touch = Touch.objects.get()
    assert (touch.slot_on, touch.is_treated) == (None, True)  # the slot is free again; the arm stays
    assert platform.stats()["deliveries"] == 0


def test_who_bought_since_an_order_trigger_is_skipped(shop: Shop, clock, platform: Client) -> None:
    clock(NOON)
    member = shop.member()
    shop.buys(member, at=NOON - timedelta(days=45))
    shop.policy(trigger="days_since_order", params={"days": 45, "window_days": 14})
    services.plan(moment=NOON)
    shop.buys(member, at=NOON + timedelta(minutes=1))
    clock(NOON + timedelta(minutes=5))
    dispatch.drain()
    assert touches() == [("M1", "lapsing", "skipped", "bought")]


@pytest.mark.parametrize("others", [500, 501])  # looked at once for all; asked for each
def test_who_bought_is_found_among_many_who_bought_meanwhile(shop: Shop, clock, platform: Client, others: int) -> None:
    clock(NOON)
    keen, patient, other = shop.member(), shop.member(), shop.member(consents=())
    for member in (keen, patient):
        shop.buys(member, at=NOON - timedelta(days=45))
    shop.policy(trigger="days_since_order", params={"days": 45, "window_days": 14})
    services.plan(moment=NOON)
    shop.buys(keen, at=NOON + timedelta(seconds=1))
    for second in range(2, others + 1):
        shop.buys(other, at=NOON + timedelta(seconds=second))
    clock(NOON + timedelta(minutes=10))

    assert dispatch.drain() == {"sent": 1, "skipped": 1}

    assert touches() == [("M1", "lapsing", "skipped", "bought"), ("M2", "lapsing", "sent", "")]


def test_a_touch_that_waited_longer_than_its_window_is_late(shop: Shop, clock, platform: Client) -> None:
    clock(NOON)
    shop.member(birthday=date(1990, 3, 10))
    shop.policy("birthday", trigger="birthday", params={"days_before": 0, "window_days": 2}, template="生日快乐！")
    services.plan(moment=NOON)
    clock(NOON + timedelta(days=2))
    dispatch.drain()
    assert touches() == [("M1", "birthday", "skipped", "late")]


def test_quiet_hours_postpone_and_the_slot_moves_with_the_day(shop: Shop, clock, platform: Client) -> None:
    clock(NOON)
    shop.lapsing_member()
    shop.policy()
    services.plan(moment=NOON)
    night = datetime(2026, 3, 10, 22, 0, tzinfo=CHINA)
    clock(night)
    assert dispatch.drain() == {"postponed": 1}
    touch = Touch.objects.get()
    assert (touch.state, touch.send_at) == ("planned", datetime(2026, 3, 11, 8, 0, tzinfo=CHINA))
    clock(datetime(2026, 3, 11, 7, 59, 59, tzinfo=CHINA))
    assert dispatch.drain() == {}
    clock(datetime(2026, 3, 11, 8, 0, tzinfo=CHINA))
    assert dispatch.drain() == {"sent": 1}
    assert Touch.objects.get().slot_on == date(2026, 3, 11)


def test_a_message_held_over_does_not_pass_the_cap_of_the_next_day(shop: Shop, clock, platform: Client) -> None:
    clock(NOON)
    shop.lapsing_member()
    shop.policy("first", priority=1)
    services.plan(moment=NOON)
    tomorrow = NOON + timedelta(days=1)
    clock(tomorrow)
    shop.policy("second", priority=2)
    services.plan(moment=tomorrow)
    dispatch.drain()
    assert touches() == [("M1", "first", "skipped", "cap"), ("M1", "second", "sent", "")]
    assert platform.stats()["deliveries"] == 1


def test_a_refusal_fails_with_the_providers_code(shop: Shop, noon: datetime, platform: Client) -> None:
    shop.lapsing_member()
    shop.policy(template="{{ nickname }}，低价枪支到货")
    services.run(moment=noon)
    touch = Touch.objects.get()
    assert (touch.state, touch.reason, touch.slot_on) == ("failed", "SENSITIVE_WORD", None)
    assert Attempt.objects.get().state == "refused"


def test_an_opt_out_at_the_carrier_withdraws_the_consent(shop: Shop, clock, platform: Client) -> None:
    clock(NOON)
    member = shop.lapsing_member()
    shop.policy()
    services.run(moment=NOON)
    platform.reply("R", key=f"touch:{Touch.objects.get().pk}")
    later = NOON + timedelta(days=1)
    clock(later)
    shop.policy("again")
    services.run(moment=later)
    assert touches() == [("M1", "again", "failed", "BLACKLIST"), ("M1", "lapsing", "sent", "")]
    now = dict(ConsentNow.objects.filter(member=member, channel="sms").values_list("purpose", "is_granted"))
    assert now == {"care": False, "marketing": False}


def test_too_many_requests_wait_as_long_as_they_are_told_and_then_arrive_once(
    shop: Shop, clock, platform: Client
) -> None:
    clock(NOON)
    shop.lapsing_member()
    shop.policy()
    services.plan(moment=NOON)
    platform.faults(p429=1.0, retry_after=100)
    assert dispatch.drain() == {"planned": 1}
    touch = Touch.objects.get()
    assert (touch.state, touch.tries, touch.send_at) == ("planned", 1, NOON + timedelta(seconds=100))
    platform.faults()
    clock(NOON + timedelta(seconds=100))
    assert dispatch.drain() == {"sent": 1}
    assert list(Attempt.objects.order_by("number").values_list("number", "state")) == [(1, "retry"), (2, "accepted")]


def test_six_tries_and_it_gives_up(shop: Shop, clock, platform: Client) -> None:
    clock(NOON)
    shop.lapsing_member()
    shop.policy()
    services.plan(moment=NOON)
    platform.faults(p429=1.0, retry_after=0)
    waits = []
    for _ in range(6):
        clock(max(Touch.objects.get().send_at, house_clock.now()))
        dispatch.drain()
        waits.append((Touch.objects.get().send_at - house_clock.now()).total_seconds())
    touch = Touch.objects.get()
    assert (touch.state, touch.reason, touch.tries, touch.slot_on) == ("failed", "gave_up", 6, None)
    assert all(longest / 2 <= wait <= longest for wait, longest in zip(waits, outcomes.PATIENCE, strict=False))


def test_an_open_circuit_costs_no_try(shop: Shop, noon: datetime, simulator) -> None:
    shop.lapsing_member()
    shop.policy()
    services.plan(moment=noon)
    for _ in range(3):
        sms.breaker.failed()
    dispatch.drain()
    touch = Touch.objects.get()
    assert (touch.state, touch.tries, Attempt.objects.count()) == ("planned", 0, 0)
    assert touch.send_at > NOON


def test_a_dead_provider_does_not_hold_the_inbox(shop: Shop, noon: datetime, simulator) -> None:
    simulator.kill()
    shop.lapsing_member()
    shop.policy("sms")
    shop.policy("inbox", channel="inbox")
    _, sent = services.run(moment=noon)
    assert sent == {"delivered": 1, "planned": 1}


def test_a_lost_answer_is_asked_about_before_anything_is_sent_again(shop: Shop, clock, platform: Client) -> None:
    clock(NOON)
    platform.mode(keys="off")
    for _ in range(3):
        shop.lapsing_member()
    shop.policy()
    services.plan(moment=NOON)
    platform.faults(drop_reply=1.0)
    assert dispatch.drain() == {"unknown": 3}
    assert dispatch.drain() == {}
    clock(NOON + timedelta(seconds=59))
    assert dispatch.drain() == {}
    platform.faults()
    clock(NOON + timedelta(seconds=60))
    assert dispatch.drain() == {"sent": 3}
    assert platform.stats()["deliveries"] == 3
    assert set(Attempt.objects.values_list("number", "state")) == {(1, "accepted")}


def test_what_the_provider_never_saw_goes_out_again_under_the_same_key(shop: Shop, clock, platform: Client) -> None:
    clock(NOON)
    shop.lapsing_member()
    shop.policy()
    services.plan(moment=NOON)
    platform.faults(p5xx=1.0)
    assert dispatch.drain() == {"unknown": 1}
    platform.faults()
    clock(NOON + timedelta(minutes=2))
    assert dispatch.drain() == {"planned": 1, "sent": 1}
    touch = Touch.objects.get()
    assert (touch.state, touch.tries) == ("sent", 2)
    assert platform.query([f"touch:{touch.pk}"])[f"touch:{touch.pk}"]["deliveries"] == 1
    assert list(Attempt.objects.order_by("number").values_list("state", flat=True)) == ["absent", "accepted"]


def test_without_any_answer_it_stays_unknown_and_is_never_sent_again(shop: Shop, clock, platform: Client) -> None:
    clock(NOON)
    shop.lapsing_member()
    shop.policy()
    services.plan(moment=NOON)
    platform.faults(drop_reply=1.0)
    dispatch.drain()
    platform.faults()
    platform.mode(query="off")
    for hours in (1, 2, 26, 30):
        clock(NOON + timedelta(hours=hours))
        dispatch.drain()
    touch = Touch.objects.get()
    assert (touch.state, touch.reason, touch.lease_until) == ("unknown", "no_answer", None)
    assert platform.stats()["deliveries"] == 1


def test_a_late_worker_cannot_overwrite_what_another_has_found_out(shop: Shop, clock, platform: Client) -> None:
    clock(NOON)
    shop.lapsing_member()
    shop.policy()
    services.plan(moment=NOON)
    stuck = dispatch._prepare("sms").ready
    clock(NOON + timedelta(seconds=121))
    assert dispatch.drain() == {"planned": 1, "sent": 1}

    failed = outcomes.Verdict(stuck[0][0], "failed", reason="gave_up", outcome="refused")
    assert outcomes.record([failed], moment=NOON) == {}

    assert touches() == [("M1", "lapsing", "sent", "")]
    assert Attempt.objects.filter(state="refused").count() == 0


def test_a_chunk_that_took_too_long_starts_no_further_request(shop: Shop, noon: datetime, platform: Client) -> None:
    shop.lapsing_member()
    shop.policy()
    services.plan(moment=noon)
    chunk = dispatch._prepare("sms")
    chunk.started -= 1000
    dispatch._post(chunk)
    dispatch._settle(chunk)
    touch = Touch.objects.get()
    assert (touch.state, touch.tries, platform.stats()["deliveries"]) == ("planned", 0, 0)


def test_an_idle_drain_leaves_no_row_in_the_job_console(shop: Shop, noon: datetime, platform: Client) -> None:
    dispatch.drain_lane("sms")
    assert TaskRun.objects.count() == 0
    shop.lapsing_member()
    shop.policy()
    services.plan(moment=noon)
    dispatch.drain_lane("sms")
    assert TaskRun.objects.get().figures == {"sent": 1}


def test_a_text_published_anew_leaves_waiting_touches_with_their_own(shop: Shop, clock, platform: Client) -> None:
    clock(NOON)
    shop.lapsing_member()
    version = shop.policy(template="旧的话，{{ nickname }}")
    services.plan(moment=NOON)
    policies.save_draft(policy_id=version.policy_id, draft=version.policy.draft | {"template": "新的话"})
    policies.publish(policy_id=version.policy_id)
    dispatch.drain()
    assert platform.messages()[0]["text"] == "【Siyu】旧的话，林溪，拒收请回复R"


def test_jitter_spreads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "_jitter", random.Random(1))
    assert len({outcomes._patience(1) for _ in range(10)}) == 10


def test_a_text_that_the_platform_has_forgotten_is_handed_in_anew(shop: Shop, clock, platform: Client) -> None:
    clock(NOON)
    shop.lapsing_member()
    shop.policy()
    services.run(moment=NOON)
    other = {"name": "lapsing-v1", "kind": "notice", "text": "别的话"}
    platform.register(signatures=[], templates=[other])  # for us it was as good as registered
    shop.lapsing_member(at=NOON + timedelta(minutes=5))
    for minutes in (5, 10):
        clock(NOON + timedelta(minutes=minutes))
        services.run(moment=NOON + timedelta(minutes=minutes))
    assert list(Attempt.objects.order_by("pk").values_list("state", "code")) == [
        ("accepted", "OK"), ("refused", "TEMPLATE_UNAPPROVED"), ("accepted", "OK"),
    ]  # fmt: skip


@pytest.mark.parametrize("code", ["TEMPLATE_UNAPPROVED", "SIGNATURE_UNAPPROVED"])
def test_a_text_that_is_not_registered_yet_waits_and_any_other_refusal_is_the_end(code: str) -> None:
    claim = outcomes.Claim(1, 1, 1, 1, 1)
    waits, over = (
        outcomes.judge(claim, Outcome(claim.key, "refused", code=word), channel="sms", moment=NOON)
        for word in (code, "SENSITIVE_WORD")
    )
    assert (waits.state, waits.reason, over.state, over.reason) == ("planned", "", "failed", "SENSITIVE_WORD")
    assert waits.send_at is not None
    assert 15 <= (waits.send_at - NOON).total_seconds() <= 30


def test_a_drain_gives_back_every_connection(shop: Shop, noon: datetime, platform: Client) -> None:
    """A connection that falls away open is never given back to a pool."""
    shop.lapsing_member()
    shop.policy()
    services.plan(moment=noon)

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert dispatch.drain() == {"sent": 1}
        gc.collect()

    assert [str(one.message) for one in told if issubclass(one.category, ResourceWarning)] == []
