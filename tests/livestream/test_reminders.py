"""Reminders: at their time, through the gate, once, whatever becomes of the stream."""

from datetime import datetime

import pytest

from apps.care import claims
from apps.care import planning as care
from apps.care.models import Touch
from apps.core import clock
from apps.events.models import Event
from apps.flows import services as flows
from apps.livestream import joining, planning, upkeep
from tests.care.conftest import Shop
from tests.livestream.making import DAY, EVENING, HOUR, MINUTE, NOON, stream

pytestmark = pytest.mark.django_db
AT = EVENING + 2 * DAY  # 20:00


@pytest.fixture
def shop(db: None) -> Shop:
    return Shop()


def reminds(shop: Shop, before: str, *, key: str = "", channel: str = "inbox", priority: int = 100) -> None:
    shop.policy(
        key or before, trigger="live_reminder", params={"before": before}, channel=channel, send_hour=0, priority=priority,
        template="{{ live_title }} {{ live_time }} {{ live_host }}开播", missing={}, is_transactional=True,
    )  # fmt: skip


def passes(*, at: datetime) -> None:
    """A minute of the house: what is due falls due, its fact is delivered."""
    with clock.frozen(at):
        upkeep.sweep()
    for event in Event.objects.filter(finished_at=None).order_by("pk"):
        with clock.frozen(at):
            flows.deliver(event_id=event.pk)


def told() -> list[tuple[str, str, str]]:
    rows = Touch.objects.order_by("pk").values_list("occurrence", "state", "reason")
    return [(occurrence.rpartition(":")[2], state, reason) for occurrence, state, reason in rows]


def texts(*, at: datetime, channel: str = "inbox") -> list[tuple[str, ...]]:
    """What goes out now: the values of the texts."""
    with clock.frozen(at):
        desk = claims.Desk(channel)
        taken, _skipped = desk.take(limit=100, moment=at, brand="B")
        for one in taken:
            Touch.objects.filter(pk=one.claim.touch_id).update(state="sent", settled_at=at)
    return [tuple(one.values) for one in taken]


def test_a_set_falls_due_to_the_minute_and_is_told_once(shop: Shop) -> None:
    row = stream(at=AT)
    for moment, due in ((AT - DAY - MINUTE, 0), (AT - DAY, 1), (AT - DAY + MINUTE, 0),
                        (AT - 16 * MINUTE, 0), (AT - 15 * MINUTE, 1), (AT - MINUTE, 0), (AT, 0)):  # fmt: skip
        with clock.frozen(moment):
            assert upkeep.remind_due(moment=moment) == due, moment
    assert list(Event.objects.filter(name="livestream.reminder_due").values_list("payload__stream_id", flat=True)) == [
        row.pk, row.pk,
    ]  # fmt: skip


def test_a_stream_planned_five_hours_ahead_has_no_notice_of_a_day(shop: Shop) -> None:
    stream(at=EVENING, now=NOON + 3 * HOUR)
    assert upkeep.remind_due(moment=NOON + 3 * HOUR) == 0


def test_whoever_asked_is_reminded_twice_in_all_and_the_round_adds_nothing(shop: Shop) -> None:
    reminds(shop, "day"), reminds(shop, "quarter")
    row, asked, silent = stream(at=AT), shop.member(), shop.member(consents=())
    shop.member()
    for member in (asked, silent):
        with clock.frozen(NOON):
            joining.remind(stream_id=row.pk, member_id=member.pk)
    passes(at=AT - DAY)
    assert sorted(told()) == [("day", "planned", ""), ("day", "skipped", "no_consent")]
    assert texts(at=AT - DAY) == [("春茶专场", "03-12 20:00", "小满")]
    passes(at=AT - 15 * MINUTE)
    assert texts(at=AT - 15 * MINUTE) == [("春茶专场", "03-12 20:00", "小满")]
    with clock.frozen(AT - 10 * MINUTE):
        care.plan(moment=AT - 10 * MINUTE)
    assert Touch.objects.filter(member=asked, state="sent").count() == 2
    assert len(told()) == 4


def test_the_text_is_about_the_stream_of_the_reminder_not_about_the_next_one(shop: Shop) -> None:
    reminds(shop, "day")
    member, late, soon = shop.member(), stream("明天的", at=AT), stream("今晚的", at=AT - DAY + HOUR)
    with clock.frozen(NOON):
        for row in (late, soon):
            joining.remind(stream_id=row.pk, member_id=member.pk)
    with clock.frozen(AT - DAY):
        upkeep.sweep()
    passes(at=AT - DAY)
    assert ("明天的", "03-12 20:00", "小满") in texts(at=AT - DAY)


def test_moved_after_the_notice_nobody_is_told_again_and_what_still_waits_is_not_sent(shop: Shop) -> None:
    reminds(shop, "day")
    row, told_already, waiting = stream(at=AT), shop.member(), shop.member()
    with clock.frozen(NOON):
        for member in (told_already, waiting):
            joining.remind(stream_id=row.pk, member_id=member.pk)
    passes(at=AT - DAY)
    Touch.objects.filter(member=told_already).update(state="sent", settled_at=AT - DAY)
    with clock.frozen(AT - DAY + MINUTE):
        planning.move(stream_id=row.pk, revision=1, starts_at=AT + DAY)
    assert texts(at=AT - DAY + 2 * MINUTE) == []
    assert Touch.objects.get(member=waiting).reason == "stream_moved"

    passes(at=AT)
    assert texts(at=AT) == [("春茶专场", "03-13 20:00", "小满")]
    assert dict(Touch.objects.filter(state="sent").values_list("member", "occurrence")).keys() == {
        told_already.pk, waiting.pk,
    }  # fmt: skip
    assert Touch.objects.filter(member=told_already).count() == 1


@pytest.mark.parametrize("why", ["stream_moved", "not_asked", "late"])
def test_what_waits_is_not_sent_when_its_cause_is_gone(shop: Shop, why: str) -> None:
    reminds(shop, "quarter")
    row, member = stream(at=AT), shop.member()
    with clock.frozen(NOON):
        joining.remind(stream_id=row.pk, member_id=member.pk)
    passes(at=AT - 15 * MINUTE)
    if why == "stream_moved":
        planning.turn(stream_id=row.pk, to="cancelled")
    if why == "not_asked":
        joining.forget(stream_id=row.pk, member_id=member.pk)
    assert texts(at=AT + (15 * MINUTE if why == "late" else -MINUTE)) == []
    assert told() == [("quarter", "skipped", why)]


def test_a_second_policy_reaches_only_whom_the_first_could_not(shop: Shop) -> None:
    reminds(shop, "day", key="by-inbox", priority=1)
    reminds(shop, "day", key="by-sms", channel="sms", priority=2)
    row = stream(at=AT)
    both, only_sms = shop.member(), shop.member(consents=(("care", "sms"),))
    with clock.frozen(NOON):
        for member in (both, only_sms):
            joining.remind(stream_id=row.pk, member_id=member.pk)
    passes(at=AT - DAY)
    rows = Touch.objects.filter(state="planned").values_list("member", "policy__key")
    assert sorted(rows) == [(both.pk, "by-inbox"), (only_sms.pk, "by-sms")]
