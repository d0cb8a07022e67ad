"""Shifts: who works at a till. A till that nobody touched for two minutes is locked, whatever its screen says."""

from datetime import datetime, timedelta

from django.db import transaction

from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.stores.models import Device, Shift

LOCKS_AFTER = timedelta(minutes=2)
NOTED_EVERY = timedelta(seconds=10)  # how exactly `seen_at` is kept


@transaction.atomic
def begin(*, device_id: int, staff_id: int, moment: datetime | None = None) -> Shift:
    """The till is this person's from now on; their open shift of today goes on, one of an earlier day has ended when last seen."""
    moment = moment or clock.now()
    Device.objects.select_for_update(no_key=True).get(pk=device_id)  # people follow each other at a till
    Shift.objects.filter(device_id=device_id, is_at_till=True).exclude(staff_id=staff_id).update(is_at_till=False)
    row = Shift.objects.filter(device_id=device_id, staff_id=staff_id, ended_at=None).first()
    if row is not None and clock.local_date(row.began_at) != clock.local_date(moment):
        _end(row, row.seen_at)
        row = None
    if row is None:
        row = Shift.objects.create(device_id=device_id, staff_id=staff_id, began_at=moment, seen_at=moment)
        audit.record("shift.began", object_type="shift", object_id=row.pk, after={"device": device_id})
        return row
    row.seen_at, row.is_at_till = moment, True
    row.save(update_fields=["seen_at", "is_at_till"])
    return row


def at_till(*, device_id: int, moment: datetime | None = None) -> Shift | None:
    """Whose till it is now; None while it is locked."""
    since = (moment or clock.now()) - LOCKS_AFTER
    rows = Shift.objects.select_related("staff").filter(device_id=device_id, is_at_till=True, seen_at__gt=since)
    return rows.filter(staff__is_active=True).first()


def touch(shift: Shift, *, moment: datetime | None = None) -> None:
    """The person has just done something."""
    moment = moment or clock.now()
    if shift.seen_at <= moment - NOTED_EVERY:
        Shift.objects.filter(pk=shift.pk, is_at_till=True).update(seen_at=moment)


def lock(*, device_id: int) -> None:
    """Nobody has the till; shifts stay open. Repeatable."""
    Shift.objects.filter(device_id=device_id, is_at_till=True).update(is_at_till=False)


@transaction.atomic
def end(*, shift_id: int, moment: datetime | None = None) -> Shift:
    """The day's work here is done. Again: a no-op. Raises NotFound."""
    row = Shift.objects.select_for_update().select_related("device__store", "staff").filter(pk=shift_id).first()
    if row is None:
        raise NotFound
    if row.ended_at is None:
        _end(row, moment or clock.now())
        audit.record("shift.ended", object_type="shift", object_id=row.pk)
    return row


def _end(row: Shift, moment: datetime) -> None:
    row.ended_at, row.is_at_till = moment, False
    row.save(update_fields=["ended_at", "is_at_till"])
