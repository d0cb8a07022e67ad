"""Which times there are: slots out of the opening hours of the store, holidays and worked weekends kept, and what is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from apps.bookings import people
from apps.bookings.models import Offer, Service, Slot
from apps.core import clock
from apps.stores import calendars
from apps.stores.models import Staff


@dataclass(frozen=True)
class Free:
    """A time that can be booked; `left` 0: only waited for. `people`: who is free, where the offer names somebody."""

    starts_at: datetime
    ends_at: datetime
    left: int
    people: tuple[Staff, ...] = ()


def of_day(offer: Offer, *, day: date, moment: datetime) -> list[Free]:
    """Times of a shop day that members may book at `moment`, earliest first. `offer` with its service."""
    first, last = (
        moment + timedelta(minutes=offer.service.notice_minutes),
        moment + timedelta(days=offer.service.days_ahead),
    )
    start, end = clock.day_start(day), clock.day_end(day)
    rows = {row.starts_at: row for row in Slot.objects.filter(offer=offer, starts_at__gte=start, starts_at__lt=end)}
    times = {row.starts_at: row.ends_at for row in rows.values()}
    if offer.service.kind == Service.Kind.SERVICE:
        times = dict(planned(offer, day=day))
    rota = people.rota(offer.pk, start=start, end=end)
    return [
        _free(starts_at, ends_at, _left(rows.get(starts_at), offer), rota)
        for starts_at, ends_at in sorted(times.items())
        if first <= starts_at <= last
        and rota.works(starts_at)
        and not (starts_at in rows and rows[starts_at].is_closed)
    ]


def planned(offer: Offer, *, day: date) -> Sequence[tuple[datetime, datetime]]:
    """All slots of a service that day, by the store's calendar: whole ones, each interval from its beginning."""
    length = timedelta(minutes=offer.service.minutes)
    calendar = calendars.of_store(offer.store_id, since=day, until=day)
    found = []
    for begins, ends in calendar.intervals(day):
        while begins + length <= ends:
            found.append((begins, begins + length))
            begins += length
    return found


def is_offered(offer: Offer, *, starts_at: datetime, moment: datetime) -> datetime | None:
    """When the slot of that beginning ends; None when it cannot be booked now."""
    day = clock.local_date(starts_at)
    times = {free.starts_at: free.ends_at for free in of_day(offer, day=day, moment=moment)}
    return times.get(starts_at)


def _free(starts_at: datetime, ends_at: datetime, left: int, rota: people.Rota) -> Free:
    if not rota.rows:
        return Free(starts_at, ends_at, left)
    there = tuple(rota.free(starts_at, ends_at))
    return Free(starts_at, ends_at, min(left, len(there)), there)


def _left(row: Slot | None, offer: Offer) -> int:
    return offer.capacity if row is None else row.capacity - row.taken
