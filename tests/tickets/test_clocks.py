"""Promises in business time, against a walk over every minute that shares nothing with the rule."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from apps.core import brand
from apps.events.models import Event
from apps.flows import ticket_work
from apps.followups.models import Task
from apps.stores import calendar_edits
from apps.stores.calendars import Calendar
from apps.stores.models import Region, Staff
from apps.tickets import assigning, clocks, upkeep
from apps.tickets import services as tickets
from apps.tickets.models import Entry, Pause, Ticket
from tests.stores.test_calendars import _is_open, some_calendar
from tests.tickets import desk as of
from tests.tickets.desk import MEMBER, NOON, move, opened, say

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def walked(calendar: Calendar, since: datetime, minutes: int, pauses: clocks.Pauses) -> datetime | None:
    """Minute after minute from `since`: does it count? None when the last pause has begun and is not over."""
    at, left = since, minutes
    while left:
        if any(began <= at and (ended is None or at < ended) for began, ended in pauses):
            if pauses[-1][1] is None and pauses[-1][0] <= at:
                return None
        elif _is_open(calendar, at):
            left -= 1
        at += MINUTE
    return at


def some_pauses(dice: random.Random, since: datetime) -> list[tuple[datetime, datetime | None]]:
    marks = sorted(dice.sample(range(48 * 60), 2 * dice.choice((0, 1, 1, 2, 3))))
    times = [since + MINUTE * mark for mark in marks]
    pauses: list[tuple[datetime, datetime | None]] = list(zip(times[::2], times[1::2], strict=True))
    if pauses and dice.random() < 0.3:
        pauses[-1] = (pauses[-1][0], None)
    return pauses


def differences(times: int, seed: int) -> int:
    dice, wrong = random.Random(seed), 0
    for _each in range(times):
        since = datetime(2026, 9, 1, tzinfo=UTC) + MINUTE * dice.randrange(60 * 24 * 60)
        calendar = some_calendar(dice, since.date())
        if not any(calendar.week):
            continue
        pauses, minutes = some_pauses(dice, since), dice.randrange(1, 700)
        wrong += clocks.due(calendar, since=since, minutes=minutes, pauses=pauses) != walked(
            calendar, since, minutes, pauses
        )
    return wrong


def test_what_is_promised_is_what_a_walk_over_every_minute_finds():
    assert differences(200, seed=20_261_130) == 0


@pytest.mark.nightly
def test_what_is_promised_is_what_a_walk_finds_five_thousand_times():
    assert differences(5_000, seed=9) == 0


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}:00+08:00")


@pytest.mark.django_db
def test_clocks_pause_while_it_is_the_members_turn_and_a_change_loses_no_pause():
    desk = of.build()
    ticket = opened(desk)  # 12:00; 2 hours to the first words, 33 to the end, 11 hours a day
    assert (ticket.first_due_at, ticket.end_due_at, ticket.due_at) == (
        at("11-30T14:00"),
        at("12-03T12:00"),
        at("11-30T14:00"),
    )

    say(
        ticket, desk.agent, 9, is_internal=True, moment=at("11-30T12:30")
    )  # what staff say among themselves answers nobody
    assert (ticket.first_reply_at, ticket.asked_at, ticket.due_at) == (None, NOON, at("11-30T14:00"))
    say(ticket, desk.agent, 1, move="ask", moment=at("11-30T13:00"))  # answer and state in one step
    assert (ticket.first_reply_at, ticket.first_due_at, ticket.end_due_at, ticket.due_at) == (
        at("11-30T13:00"),
        None,
        None,
        None,
    )
    tickets.change(ticket_id=ticket.pk, values={"priority": 1}, by=desk.agent, moment=at("11-30T18:00"))
    ticket.refresh_from_db()
    assert ticket.due_at is None  # a change while it waits starts nothing
    say(ticket, MEMBER, 2, moment=at("12-01T13:00"))
    # urgent: 11 hours to the end, of which one ran; the pause took eleven hours of business time. An hour to the next words.
    assert (ticket.state, ticket.next_due_at, ticket.end_due_at) == ("working", at("12-01T14:00"), at("12-02T12:00"))
    tickets.change(ticket_id=ticket.pk, values={"priority": 2}, by=desk.agent, moment=at("12-01T13:30"))
    ticket.refresh_from_db()
    assert (ticket.next_due_at, ticket.end_due_at) == (at("12-01T17:00"), at("12-04T12:00"))

    calendar_edits.save_day(calendar_edits.NewDay(day=at("12-02T00:00").date(), kind="closed"))
    ticket_work.set_clocks(Event.objects.get(name="calendar.changed"))
    ticket.refresh_from_db()
    assert (ticket.next_due_at, ticket.end_due_at) == (at("12-01T17:00"), at("12-05T12:00"))
    assert list(Pause.objects.values_list("began_at", "ended_at")) == [(at("11-30T13:00"), at("12-01T13:00"))]

    say(ticket, desk.agent, 3, move="refuse", moment=at("12-01T15:00"))
    assert (ticket.state, ticket.due_at) == ("resolved", None)
    move(ticket, "reopen", MEMBER, at=at("12-03T15:00"))
    assert ticket.end_due_at == at("12-06T12:00")  # the time it lay resolved does not count


@pytest.mark.django_db
def test_a_promise_is_warned_of_and_missed_once_and_only_told_unless_the_brand_wants_more():
    desk = of.build()
    manager = of.agent("manager", desk.store, role="manager")
    ticket, other = opened(desk), opened(desk, "question", lines=0, number=2)
    move(other, "ask", desk.agent)  # it waits for the member: nothing is due
    assigning.take(ticket_id=ticket.pk, staff_id=desk.staff.pk, moment=NOON)

    def ticks(*times: str) -> list[tuple[int, int]]:
        done = [upkeep.tick(moment=at(time)) for time in times]
        return [(figures["warned"], figures["missed"]) for figures in done]

    assert ticks("11-30T13:29", "11-30T13:30", "11-30T13:59", "11-30T14:00", "11-30T20:00") == [
        (0, 0),
        (1, 0),
        (0, 0),
        (0, 1),
        (0, 0),
    ]
    ticket.refresh_from_db()
    assert (ticket.assignee_id, ticket.priority) == (desk.staff.pk, 2)
    names = list(
        Event.objects.filter(name__in=["ticket.due_soon", "ticket.missed"])
        .order_by("pk")
        .values_list("name", flat=True)
    )
    assert names == ["ticket.due_soon", "ticket.missed"]

    brand.write("tickets.escalate", "manager")
    say(ticket, desk.agent, 1, moment=at("11-30T20:00"))
    assert ticks("12-03T12:00", "12-03T12:01") == [(1, 1), (0, 0)]
    ticket.refresh_from_db()
    assert ticket.assignee_id == manager.pk
    assert list(Entry.objects.filter(ticket=ticket, side="house").order_by("pk").values_list("act", flat=True)) == [
        "warned", "missed", "raised", "missed", "escalated", "warned",
    ]  # fmt: skip
    move(ticket, "refuse", desk.agent)
    assert upkeep.tick(moment=NOON + timedelta(days=7))["closed"] == 0
    assert upkeep.tick(moment=NOON + timedelta(days=7, seconds=1))["closed"] == 1
    assert Ticket.objects.get(pk=ticket.pk).state == "closed"


@pytest.mark.django_db
def test_the_minutes_before_and_after_a_promise_are_business_time_of_its_store():
    desk = of.build()  # 10:00 to 21:00
    early = opened(desk, "question", lines=0, at=at("11-30T19:10"))  # two hours: due at 10:10 the next morning
    calendar_edits.save_day(calendar_edits.NewDay(day=at("12-02T00:00").date(), kind="closed", store_id=desk.store.pk))
    house = opened(desk, "question", lines=0, number=2, at=at("12-01T18:50"))  # of no store: due at 20:50
    assert (early.due_at, house.due_at) == (at("12-01T10:10"), at("12-01T20:50"))
    Ticket.objects.filter(pk=early.pk).update(store=desk.store)

    def ticks(*times: str) -> list[tuple[int, int]]:
        done = [upkeep.tick(moment=at(time)) for time in times]
        return [(figures["warned"], figures["raised"]) for figures in done]

    assert ticks("11-30T20:39", "11-30T20:40", "12-01T09:40") == [(0, 0), (1, 0), (0, 0)]
    assert ticks("12-01T10:11", "12-01T11:09", "12-01T11:10") == [(0, 0), (0, 0), (0, 1)]
    Ticket.objects.filter(pk=early.pk).update(due_at=at("12-01T20:50"), raised_due=None)
    assert ticks("12-01T20:50", "12-02T10:49", "12-02T10:50") == [
        (2, 0),
        (0, 0),
        (0, 1),
    ]  # the store is closed on the second
    assert ticks("12-03T10:49", "12-03T10:50") == [(0, 0), (0, 1)]


@pytest.mark.django_db
def test_what_stays_late_goes_up_to_the_region_once_and_the_ticket_goes_along_where_the_brand_wants_it():
    desk = of.build()
    desk.store.region = Region.objects.create(name="华东")
    desk.store.save()
    above = of.agent("above", role="region_manager")
    Staff.objects.filter(pk=above.pk).update(region=desk.store.region)
    ticket = opened(desk)  # first words are promised by 14:00

    def ticks(*times: str) -> list[int]:
        return [upkeep.tick(moment=at(time))["raised"] for time in times]

    assert ticks("11-30T14:00", "11-30T14:59", "11-30T15:00", "11-30T16:00") == [0, 0, 1, 0]
    ticket_work.tell_region(Event.objects.get(name="ticket.raised"))
    ticket_work.tell_region(Event.objects.get(name="ticket.raised"))
    assert list(Task.objects.values_list("assignee_id", flat=True)) == [above.pk]
    ticket.refresh_from_db()
    assert ticket.assignee_id != above.pk
    brand.write("tickets.escalate", "manager")
    say(ticket, desk.agent, 1, moment=at("11-30T16:30"))
    end = ticket.due_at
    assert [upkeep.tick(moment=end + MINUTE * after)["raised"] for after in (59, 60, 61)] == [0, 1, 0]
    ticket.refresh_from_db()
    assert ticket.assignee_id == above.pk
    brand.write("tickets.raise_minutes", 0)
    Ticket.objects.update(raised_due=None)
    assert upkeep.tick(moment=end + HOUR * 9)["raised"] == 0
