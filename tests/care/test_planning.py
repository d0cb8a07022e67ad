"""Who gets a touch, and why not: every reason, in the order in which they are judged."""

from datetime import date, datetime, timedelta

import pytest

from apps.care import gate, planning, services
from apps.care.models import Run, Touch
from apps.core import clock as house_clock
from apps.members.models import Member
from apps.orders.models import Change, Order
from tests import growing
from tests.care import crowd
from tests.care.conftest import CHINA, NOON, Shop, paused, touches

pytestmark = pytest.mark.django_db


def test_a_lapsing_member_is_planned_for_today(shop: Shop, noon: datetime) -> None:
    member = shop.lapsing_member()
    version = shop.policy()

    plan = services.plan(moment=noon)

    touch = Touch.objects.get()
    entered = int((NOON - timedelta(days=2)).timestamp())
    assert (plan.planned, plan.held_out, dict(plan.skipped)) == (1, 0, {})
    assert (touch.member_id, touch.version_id, touch.state, touch.reason) == (member.pk, version.pk, "planned", "")
    assert touch.occurrence == f"stage:lapsing:{entered}"
    assert (touch.is_treated, touch.decided_at, touch.send_at) == (True, NOON, NOON)
    assert touch.slot_on == date(2026, 3, 10)
    assert Run.objects.get().planned == 1


def test_planning_again_adds_nothing(shop: Shop, noon: datetime) -> None:
    shop.lapsing_member()
    shop.policy()
    services.plan(moment=noon)

    again = services.plan(moment=noon + timedelta(hours=1))

    assert (again.planned, again.held_out, dict(again.skipped)) == (0, 0, {})
    assert Touch.objects.count() == 1


def test_who_lapsed_before_the_window_is_late(shop: Shop, noon: datetime) -> None:
    shop.lapsing_member(days=50)
    shop.policy()
    services.plan(moment=noon)
    assert touches() == [("M1", "lapsing", "skipped", "late")]
    assert Touch.objects.get().is_treated is None


def test_the_window_ends_to_the_second(shop: Shop, noon: datetime) -> None:
    shop.lapsing_member(days=44)
    inside = shop.member()
    shop.buys(inside, at=NOON - timedelta(days=44) + timedelta(seconds=1))
    shop.policy()
    services.plan(moment=noon)
    assert [(row[0], row[3]) for row in touches()] == [("M1", "late"), ("M3", "")]


def _frozen(shop: Shop) -> Member:
    member = shop.lapsing_member()
    Member.objects.filter(pk=member.pk).update(status="frozen")
    return member


def _withdrawn(shop: Shop) -> Member:
    member = shop.lapsing_member()
    shop.consent(member.pk, given=False)
    return member


def _any_withdrawn(shop: Shop) -> Member:
    member = shop.lapsing_member()
    shop.consent(member.pk, channel="any", given=False)
    return member


