"""Children under 14 for whom no guardian answers: nothing is worked out about them, and what was is taken away."""

import random
from datetime import date, datetime, timedelta

import pytest

from apps.core import clock
from apps.members import consents, minors, policy_texts
from apps.members.models import Member
from apps.orders.models import Change
from apps.segments import refresh
from apps.segments.models import MemberStats, Minor, Newcomer, ScoreChange, Snapshot, StageChange
from tests.segments.histories import Life, buy, day, life

pytestmark = pytest.mark.django_db


def born(one: Life, on: date | None) -> None:
    year, month, number = (on.year, on.month, on.day) if on else (None, None, None)
    Member.objects.filter(pk=one.member.pk).update(birth_year=year, birth_month=month, birth_day=number)


def says(one: Life, *, yes: bool, at: datetime) -> None:
    with clock.frozen(at):
        consents.give_guardian_consent(member_id=one.member.pk, is_granted=yes, source="test", text_version="1")


def computed(*lives: Life) -> list[bool]:
    return [MemberStats.objects.filter(member=one.member).exists() for one in lives]


def test_nothing_is_worked_out_about_a_child_until_a_guardian_agrees():
    child, grown_up = life(0, 5), life(0, 5)
    born(child, date(2015, 6, 1))

    refresh.refresh(day(6))
    assert computed(child, grown_up) == [False, True]
    assert not StageChange.objects.filter(member=child.member).exists()
    assert not ScoreChange.objects.filter(member=child.member).exists()
    buy(child, day(7))
    refresh.refresh_members([child.member.pk], day(7))
    refresh.refresh(day(7), full=True)
    assert computed(child) == [False]

    says(child, yes=True, at=day(8))
    assert refresh.refresh(day(8)).looked_at == 1
    assert (child.stats.orders, child.stats.stage) == (3, "new")
    assert list(StageChange.objects.filter(member=child.member).values_list("before", "cause")) == [("", "first")]


def test_what_was_worked_out_goes_when_the_guardian_takes_it_back():
    child, others = life(0, 5), [life(0) for _ in range(3)]
    born(child, date(2015, 6, 1))
    says(child, yes=True, at=day(-1))
    refresh.refresh(day(6))
    assert computed(child, *others) == [True] * 4
    assert ScoreChange.objects.filter(member=child.member).count() == 1

    says(child, yes=False, at=day(7))
    figures = refresh.refresh(day(7))

    assert (figures.looked_at, figures.changed >= 1) == (1, True)
    assert computed(child, *others) == [False, True, True, True]
    assert not ScoreChange.objects.filter(member=child.member).exists()
    assert Snapshot.objects.get(on=clock.local_date(day(7))).buyers == 3


def test_a_birthday_that_comes_to_light_takes_the_stats_away_and_a_corrected_one_brings_them_back():
    one = life(0)
    refresh.refresh(day(1))
    assert computed(one) == [True]

    born(one, date(2015, 6, 1))
    assert refresh.refresh(day(2)).looked_at == 1
    assert computed(one) == [False]

    born(one, date(1985, 6, 1))
    assert refresh.refresh(day(3)).looked_at == 1
    assert (computed(one), Minor.objects.count()) == ([True], 0)


def test_who_turns_fourteen_is_computed_from_that_shop_day_on():
    child = life(0)
    born(child, date(2012, 1, 10))  # T0 is noon of 1 January 2026
    refresh.refresh(day(1))
    assert Minor.objects.get().due_at == clock.day_start(date(2026, 1, 10))

    midnight = clock.day_start(date(2026, 1, 10))
    assert refresh.refresh(midnight - timedelta(microseconds=1)).looked_at == 0
    assert computed(child) == [False]
    assert refresh.refresh(midnight).looked_at == 1
    assert (computed(child), Minor.objects.count()) == ([True], 0)


@pytest.mark.parametrize(
    ("month", "number", "first_day"),
    [
        (4, None, date(2026, 5, 1)),
        (None, None, date(2026, 12, 31)),
        (2, 29, date(2026, 3, 1)),
        (4, 7, date(2026, 4, 7)),
    ],
)
def test_an_unknown_day_counts_as_the_latest(month: int | None, number: int | None, first_day: date):
    child = life(0)
    Member.objects.filter(pk=child.member.pk).update(birth_year=2012, birth_month=month, birth_day=number)
    refresh.refresh(day(1))
    assert Minor.objects.get().due_at == clock.day_start(first_day)

    refresh.refresh(clock.day_start(first_day) - timedelta(microseconds=1))
    assert computed(child) == [False]
    refresh.refresh(clock.day_start(first_day))
    assert (computed(child), Minor.objects.count()) == ([True], 0)


def test_a_guardians_yes_that_ends_by_itself_ends_the_stats():
    child = life(0)
    born(child, date(2015, 6, 1))
    says(child, yes=True, at=day(0))
    refresh.refresh(day(1))
    with clock.frozen(day(1)):
        policy_texts.publish(
            purpose="guardian",
            version="2",
            text_zh="新的说明",
            text_en="A new text",
            asks_again=True,
            effective_at=day(9),
        )
    assert refresh.refresh(day(2)).looked_at == 1
    assert (computed(child), Minor.objects.get().due_at) == ([True], day(9))

    assert refresh.refresh(day(9) - timedelta(seconds=1)).looked_at == 0
    assert refresh.refresh(day(9)).looked_at == 1
    assert (computed(child), Minor.objects.get().due_at) == ([False], clock.day_start(date(2029, 6, 1)))


def test_notes_of_children_are_taken_and_nothing_is_looked_at_twice():
    child = life(0)
    born(child, date(2015, 6, 1))
    refresh.refresh(day(1))
    assert (Change.objects.count(), Newcomer.objects.count()) == (0, 0)
    assert refresh.refresh(day(2)).looked_at == 0


@pytest.mark.parametrize("seed", range(3))
def test_one_refresh_after_the_other_equals_a_full_one_while_guardians_change_their_minds(seed: int):
    rnd = random.Random(seed)
    lives = [life(*(rnd.randint(0, 40) for _ in range(rnd.randint(0, 4)))) for _ in range(12)]
    for number, one in enumerate(lives[:9]):
        born(one, date(2012, 1, 1) + timedelta(days=40 * number))
    moment = day(0)
    for _ in range(12):
        moment += timedelta(days=rnd.choice([0, 3, 20, 41]), seconds=rnd.randint(1, 9))
        for one in rnd.sample(lives[:9], 3):
            says(one, yes=rnd.random() < 0.5, at=moment)
        if rnd.random() < 0.4:
            born(rnd.choice(lives), rnd.choice([None, date(2013, 7, 7), date(1980, 7, 7)]))
        buy(rnd.choice(lives), moment)
        refresh.refresh(moment)
        with clock.frozen(moment):
            expected = [not minors.standing(one.member.pk).is_unguarded for one in lives]
        assert computed(*lives) == expected
        again = refresh.refresh(moment, full=True)
        assert (again.changed, again.stage_moves, again.scores_changed) == (0, 0, 0)


def test_a_refund_after_an_erasure_makes_no_row():
    one = life(0)
    refresh.refresh(day(1))
    MemberStats.objects.all().delete()
    Member.objects.filter(pk=one.member.pk).update(status=Member.Status.ERASED)

    refresh.refresh_members([one.member.pk], day(2))
    refresh.refresh(day(2), full=True)

    assert computed(one) == [False]
