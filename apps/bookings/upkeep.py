"""What time does to bookings: notices that fall due, members who did not come."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.bookings import services
from apps.bookings.models import Booking, Notice, Slot
from apps.core import clock

BEFORE = {Notice.Kind.DAY: timedelta(hours=24), Notice.Kind.HOURS: timedelta(hours=2)}
STILL_WORTH = {Notice.Kind.DAY: timedelta(hours=6), Notice.Kind.HOURS: timedelta(hours=1)}
GRACE = timedelta(hours=12)  # the store may note somebody's coming so long after the end
State = Booking.State


def sweep() -> dict[str, int]:
    """Once a minute. Repeatable; each set is told once."""
    moment = clock.now()
    return {"notices": tell_due(moment=moment), "missed": miss(moment=moment)}


def tell_due(*, moment: datetime) -> int:
    told = 0
    for kind, before in BEFORE.items():
        booked = Booking.objects.filter(slot=OuterRef("pk"), state=State.BOOKED)
        known = Notice.objects.filter(slot=OuterRef("pk"), kind=kind)
        coming = Slot.objects.filter(
            Exists(booked), ~Exists(known), is_closed=False, starts_at__lte=moment + before,
            starts_at__gte=moment + before - STILL_WORTH[kind],
        )  # fmt: skip
        told += sum(_tell(pk, kind=kind, moment=moment) for pk in list(coming.values_list("pk", flat=True)))
    return told


def miss(*, moment: datetime) -> int:
    """Who was not noted as come, a while after the end; who waited to the end is cancelled. Returns how many did not come."""
    over = Booking.objects.filter(slot__ends_at__lte=moment - GRACE)
    over.filter(state=State.WAITING).update(state=State.CANCELLED, settled_at=moment)
    return over.filter(state=State.BOOKED).update(state=State.MISSED, settled_at=moment)


@transaction.atomic
def _tell(slot_id: int, *, kind: Notice.Kind, moment: datetime) -> int:
    Slot.objects.select_for_update().get(pk=slot_id)
    if Notice.objects.filter(slot_id=slot_id, kind=kind).exists():
        return 0
    services.tell(slot_id, kind=kind, moment=moment)
    return 1