REFUSED = {
    "not_active": _frozen,
    "no_consent": lambda shop: shop.lapsing_member(consents=()),
    "no_consent ": _withdrawn,
    "no_consent  ": _any_withdrawn,
    "no_consent   ": lambda shop: shop.lapsing_member(consents=(("marketing", "sms"), ("care", "inbox"))),
    "no_address": lambda shop: shop.lapsing_member(phone=False),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_each_refusal_is_recorded_with_its_reason(shop: Shop, noon: datetime, reason: str) -> None:
    REFUSED[reason](shop)
    shop.policy()
    services.plan(moment=noon)
    assert touches() == [("M1", "lapsing", "skipped", reason.strip())]
    assert list(Touch.objects.values_list("is_treated", "slot_on", "send_at")) == [(None, None, None)]


def test_consent_to_any_channel_counts(shop: Shop, noon: datetime) -> None:
    shop.lapsing_member(consents=(("care", "any"),))
    shop.policy()
    assert services.plan(moment=noon).planned == 1


def test_a_missing_value_skips_or_is_replaced(shop: Shop, noon: datetime) -> None:
    shop.lapsing_member(nickname="")
    shop.policy()
    shop.policy("strict", missing={}, channel="inbox")
    services.plan(moment=noon)
    assert touches() == [("M1", "lapsing", "planned", ""), ("M1", "strict", "skipped", "missing_value")]


def test_who_has_left_the_stage_again_is_skipped(shop: Shop, noon: datetime) -> None:
    member = shop.lapsing_member()
    shop.policy()
    services.stats.refresh(noon - timedelta(days=1))
    shop.buys(member, at=NOON - timedelta(hours=3))

    services.plan(moment=noon)

    assert touches() == [("M1", "lapsing", "skipped", "stage_left")]


def test_an_entry_that_a_newer_one_has_overtaken_is_skipped(shop: Shop, noon: datetime) -> None:
    member = shop.member()
    for days in (80, 59, 38, 5):
        shop.buys(member, at=NOON - timedelta(days=days))
    shop.policy(params={"stage": "active", "window_days": 60})
    for day in range(60, -1, -1):
        services.stats.refresh(NOON - timedelta(days=day))

    services.plan(moment=noon)

    states = [(state, reason) for _, _, state, reason in touches()]
    assert states.count(("planned", "")) == 1
    assert all(reason == "stage_left" for state, reason in states if state != "planned")
    assert len(states) == 2


def test_a_late_order_that_rewrites_the_past_sends_nothing(shop: Shop, noon: datetime) -> None:
    member = shop.member()
    shop.buys(member, at=NOON - timedelta(days=1))
    services.stats.refresh(NOON - timedelta(hours=2))
    shop.policy()
    Order.objects.update(status="cancelled")
    Order.objects.create(
        source="test", order_no="late", member=member, status="paid", total_cents=1, paid_at=NOON - timedelta(days=33)
    )
    Change.objects.create(member=member, due_at=NOON - timedelta(days=33))

    services.plan(moment=noon)

    assert Touch.objects.count() == 0


def test_the_cap_lets_the_urgent_policy_through_and_skips_the_rest(shop: Shop, noon: datetime) -> None:
    shop.lapsing_member()
    shop.policy("third", priority=30)
    shop.policy("first", priority=10)
    shop.policy("inbox", priority=40, channel="inbox")
    services.plan(moment=noon)
    assert touches() == [
        ("M1", "first", "planned", ""),
        ("M1", "inbox", "planned", ""),
        ("M1", "third", "skipped", "cap"),
    ]


def test_the_week_cap_counts_the_iso_week_of_sending(shop: Shop, noon: datetime) -> None:
    shop.limits(week_cap=1)
    member = shop.lapsing_member()
    shop.policy()
    services.plan(moment=noon)
    shop.policy("sunday")
    services.plan(moment=datetime(2026, 3, 15, 12, tzinfo=CHINA))
    shop.policy("monday")
    services.plan(moment=datetime(2026, 3, 16, 12, tzinfo=CHINA))
    assert touches() == [
        (member.member_no, "lapsing", "planned", ""),
        (member.member_no, "monday", "planned", ""),
        (member.member_no, "sunday", "skipped", "cap"),
    ]


def test_the_global_holdout_comes_before_the_cap(shop: Shop, noon: datetime) -> None:
    shop.limits(global_holdout_percent=50)
    shop.policy()
    for _ in range(40):
        shop.lapsing_member()
    services.plan(moment=noon)
    for member_id, state, reason in Touch.objects.values_list("member_id", "state", "reason"):
        held = gate.is_held_out("global", member_id=member_id, percent=50)
        assert (state, reason) == (("skipped", "global_holdout") if held else ("planned", ""))
    assert 8 <= Touch.objects.filter(reason="global_holdout").count() <= 32


def test_the_holdout_is_the_same_in_python_and_sql_and_its_share_is_right(shop: Shop, noon: datetime) -> None:
    version = shop.policy(holdout_percent=30)
    for _ in range(60):
        shop.lapsing_member()
    services.plan(moment=noon)
    for touch in Touch.objects.all():
        held = gate.is_held_out(version.policy.key, member_id=touch.member_id, percent=30)
        assert (touch.state, touch.is_treated) == (("held_out", False) if held else ("planned", True))
        assert (touch.slot_on is None) == held
    shares = [gate.is_held_out("lapsing", member_id=n, percent=10) for n in range(20_000)]
    assert 0.09 < sum(shares) / 20_000 < 0.11
    other = [gate.is_held_out("dormant", member_id=n, percent=10) for n in range(20_000)]
    assert 0.005 < sum(a and b for a, b in zip(shares, other, strict=True)) / 20_000 < 0.015


def test_a_share_of_nobody_of_all_and_of_nearly_nobody() -> None:
    digest = bytes.fromhex("00000001") + b"\xff" * 28
    assert gate.threshold_bytes(0) == b""
    assert digest < gate.threshold_bytes(100)
    assert gate.threshold_bytes(50) == b"\x80\0\0\0"
    assert (digest < (1).to_bytes(4), digest < (2).to_bytes(4)) == (False, True)  # as 1 < 1 and 1 < 2


def test_the_cap_is_judged_for_both_arms(shop: Shop, noon: datetime) -> None:
    version = shop.policy("first", priority=1)
    second = shop.policy("second", priority=2, holdout_percent=50)
    for _ in range(30):
        shop.lapsing_member()
    services.plan(moment=noon)
    assert Touch.objects.filter(version=version, state="planned").count() == 30
    assert Touch.objects.filter(version=second, reason="cap").count() == 30


def test_the_second_purchase_policy_asks_members_of_exactly_one_order(shop: Shop, noon: datetime) -> None:
    once, twice, early = shop.member(), shop.member(), shop.member()
    order = shop.buys(once, at=NOON - timedelta(days=15))
    shop.buys(twice, at=NOON - timedelta(days=40))
    shop.buys(twice, at=NOON - timedelta(days=15))
    shop.buys(early, at=NOON - timedelta(days=13))
    shop.policy(trigger="second_purchase", params={"days": 14, "window_days": 14}, channel="inbox")
    services.plan(moment=noon)
    assert list(Touch.objects.values_list("member_id", "occurrence")) == [(once.pk, f"order:{order.pk}")]


def test_days_since_the_last_order(shop: Shop, noon: datetime) -> None:
    member, gone = shop.member(), shop.member()
    shop.buys(member, at=NOON - timedelta(days=90))
    order = shop.buys(member, at=NOON - timedelta(days=45))
    shop.buys(gone, at=NOON - timedelta(days=80))
    shop.policy(trigger="days_since_order", params={"days": 45, "window_days": 14})
    services.plan(moment=noon)
    assert list(Touch.objects.values_list("member_id", "occurrence")) == [(member.pk, f"order:{order.pk}")]


BIRTHDAY = {
    "trigger": "birthday", "params": {"days_before": 0, "window_days": 2}, "template": "{{ nickname }}，生日快乐！",
}  # fmt: skip


def test_birthdays_once_a_year(shop: Shop, noon: datetime) -> None:
    shop.member(birthday=date(1990, 3, 10))
    shop.member(birthday=date(1990, 3, 11))
    shop.policy("birthday", **BIRTHDAY)
    for hour in range(3):
        services.plan(moment=noon + timedelta(hours=hour))
    assert touches() == [("M1", "birthday", "planned", "")]
    assert Touch.objects.get().occurrence == "birthday:2026"
    services.plan(moment=NOON + timedelta(days=365))
    assert sorted(Touch.objects.values_list("member__member_no", "occurrence", "state", "reason")) == [
        ("M1", "birthday:2026", "planned", ""),
        ("M1", "birthday:2027", "planned", ""),
        ("M2", "birthday:2026", "skipped", "late"),
    ]


def test_a_birthday_ahead_belongs_to_its_own_year(shop: Shop) -> None:
    shop.member(birthday=date(1990, 1, 3))
    shop.policy("birthday", **BIRTHDAY | {"params": {"days_before": 7, "window_days": 2}})
    planning.plan(moment=datetime(2026, 12, 27, 9, tzinfo=CHINA))
    assert Touch.objects.get().occurrence == "birthday:2027"


@pytest.mark.parametrize(("year", "day"), [(2026, 28), (2028, 29)])
def test_the_leap_day_birthday(shop: Shop, year: int, day: int) -> None:
    shop.member(birthday=date(1996, 2, 29))
    shop.policy("birthday", **BIRTHDAY | {"params": {"days_before": 0, "window_days": 1}})
    for on in (27, 28, 29):
        if date(year, 2, 28).toordinal() + on - 28 < date(year, 3, 1).toordinal():
            planning.plan(moment=datetime(year, 2, on, 12, tzinfo=CHINA))
    touch = Touch.objects.get()
    assert (touch.occurrence, house_clock.local_date(touch.decided_at)) == (f"birthday:{year}", date(year, 2, day))


def test_an_outage_of_26_hours_over_a_birthday_catches_up_once(shop: Shop) -> None:
    shop.member(birthday=date(1990, 3, 10))
    shop.policy("birthday", **BIRTHDAY)
    planning.plan(moment=datetime(2026, 3, 9, 23, 0, tzinfo=CHINA))
    back = datetime(2026, 3, 11, 1, 0, tzinfo=CHINA)
    planning.plan(moment=back)
    planning.plan(moment=back + timedelta(hours=1))
    touch = Touch.objects.get()
    assert (touch.state, touch.send_at) == ("planned", datetime(2026, 3, 11, 10, 0, tzinfo=CHINA))


def test_an_outage_longer_than_the_window_is_recorded_as_late(shop: Shop) -> None:
    shop.member(birthday=date(1990, 3, 10))
    shop.policy("birthday", **BIRTHDAY)
    planning.plan(moment=datetime(2026, 3, 9, 23, 0, tzinfo=CHINA))
    planning.plan(moment=datetime(2026, 3, 13, 12, 0, tzinfo=CHINA))
    assert touches() == [("M1", "birthday", "skipped", "late")]


def test_a_paused_policy_plans_nothing(shop: Shop, noon: datetime) -> None:
    shop.lapsing_member()
    shop.policy()
    paused("lapsing")
    assert services.plan(moment=noon).planned == 0


def test_the_audience_narrows_without_a_row(shop: Shop, noon: datetime) -> None:
    shop.lapsing_member()
    tagged = shop.lapsing_member()
    Member.objects.filter(pk=tagged.pk).update(tags=["vip"])
    shop.policy(audience={"field": "tags", "op": "any_of", "value": ["vip"]})
    services.plan(moment=noon)
    assert list(Touch.objects.values_list("member_id", flat=True)) == [tagged.pk]


QUIET = gate.Gate(day_cap=1, week_cap=3, quiet=(22, 8), global_holdout_percent=0)


@pytest.mark.parametrize(
    ("now", "hour", "sent"),
    [
        ("2026-03-10 08:05", 10, "2026-03-10 10:00"),
        ("2026-03-10 08:05", 7, "2026-03-10 08:05"),
        ("2026-03-10 12:00", 10, "2026-03-10 12:00"),
        ("2026-03-10 21:59", 10, "2026-03-10 21:59"),
        ("2026-03-10 22:00", 10, "2026-03-11 10:00"),
        ("2026-03-11 03:00", 10, "2026-03-11 10:00"),
        ("2026-03-11 03:00", 2, "2026-03-11 08:00"),
        ("2026-03-10 09:00", 23, "2026-03-11 08:00"),
    ],
)
def test_when_it_is_sent(now: str, hour: int, sent: str) -> None:
    assert QUIET.send_at(house_clock.parse(now), hour=hour) == house_clock.parse(sent)


def test_everybody_is_judged_before_the_first_touch_is_written(shop: Shop, noon: datetime) -> None:
    version = shop.policy()
    crowd.lapsing(300, moment=noon)
    due = planning.triggered(version, moment=noon, last_run=None, seen=0)
    sql, params = planning.statement(version, moment=noon, limits=gate.load(), due=due)

    assert growing.pages_read(sql, params, table="care_touch") == 0
    assert Touch.objects.count() == 300
