"""Business time against a walk that asks about every single minute and shares nothing with the rule."""

import random
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

import pytest

from apps.core.errors import ValidationFailed
from apps.events.models import Event
from apps.stores import calendar_edits, calendars, hours, nearby
from apps.stores.calendar_edits import NewDay
from apps.stores.calendars import Calendar
from apps.stores.models import Store
from apps.stores.places import PublicDay, SpecialDay

MINUTE = timedelta(minutes=1)
SHOP = timedelta(hours=8)


def walked(calendar: Calendar, since: datetime, until: datetime) -> list[int]:
    """Open minutes after each minute: is the shop's clock within an interval of this day, or in the night of the day before?"""
    minutes = (until - since) // MINUTE
    return [0, *accumulate(_is_open(calendar, since + MINUTE * later) for later in range(minutes))]


def _is_open(calendar: Calendar, at: datetime) -> bool:
    wall = (at + SHOP).replace(tzinfo=None)
    now = wall.strftime("%H:%M")
    today, before = (
        calendar.exceptions.get(day, calendar.week[day.weekday()])
        for day in (wall.date(), wall.date() - timedelta(days=1))
    )
    is_day = any(begins <= now < ends if begins < ends else now >= begins for begins, ends in today)
    return is_day or any(ends <= begins and now < ends for begins, ends in before)


def some_day(dice: random.Random) -> hours.Day:
    """Zero to three intervals, the last may run into the night."""
    marks = sorted(dice.sample(range(24 * 12), 2 * dice.choice((0, 1, 1, 2, 2, 3))))
    texts = [f"{mark // 12:02d}:{mark % 12 * 5:02d}" for mark in marks]
    day = [list(pair) for pair in zip(texts[::2], texts[1::2], strict=True)]
    if day and dice.random() < 0.3:
        day[-1][1] = f"{dice.randrange(int(day[0][0][:2]) + 1):02d}:00"
    return day


def some_calendar(dice: random.Random, around: date) -> Calendar:
    days = [around + timedelta(days=later) for later in range(12)]
    return Calendar(
        week=[some_day(dice) for _each in range(7)],
        exceptions={day: some_day(dice) for day in days if dice.random() < 0.3},
    )


def differences(times: int, seed: int) -> int:
    dice = random.Random(seed)
    wrong = 0
    for _each in range(times):
        since = datetime(2026, 9, 1, tzinfo=UTC) + MINUTE * dice.randrange(60 * 24 * 60)
        calendar = some_calendar(dice, since.date())
        counted = walked(calendar, since, until := since + MINUTE * dice.randrange(36 * 60))
        wrong += calendar.open_time(since, until) != counted[-1] * MINUTE
        wrong += calendar.is_open(since) != _is_open(calendar, since)
        asked = dice.randrange(counted[-1] + 1)
        wrong += calendar.after(since, asked * MINUTE) != since + counted.index(asked) * MINUTE
        earlier = calendar.before(until, asked * MINUTE)
        wrong += earlier is None or calendar.open_time(earlier, until) != asked * MINUTE
    return wrong


def test_business_time_is_what_a_walk_over_every_minute_counts():
    assert differences(150, seed=20_261_130) == 0


@pytest.mark.nightly
def test_business_time_is_what_a_walk_counts_five_thousand_times():
    assert differences(5_000, seed=8) == 0


def shop_time(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


@pytest.mark.django_db
def test_days_count_in_their_order_and_a_change_is_a_fact():
    store, other = (Store.objects.create(code=code, name=code) for code in "AB")
    split: hours.Week = [[["09:00", "12:00"], ["13:00", "18:00"]]] * 5 + [[], []]
    calendar_edits.save_default(week=split, keeps_public_days=True)
    nearby.save(store_id=store.pk, address="", phone="", latitude=None, longitude=None, week=[[["10:00", "22:00"]]] * 7)
    calendar_edits.save_day(NewDay(day=date(2026, 9, 30), kind="hours", spans=[["10:00", "11:00"]]))
    calendar_edits.save_day(NewDay(day=date(2026, 9, 30), kind="closed", store_id=store.pk))
    calendar_edits.save_day(NewDay(day=date(2026, 10, 11), kind="weekday", weekday=4))

    begins, ends = shop_time("2026-09-29T17:00:00"), shop_time("2026-10-12T09:30:00")
    # the house: an hour on the 29th, one on the 30th, holidays to the 7th, then two days, a worked Saturday, a Sunday as a Friday
    house, quiet, busy = calendars.of_stores([None, other.pk, store.pk]).values()
    assert house.open_time(begins, ends) == (60 + 60 + 2 * 480 + 480 + 480 + 30) * MINUTE
    assert quiet.open_time(begins, ends) == 2070 * MINUTE
    # a store that keeps no public days: 5 hours, none, then eleven days of twelve; the Sunday has the hours of its own Friday
    assert busy.open_time(begins, ends) == (300 + 11 * 720) * MINUTE
    assert house.after(begins, 121 * MINUTE) == shop_time("2026-10-08T09:01:00")
    assert house.after(begins, 60 * MINUTE) == shop_time("2026-09-29T18:00:00")
    assert [len(calendars.intervals(None, date(2026, 10, day))) for day in (7, 8, 10, 11)] == [0, 2, 2, 2]

    facts = Event.objects.filter(name="calendar.changed").order_by("pk")
    assert [fact.payload["store_id"] for fact in facts] == [None, store.pk, None, store.pk, None]
    with pytest.raises(ValidationFailed):
        calendar_edits.save_day(
            NewDay(day=date(2026, 9, 1), kind="hours", spans=[["10:00", "12:00"], ["11:00", "13:00"]])
        )
    assert (SpecialDay.objects.count(), PublicDay.objects.count(), facts.count()) == (3, 0, 5)


@pytest.mark.django_db
def test_where_nobody_said_hours_promises_count_by_ten_to_nine_and_members_are_told_none():
    calendar = calendars.of_store(None)
    assert not calendar.hours_are_known
    assert calendar.open_time(shop_time("2026-11-30T00:00:00"), shop_time("2026-12-02T00:00:00")) == 1_320 * MINUTE
    assert nearby.is_open(calendar, moment=shop_time("2026-11-30T12:00:00")) is None
    closed = Calendar(week=[[]] * 7)
    assert [ask(shop_time("2026-11-30T12:00:00"), MINUTE) for ask in (closed.after, closed.before)] == [None, None]


def test_the_holidays_of_2026_are_33_days_off_and_six_weekends_worked():
    days = [(day, is_working) for day, is_working, _name in calendars.CERTAIN if day.year == 2026]
    assert (len([day for day in days if not day[1]]), [day for day, worked in days if worked]) == (
        33,
        [
            date(2026, 1, 4),
            date(2026, 2, 14),
            date(2026, 2, 28),
            date(2026, 5, 9),
            date(2026, 9, 20),
            date(2026, 10, 10),
        ],
    )
    assert all(day.weekday() >= 5 for day, is_working, _name in calendars.CERTAIN if is_working)
