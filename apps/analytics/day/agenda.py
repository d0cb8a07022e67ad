"""What the coming days hold for some stores: campaigns, live streams, bookings, days that are not as their weekday says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import Count, Q
from django.db.models.functions import TruncDate

from apps.bookings.models import Booking
from apps.care.campaigns import calendar
from apps.care.campaigns.calendar import Occasion
from apps.core import clock
from apps.livestream import selectors as streams
from apps.livestream.models import Stream
from apps.stores import calendars
from apps.stores.places import SpecialDay

DAYS = 7
_SHOWN = {Stream.State.PLANNED, Stream.State.LIVE, Stream.State.ENDED}


@dataclass
class Day:
    """`holiday`: its name, `is_worked` where the house works on it all the same. `bookings`: places taken that day."""

    on: date
    holiday: str = ""
    is_worked: bool = False
    special: list[SpecialDay] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    sendings: list[Occasion] = field(default_factory=list)
    bookings: int = 0

    @property
    def is_plain(self) -> bool:
        return not (self.holiday or self.special or self.streams or self.sendings or self.bookings)


def days(*, first: date, store_ids: Sequence[int] | None, count: int = DAYS) -> list[Day]:
    """`store_ids` None: all stores. Streams and campaigns are everybody's."""
    last = first + timedelta(days=count - 1)
    found = {day: Day(day) for day in (first + timedelta(days=number) for number in range(count))}
    for day, is_worked, name in calendars.public_days(first, last):
        found[day].holiday, found[day].is_worked = name, is_worked
    special = SpecialDay.objects.filter(day__range=(first, last)).select_related("store").order_by("day", "store__code")
    for row in special if store_ids is None else special.filter(Q(store=None) | Q(store_id__in=store_ids)):
        found[row.day].special.append(row)
    for stream in streams.between(start=clock.day_start(first), end=clock.day_end(last)):
        if stream.state in _SHOWN:
            found[clock.local_date(stream.starts_at)].streams.append(stream)
    for sending in calendar.occasions(first=first, last=last):
        if sending.at < clock.day_end(last):
            found[clock.local_date(sending.at)].sendings.append(sending)
    for day, taken in _bookings(first, last, store_ids):
        found[day].bookings = taken
    return list(found.values())


def _bookings(first: date, last: date, store_ids: Sequence[int] | None) -> list[tuple[date, int]]:
    rows = Booking.objects.filter(
        slot__starts_at__gte=clock.day_start(first),
        slot__starts_at__lt=clock.day_end(last),
        state__in=["booked", "arrived"],
    )
    if store_ids is not None:
        rows = rows.filter(slot__offer__store_id__in=store_ids)
    day = TruncDate("slot__starts_at", tzinfo=clock.SHOP_ZONE)
    return list(rows.values_list(day).annotate(count=Count("pk")))
