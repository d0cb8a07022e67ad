"""Booking, moving, cancelling, the waiting list, what the store notes. All of a slot happens under its row lock."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from apps.bookings import people, slots
from apps.bookings.errors import (
    BookedAlready,
    BookingSettled,
    CapacityTooSmall,
    NoSuchSlot,
    PersonTaken,
    SlotFull,
    TooLate,
)
from apps.bookings.models import Booking, Notice, Offer, Service, Slot
from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.events import services as events
from apps.stores.models import Store

NOTICE_DUE, KEPT = "booking.notice_due", "booking.kept"
State = Booking.State
STANDING = (State.BOOKED, State.WAITING)


@transaction.atomic
def book(
    *, offer_id: int, starts_at: datetime, member_id: int, source: str, may_wait: bool = False, staff_id: int | None = None
) -> Booking:  # fmt: skip
    """A place, or (`may_wait`) one on the waiting list when all are taken. The same `source` is the same booking.

    Where the offer names people, one of them has the member: `staff_id`, or who is free. Raises NotFound, NoSuchSlot, BookedAlready,
    SlotFull, PersonTaken; never more members than the capacity, never two at once with one person.
    """
    if done := Booking.objects.filter(source=source, member_id=member_id).first():
        return done
    offers = Offer.objects.select_related("service", "store").filter(
        is_active=True, service__is_active=True, store__is_open=True
    )
    offer = offers.filter(pk=offer_id).first()
    if offer is None:
        raise NotFound
    ends_at = slots.is_offered(offer, starts_at=starts_at, moment=clock.now())
    if ends_at is None:
        raise NoSuchSlot
    slot = _locked(offer, starts_at=starts_at, ends_at=ends_at)
    if done := Booking.objects.filter(source=source, member_id=member_id).first():
        return done  # the same call, a moment before
    if Booking.objects.filter(slot=slot, member_id=member_id, state__in=STANDING).exists():
        raise BookedAlready
    if slot.is_closed:
        raise NoSuchSlot
    made = Booking(slot=slot, member_id=member_id, state=State.BOOKED, source=source, made_at=clock.now())
    named = people.candidates(slot, wish=staff_id)
    if slot.taken < slot.capacity and people.keep(made, slot, named):
        Slot.objects.filter(pk=slot.pk).update(taken=F("taken") + 1)
        return made
    if staff_id is not None:
        raise PersonTaken
    if not may_wait:
        raise SlotFull
    made.state = State.WAITING
    made.save()
    return made


@transaction.atomic
def move(*, booking_id: int, starts_at: datetime, member_id: int | None = None, source: str) -> Booking:
    """To another time of the same offer, with the same person where they are free: the new place first, then the old one is free.
    Raises what `book` and `cancel` raise."""
    old = _standing(booking_id, member_id)
    if old is None:
        raise BookingSettled
    if old.slot.starts_at == starts_at:
        return old
    wanted: dict[str, Any] = {
        "offer_id": old.slot.offer_id,
        "starts_at": starts_at,
        "member_id": old.member_id,
        "source": source,
    }
    try:
        made = book(**wanted, staff_id=old.staff_id)
    except PersonTaken:
        made = book(**wanted)
    cancel(booking_id=booking_id, member_id=member_id)
    return made


@transaction.atomic
def cancel(*, booking_id: int, member_id: int | None = None) -> None:
    """`member_id`: by the member, only their own, not later than the notice. Cancelled already: nothing. The next who waits moves up.

    Raises NotFound, BookingSettled, TooLate.
    """
    row = _standing(booking_id, member_id)
    if row is None:
        return
    moment = clock.now()
    if member_id is not None and row.slot.starts_at - timedelta(minutes=row.slot.offer.service.notice_minutes) < moment:
        raise TooLate
    _leave(row, state=State.CANCELLED)
    _fill(row.slot_id, moment=moment)


@transaction.atomic
def arrive(*, booking_id: int) -> Booking:
    """The member is at the counter. The same again is a no-op. Raises NotFound, BookingSettled (cancelled, or never had a place)."""
    row = Booking.objects.select_for_update().filter(pk=booking_id).first()
    if row is None:
        raise NotFound
    if row.state == State.ARRIVED:
        return row
    if row.state not in (State.BOOKED, State.MISSED):
        raise BookingSettled
    row.state, row.settled_at = State.ARRIVED, clock.now()
    row.save(update_fields=["state", "settled_at"])
    events.publish(KEPT, key=str(row.pk), lane=f"member:{row.member_id}", booking_id=row.pk, member_id=row.member_id)
    return row


@transaction.atomic
def cancel_of_members(*, member_ids: list[int]) -> int:
    """These members leave: their places go to who waits. Returns how many."""
    rows = Booking.objects.filter(member_id__in=member_ids, state__in=STANDING, slot__starts_at__gt=clock.now())
    keys = list(rows.order_by("slot_id", "pk").values_list("pk", flat=True))
    for key in keys:
        cancel(booking_id=key)
    return len(keys)


@transaction.atomic
def save_service(*, service_id: int | None = None, **fields: object) -> Service:
    """Fields as the model's. Times that are booked stay booked when the length changes."""
    audit.sign()
    if service_id is None:
        return Service.objects.create(**fields)
    row = Service.objects.select_for_update().filter(pk=service_id).first()
    if row is None:
        raise NotFound
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    return row


