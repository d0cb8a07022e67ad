"""The daily sign-in: once a shop day, days in a row, steps, days made up, and the calendar."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from apps.core.errors import NotFound
from apps.members.models import Member
from apps.points import services as points
from apps.points import sign_ins
from apps.points.errors import NotEnoughPoints
from apps.points.models import Entry, SignIn
from tests.points.orders import NOON, rule, totals

STREAK = {"kind": "streak", "points": 5, "steps": [{"day": 3, "points": 20}, {"day": 5, "points": 50}], "cycle": 5}


@pytest.fixture
def daily(db):
    return rule("daily", STREAK, trigger="sign_in", make_up={"free_per_month": 1, "points": 8, "days_back": 4})


def sign(member: Member, *days: int) -> list[tuple[int, int]]:
    """Sign in on these days counted from NOON: (streak, points) of each."""
    made = [sign_ins.sign_in(member_id=member.pk, moment=NOON + timedelta(days=day)) for day in days]
    return [(one.streak, one.points) for one in made]


def test_days_in_a_row_and_their_steps(member: Member, daily):
    assert sign(member, *range(8)) == [(1, 5), (2, 5), (3, 25), (4, 5), (5, 55), (6, 5), (7, 5), (8, 25)]
    assert totals(member)[0] == 130


def test_a_missed_day_begins_a_new_run(member: Member, daily):
    assert sign(member, 0, 1, 3, 4, 5) == [(1, 5), (2, 5), (1, 5), (2, 5), (3, 25)]


def test_the_day_ends_at_midnight_of_the_shop(member: Member, daily):
    before = datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC)

    first = sign_ins.sign_in(member_id=member.pk, moment=before)
    again = sign_ins.sign_in(member_id=member.pk, moment=before)
    second = sign_ins.sign_in(member_id=member.pk, moment=before + timedelta(seconds=1))

    assert (first.on, first.is_new, again.is_new, again.points) == (date(2026, 11, 30), True, False, 0)
    assert (second.on, second.streak) == (date(2026, 12, 1), 2)
    assert Entry.objects.count() == 2


def test_a_day_made_up_joins_two_runs_and_gives_each_step_once(member: Member, daily):
    sign(member, 0, 1, 3)
    made = sign_ins.make_up(member_id=member.pk, on=date(2026, 12, 2), moment=NOON + timedelta(days=3))

    assert (made.streak, made.points, made.is_new) == (3, 20, True)
    assert list(SignIn.objects.order_by("on").values_list("streak", "is_made_up")) == [
        (1, False), (2, False), (3, True), (4, False),
    ]  # fmt: skip
    assert sign_ins.make_up(member_id=member.pk, on=date(2026, 12, 2), moment=NOON + timedelta(days=3)).is_new is False
    assert sign(member, 4) == [(5, 55)]
    assert totals(member)[0] == 15 + 20 + 55


def test_a_run_made_longer_at_its_beginning_gives_no_step_again(member: Member, daily):
    sign(member, 0, 1, 2)
    made = sign_ins.make_up(member_id=member.pk, on=date(2026, 11, 29), moment=NOON + timedelta(days=2))

    assert (made.streak, made.points) == (1, 0)
    assert SignIn.objects.order_by("-on").values_list("streak", flat=True).first() == 4


def test_beyond_the_free_ones_a_day_costs_points(member: Member, daily):
    today = NOON + timedelta(days=1)  # 1 December
    sign_ins.make_up(member_id=member.pk, on=date(2026, 11, 30), moment=today)
    with pytest.raises(NotEnoughPoints):
        sign_ins.make_up(member_id=member.pk, on=date(2026, 11, 29), moment=today)
    assert SignIn.objects.count() == 1

    points.earn(member_id=member.pk, amount=10, source="x", moment=today)
    sign_ins.make_up(member_id=member.pk, on=date(2026, 11, 29), moment=today)
    assert totals(member)[0] == 2


@pytest.mark.parametrize(
    ("on", "why"),
    [(date(2026, 11, 30), "not_missed"), (date(2026, 12, 1), "not_missed"), (date(2026, 11, 25), "too_old")],
)
def test_only_missed_days_that_are_not_long_ago_can_be_made_up(member: Member, daily, on: date, why: str):
    with pytest.raises(sign_ins.MakeUpRefused) as refusal:
        sign_ins.make_up(member_id=member.pk, on=on, moment=NOON)

    assert refusal.value.facts == {"why": why}
    assert SignIn.objects.count() == 0


def test_without_a_rule_days_are_counted_but_not_made_up(member: Member):
    assert sign(member, 0, 1) == [(1, 0), (2, 0)]
    with pytest.raises(sign_ins.MakeUpRefused):
        sign_ins.make_up(member_id=member.pk, on=date(2026, 11, 29), moment=NOON)


def test_who_left_does_not_sign_in(member: Member, daily):
    Member.objects.filter(pk=member.pk).update(status="cancelled")
    with pytest.raises(NotFound):
        sign(member, 0)
    assert SignIn.objects.count() == 0


def test_a_streak_holds_until_the_next_day_is_over(member: Member, daily):
    sign(member, 0, 1)

    seen = [
        sign_ins.calendar(member_id=member.pk, month=date(2026, 12, 1), moment=NOON + timedelta(days=n)) for n in (2, 3)
    ]
    assert [one.streak for one in seen] == [2, 0]


def test_the_calendar_shows_the_month(member: Member, daily):
    sign(member, -3, -1)
    sign_ins.make_up(member_id=member.pk, on=date(2026, 11, 28), moment=NOON)

    seen = sign_ins.calendar(member_id=member.pk, month=date(2026, 11, 5), moment=NOON)

    assert len(seen.days) == 30
    assert [day.state for day in seen.days[25:]] == ["missed", "signed", "made_up", "signed", "open"]
    assert (seen.streak, seen.is_signed_today, seen.make_up.free_left, seen.make_up.points) == (3, False, 0, 8)
    assert seen.steps == ((3, 20), (5, 50))
    ahead = sign_ins.calendar(member_id=member.pk, month=date(2026, 12, 31), moment=NOON)
    assert {day.state for day in ahead.days} == {"ahead"}


@pytest.mark.django_db(transaction=True)
def test_eight_taps_at_once_sign_in_once(member: Member, daily):
    start = Barrier(8)

    def tap(_number: int) -> bool:
        start.wait()
        try:
            return sign_ins.sign_in(member_id=member.pk, moment=NOON).is_new
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(tap, range(8))) == [False] * 7 + [True]

    assert totals(member)[0] == 5
    assert SignIn.objects.count() == 1
