"""Birthdays, events, tasks, registrations and achievements: each rewarded once, however often it is looked at."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from apps.activity.models import Event as Behaviour
from apps.members.models import Identity, Member
from apps.orders import services as orders
from apps.points import achievements, awards, happenings, tasks_of_members
from apps.points.models import Achievement, Attainment, Award, Benefit, Currency, Entry, Ladder, Tier
from tests.points.orders import NOON, paid, rule, totals

TEN = {"kind": "fixed", "points": 10}


def born(member: Member, month: int, day: int) -> None:
    Member.objects.filter(pk=member.pk).update(birth_month=month, birth_day=day)


def test_birthday_points_come_once_a_year_and_a_missed_day_is_made_good(member: Member, friend: Member):
    rule("birthday", TEN, trigger="birthday")
    born(member, 11, 30)
    born(friend, 11, 28)

    assert happenings.birthdays(moment=NOON) == 2
    assert happenings.birthdays(moment=NOON + timedelta(days=1)) == 0
    born(member, 12, 5)
    assert happenings.birthdays(moment=NOON + timedelta(days=5)) == 0
    assert totals(member) == (10, 0, 0)
    assert happenings.birthdays(moment=NOON + timedelta(days=370)) == 1


def test_the_tier_has_birthday_points_of_its_own(member: Member):
    rule("birthday", TEN, trigger="birthday")
    tier = Tier.objects.create(ladder=Ladder.objects.create(), key="g", rank=0, name="g", name_en="g", threshold=0)
    Benefit.objects.create(tier=tier, kind="birthday", title="x", title_en="x", value={"points": 200})
    born(member, 11, 30)

    happenings.birthdays(moment=NOON)

    assert totals(member) == (200, 0, 0)


def behaviour(member: Member | None, name: str = "shared", **more) -> Behaviour:
    values = {
        "occurred_at": NOON, "received_at": NOON, "event_id": uuid4(), "name": name, "member": member, "source": "portal",
        "properties": {"to": "moments"},
    }  # fmt: skip
    return Behaviour.objects.create(**values | more)


def test_events_are_rewarded_once_by_their_id_and_only_those_that_the_rule_means(member: Member):
    rule("share", TEN, trigger="event", event={"name": "shared", "properties": {"to": "moments"}},
         caps=[{"per": "day", "points": 25, "then": "cap"}])  # fmt: skip
    happenings.events(moment=NOON - timedelta(minutes=1))
    for _number in range(3):
        behaviour(member)
    behaviour(member, properties={"to": "friend"})
    behaviour(member, name="page_viewed")
    behaviour(None)
    behaviour(member, is_stitched=True)

    assert happenings.events(moment=NOON + timedelta(minutes=1)) == 3
    assert happenings.events(moment=NOON + timedelta(minutes=2)) == 0
    assert totals(member) == (25, 0, 0)
    assert set(Award.objects.values_list("points", "reason")) == {(10, ""), (5, "cut_by_cap")}


def test_a_task_is_done_once_or_once_a_period(member: Member):
    rule("follow", TEN, trigger="task", task={"key": "follow"})
    rule(
        "visit",
        {"kind": "fixed", "points": 3},
        trigger="task",
        task={"key": "visit"},
        times={"per": "month", "most": 2},
    )
    for day in (0, 0, 1, 2, 3):
        for task in ("follow", "visit"):
            tasks_of_members.done(member_id=member.pk, task=task, moment=NOON + timedelta(days=day))

    assert totals(member) == (10 + 3 + 6, 0, 0)  # once in November, twice in December
    seen = tasks_of_members.for_member(member_id=member.pk, moment=NOON + timedelta(days=3))
    assert [(one.key, one.done, one.most, one.is_done, one.done_on) for one in seen] == [
        ("follow", 1, 1, True, date(2026, 11, 30)), ("visit", 2, 2, True, date(2026, 12, 2)),
    ]  # fmt: skip


def test_the_profile_task_sees_a_whole_profile_with_a_proved_phone(member: Member):
    rule("profile", TEN, trigger="task", task={"key": "profile_complete"})
    born(member, 1, 1)
    Member.objects.filter(pk=member.pk).update(gender="f")
    assert tasks_of_members.look(member_id=member.pk, moment=NOON) == []
    Identity.objects.create(member=member, kind="phone", digest=b"x", sealed=b"x", verified_at=NOON)

    for _again in range(2):
        tasks_of_members.look(member_id=member.pk, moment=NOON)
    assert totals(member) == (10, 0, 0)


def test_a_review_or_registration_is_rewarded_by_its_key(member: Member):
    rule("review", TEN, trigger="review", times={"per": "week", "most": 2})
    rule("welcome", {"kind": "fixed", "points": 30}, trigger="registration")
    for key in ("review:1", "review:1", "review:2", "review:3"):
        awards.happened(trigger="review", member_id=member.pk, key=key, moment=NOON)
    for key in ("registration", "registration:again"):
        awards.happened(trigger="registration", member_id=member.pk, key=key, moment=NOON)

    assert totals(member) == (20 + 30, 0, 0)


@pytest.fixture
def twice(db) -> Achievement:
    return Achievement.objects.create(
        key="twice", name="二", name_en="Twice", measure={"kind": "orders"}, target=2, period="month", points=50,
        currency=Currency.objects.get(key="points"), is_active=True,
    )  # fmt: skip


def test_an_achievement_is_rewarded_once_taken_back_by_a_refund_and_can_be_reached_again(member: Member, twice):
    first, second = paid(member, "1", 1000), paid(member, "2", 1000)
    for order in (first, second, second):
        achievements.for_order(order_id=order.pk, moment=NOON)
    assert totals(member) == (50, 0, 0)
    orders.refund(order_id=first.pk, source="a", amount_cents=999)
    achievements.for_order(order_id=first.pk, moment=NOON)
    assert totals(member) == (50, 0, 0)

    orders.refund(order_id=first.pk, source="b")
    for _again in range(2):
        achievements.for_order(order_id=first.pk, moment=NOON)
    assert totals(member) == (0, 0, 0)
    assert [(one.value, one.is_complete) for one in achievements.progress(member_id=member.pk, moment=NOON)] == [
        (1, False)
    ]

    achievements.for_order(order_id=paid(member, "3", 1000).pk, moment=NOON)
    assert totals(member) == (50, 0, 0)
    assert Attainment.objects.values_list("value", "times", "taken_back_at").get() == (2, 2, None)


def test_each_period_counts_for_itself_and_a_late_refund_goes_to_its_own(member: Member, twice):
    november = [paid(member, str(number), 1000) for number in range(2)]
    december = [paid(member, f"d{number}", 1000, at=NOON + timedelta(days=3)) for number in range(2)]
    later = NOON + timedelta(days=4)
    for order in (*november, *december):
        achievements.for_order(order_id=order.pk, moment=later)
    assert totals(member) == (100, 0, 0)

    orders.refund(order_id=november[0].pk, source="a")
    achievements.for_order(order_id=november[0].pk, moment=later)

    assert totals(member) == (50, 0, 0)
    assert dict(Attainment.objects.values_list("period", "value")) == {"2026-11": 1, "2026-12": 2}


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        ({"kind": "spend_cents"}, 2500),
        ({"kind": "orders", "min_cents": 1500}, 1),
        ({"kind": "sign_ins"}, 0),
        ({"kind": "event", "name": "shared"}, 2),
    ],
)
def test_what_is_counted(member: Member, twice: Achievement, measure: dict, value: int):
    Achievement.objects.update(measure=measure, starts_on=date(2026, 11, 30))
    paid(member, "1", 1000)
    paid(member, "2", 2000)
    paid(member, "3", 9000, at=NOON - timedelta(days=1))
    orders.refund(order_id=paid(member, "4", 700).pk, source="a")
    orders.refund(order_id=orders.Order.objects.get(order_no="2").pk, source="a", amount_cents=500)
    for _number in range(2):
        behaviour(member)

    assert [one.value for one in achievements.progress(member_id=member.pk, moment=NOON)] == [value]
    assert list(achievements.check(measure)) == []
    assert Entry.objects.count() == 0


@pytest.mark.parametrize(
    ("measure", "pointers"),
    [
        ({}, ["/measure/kind"]),
        ({"kind": "orders", "name": "x"}, ["/measure/name"]),
        ({"kind": "event"}, ["/measure/name"]),
    ],
)
def test_a_measure_is_a_closed_shape(measure: dict, pointers: list[str]):
    assert list(achievements.check(measure)) == pointers