@transaction.atomic
def offer(*, service_id: int, store_id: int, capacity: int) -> Offer:
    """From now on in this store, for so many at once; 0: not any more. Slots to come take the capacity on.

    Raises CapacityTooSmall when more have booked one of them; NotFound.
    """
    audit.sign()
    if not Store.objects.filter(pk=store_id).exists() or not Service.objects.filter(pk=service_id).exists():
        raise NotFound
    row, _is_new = Offer.objects.update_or_create(
        service_id=service_id, store_id=store_id, defaults={"capacity": max(capacity, 1), "is_active": capacity > 0}
    )
    coming = Slot.objects.select_for_update().filter(offer=row, starts_at__gt=clock.now()).order_by("pk")
    for slot in coming if capacity > 0 else []:
        if slot.taken > capacity:
            raise CapacityTooSmall
        slot.capacity = capacity
        slot.save(update_fields=["capacity"])
        _fill(slot.pk, moment=clock.now())
    return row


@transaction.atomic
def give_time(*, offer_id: int, starts_at: datetime) -> Slot:
    """A time of an event. Once. Raises NotFound, NoSuchSlot (past, or not an event)."""
    audit.sign()
    row = Offer.objects.select_related("service").filter(pk=offer_id, is_active=True).first()
    if row is None:
        raise NotFound
    if row.service.kind != Service.Kind.EVENT or starts_at <= clock.now():
        raise NoSuchSlot
    return _locked(row, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=row.service.minutes))


def _locked(row: Offer, *, starts_at: datetime, ends_at: datetime) -> Slot:
    """The slot's row, made by whoever comes first, locked."""
    Slot.objects.get_or_create(offer=row, starts_at=starts_at, defaults={"ends_at": ends_at, "capacity": row.capacity})
    return Slot.objects.select_for_update().get(offer=row, starts_at=starts_at)


def _standing(booking_id: int, member_id: int | None) -> Booking | None:
    """The booking under the lock of its slot; None: cancelled already. Raises NotFound, BookingSettled."""
    found = Booking.objects.filter(pk=booking_id).values_list("slot_id", flat=True).first()
    if found is None:
        raise NotFound
    Slot.objects.select_for_update().get(pk=found)
    row = Booking.objects.select_for_update(of=("self",)).select_related("slot__offer__service").get(pk=booking_id)
    if member_id is not None and row.member_id != member_id:
        raise NotFound
    if row.state == State.CANCELLED:
        return None
    if row.state not in STANDING:
        raise BookingSettled
    return row


def _leave(row: Booking, *, state: str) -> None:
    had_place = row.state == State.BOOKED
    row.state, row.settled_at = state, clock.now()
    row.save(update_fields=["state", "settled_at"])
    if had_place:
        Slot.objects.filter(pk=row.slot_id).update(taken=F("taken") - 1)


def _fill(slot_id: int, *, moment: datetime) -> None:
    """Who has waited longest gets what is free, while it is still ahead; one fact for all of them."""
    slot = Slot.objects.select_for_update().get(pk=slot_id)
    if slot.is_closed or slot.starts_at <= moment:
        return
    waiting, filled = Booking.objects.filter(slot=slot, state=State.WAITING).order_by("pk"), 0
    for row in waiting[: slot.capacity - slot.taken]:
        row.state, row.filled_at = State.BOOKED, moment
        if not people.keep(row, slot, people.candidates(slot)):
            break
        filled += 1
    if filled:
        Slot.objects.filter(pk=slot_id).update(taken=F("taken") + filled)
        tell(slot_id, kind=Notice.Kind.FILLED, moment=moment)


def tell(slot_id: int, *, kind: Notice.Kind, moment: datetime) -> None:
    """One fact per set; inside the transaction that makes it due."""
    row = Notice.objects.create(slot_id=slot_id, kind=kind, told_at=moment)
    events.publish(NOTICE_DUE, key=str(row.pk), slot_id=slot_id, kind=str(kind))
