"""Who is in a store and at its tills just now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.core import clock
from apps.stores.models import Device, Shift
from apps.stores.shifts import LOCKS_AFTER


@dataclass(frozen=True)
class AtTill:
    """A till in use; `shift` is the one at it or, where nobody is, None. `is_awake`: somebody touched it within two minutes."""

    device: Device
    shift: Shift | None
    is_awake: bool


def tills(*, store_ids: Sequence[int] | None, moment: datetime, limit: int = 100) -> list[AtTill]:
    rows = Device.objects.filter(till__isnull=False, revoked_at=None, is_sandbox=False).select_related("store")
    if store_ids is not None:
        rows = rows.filter(store_id__in=store_ids)
    devices = list(rows.order_by("store__code", "name")[:limit])
    at = Shift.objects.filter(
        device__in=devices, is_at_till=True, began_at__gte=clock.day_start(clock.local_date(moment))
    )
    now = {shift.device_id: shift for shift in at.select_related("staff")}
    found = [(device, now.get(device.pk)) for device in devices]
    return [AtTill(device, one, one is not None and one.seen_at > moment - LOCKS_AFTER) for device, one in found]


def on_shift(*, store_ids: Sequence[int] | None, start: datetime, end: datetime) -> dict[int, Shift]:
    """Staff id → their last shift at these stores' tills that began in [start, end)."""
    rows = Shift.objects.filter(began_at__gte=start, began_at__lt=end)
    if store_ids is not None:
        rows = rows.filter(device__store_id__in=store_ids)
    return {shift.staff_id: shift for shift in rows.order_by("began_at").select_related("device")[:1_000]}
