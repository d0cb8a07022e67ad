"""Who of the staff does it: named for a service in a store by weekday, free when nobody else has them then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from apps.bookings.models import Booking, Offer, Person, Slot
from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.stores.models import Staff

HELD = (Booking.State.BOOKED, Booking.State.ARRIVED)
_ONE_AT_A_TIME = "bookings_person_one_at_a_time"


@dataclass(frozen=True)
class Rota:
    """Whom an offer names, and when they have somebody between two moments. `rows` empty: it names nobody."""

    rows: Sequence[Person]
    busy: Sequence[tuple[int, datetime, datetime]]

    def works(self, starts_at: datetime) -> bool:
        """Whether somebody who is named works that weekday; always where nobody is named."""
        return not self.rows or any(_weekday(starts_at) in row.weekdays for row in self.rows)

    def free(self, starts_at: datetime, ends_at: datetime) -> list[Staff]:
        """Who has the fewest in these days first."""
        taken = {staff_id for staff_id, begins, ends in self.busy if begins < ends_at and ends > starts_at}
        load = {row.staff_id: sum(row.staff_id == one for one, _begins, _ends in self.busy) for row in self.rows}
        there = [row for row in self.rows if _weekday(starts_at) in row.weekdays and row.staff_id not in taken]
        return [row.staff for row in sorted(there, key=lambda row: (load[row.staff_id], row.staff_id))]


def rota(offer_id: int, *, start: datetime, end: datetime) -> Rota:
    rows = list(Person.objects.filter(offer_id=offer_id, staff__is_active=True).select_related("staff"))
    if not rows:
        return Rota((), ())
    held = Booking.objects.filter(
        staff_id__in=[row.staff_id for row in rows], state__in=HELD, staff_from__lt=end, staff_until__gt=start
    )
    return Rota(
        rows,
        [
            (row.staff_id, row.staff_from, row.staff_until)
            for row in held.only("staff", "staff_from", "staff_until")
            if row.staff_id and row.staff_from and row.staff_until
        ],
    )


def named(offer_id: int) -> list[Staff]:
    """Whom members may choose."""
    rows = Person.objects.filter(offer_id=offer_id, staff__is_active=True).select_related("staff")
    return [row.staff for row in rows.order_by("staff__code")]


@transaction.atomic
def name(*, offer_id: int, people: Mapping[int, Sequence[int]]) -> None:
    """From now on these, on these weekdays (1 is Monday); nobody: whoever is in. What is booked with somebody stays theirs.

    Raises NotFound: no such offer, or somebody who does not work there.
    """
    audit.sign()
    offer = Offer.objects.select_for_update().filter(pk=offer_id).first()
    days = {staff_id: sorted({day for day in wanted if 1 <= day <= 7}) for staff_id, wanted in people.items()}
    days = {staff_id: wanted for staff_id, wanted in days.items() if wanted}
    if offer is None:
        raise NotFound
    if Staff.objects.filter(pk__in=days, is_active=True, store_id=offer.store_id).count() != len(days):
        raise NotFound
    Person.objects.filter(offer=offer).exclude(staff_id__in=days).delete()
    for staff_id, wanted in days.items():
        Person.objects.update_or_create(offer=offer, staff_id=staff_id, defaults={"weekdays": wanted})


def candidates(slot: Slot, *, wish: int | None = None) -> list[int] | None:
    """Who could do it, best first; None: the offer names nobody. `wish`: that one alone."""
    day = clock.local_date(slot.starts_at)
    found = rota(slot.offer_id, start=clock.day_start(day), end=clock.day_end(day))
    if not found.rows:
        return None
    free = [one.pk for one in found.free(slot.starts_at, slot.ends_at)]
    return free if wish is None else [one for one in free if one == wish]


def keep(row: Booking, slot: Slot, staff_ids: list[int] | None) -> bool:
    """Save the booking with the first of them whom nobody else took this very moment. False: all are taken; nothing is written."""
    for staff_id in [None] if staff_ids is None else staff_ids:
        row.staff_id = staff_id
        row.staff_from, row.staff_until = (slot.starts_at, slot.ends_at) if staff_id else (None, None)
        try:
            with transaction.atomic():
                # in turn: two at once, each checking against the other's row, would wait for each other
                Staff.objects.select_for_update(no_key=True).filter(pk=staff_id or 0).first()
                row.save()
        except IntegrityError as refusal:
            if _ONE_AT_A_TIME not in str(refusal):
                raise
            row.staff_id = row.staff_from = row.staff_until = None
        else:
            return True
    return False


def _weekday(moment: datetime) -> int:
    return clock.local(moment).isoweekday()
