"""What is promised: first words, each further answer, the end, in business time of the ticket's store, or of the house.

Pure from what is kept (when it came, what was said when, the pauses, the priority, the calendar): setting the clocks anew gives the
same answer, so a changed priority or calendar loses no pause. While it is the member's turn the first and the last clock stand still;
who waits for words of ours is answered in time even then (goods on their way back).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.core import brand
from apps.stores import calendars
from apps.stores.calendars import Calendar
from apps.tickets import life
from apps.tickets.models import Pause, Ticket
from apps.tickets.settings import TARGETS

Pauses = Sequence[tuple[datetime, datetime | None]]  # by their beginning, none within another
FIELDS = ("first_due_at", "next_due_at", "end_due_at", "due_at")
CHUNK = 500


def due(calendar: Calendar, *, since: datetime, minutes: int, pauses: Pauses) -> datetime | None:
    """The first moment by which so much business time has run outside the pauses; None while the last pause runs."""
    left, at = timedelta(minutes=minutes), since
    for began, ended in pauses:
        if ended is not None and ended <= at:
            continue
        if began > at:
            run = calendar.open_time(at, began)
            if run >= left:
                return calendar.after(at, left)
            left -= run
        if ended is None:
            return None
        at = max(at, ended)
    return calendar.after(at, left)


def set_clocks(ticket: Ticket, *, calendar: Calendar | None = None, pauses: Pauses | None = None) -> None:
    """Put what is promised now into the fields; the caller saves FIELDS."""
    ticket.first_due_at = ticket.next_due_at = ticket.end_due_at = ticket.due_at = None
    if ticket.state not in life.OPEN:
        return
    calendar = calendar or calendars.of_store(ticket.store_id)
    if pauses is None:
        pauses = list(Pause.objects.filter(ticket=ticket).order_by("began_at").values_list("began_at", "ended_at"))
    targets: Mapping[str, int] = brand.read(TARGETS)[str(ticket.priority)]
    asked: Any = {"calendar": calendar, "pauses": pauses}
    ticket.end_due_at = due(since=ticket.created_at, minutes=targets["end"], **asked)
    if ticket.first_reply_at is None:
        ticket.first_due_at = due(since=ticket.created_at, minutes=targets["first"], **asked)
    elif ticket.asked_at is not None:
        ticket.next_due_at = calendar.after(ticket.asked_at, timedelta(minutes=targets["next"]))
    found = (ticket.first_due_at, ticket.next_due_at, ticket.end_due_at)
    ticket.due_at = min((at for at in found if at is not None), default=None)


def begin_pause(ticket: Ticket, *, moment: datetime) -> None:
    """No clock runs from now on; a pause that began and ended at this very moment goes on."""
    if not Pause.objects.filter(ticket=ticket, began_at=moment).update(ended_at=None):
        Pause.objects.get_or_create(ticket=ticket, ended_at=None, defaults={"began_at": moment})


def end_pause(ticket: Ticket, *, moment: datetime) -> None:
    Pause.objects.filter(ticket=ticket, ended_at=None).update(ended_at=moment)


def recompute(*, store_id: int | None = None) -> int:
    """Set the clocks of open tickets anew, after the hours of a store (None: any) or the promises changed. Returns how many moved."""
    moved, last = 0, 0
    while True:
        with transaction.atomic():
            rows = Ticket.objects.select_for_update().filter(ended_at=None, pk__gt=last).order_by("pk")
            if store_id is not None:
                rows = rows.filter(store_id=store_id)
            chunk = list(rows[:CHUNK])
            if not chunk:
                return moved
            moved += _reset(chunk)
            last = chunk[-1].pk


def _reset(chunk: Sequence[Ticket]) -> int:
    known = calendars.of_stores([row.store_id for row in chunk])
    pauses: dict[int, list[tuple[datetime, datetime | None]]] = {row.pk: [] for row in chunk}
    for key, began, ended in (
        Pause.objects.filter(ticket__in=chunk).order_by("began_at").values_list("ticket_id", "began_at", "ended_at")
    ):
        pauses[key].append((began, ended))
    changed = []
    for row in chunk:
        was = [getattr(row, name) for name in FIELDS]
        set_clocks(row, calendar=known[row.store_id], pauses=pauses[row.pk])
        if was != [getattr(row, name) for name in FIELDS]:
            changed.append(row)
    Ticket.objects.bulk_update(changed, FIELDS)
    return len(changed)
