"""PINs of the people at the till: who may take it over, set and checked. Guessing is limited by till and by person."""

import re
from collections.abc import Sequence

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import QuerySet

from apps.core import audit, clock, ratelimits
from apps.core.errors import NotFound
from apps.core.ratelimits import Limit
from apps.stores.access import Access
from apps.stores.errors import PinRefused, PinWrong, TooManyPins
from apps.stores.models import Pin, Role, Staff

WORK, OVERRIDE = "counter.work", "counter.override"
_SHAPE = re.compile(r"[0-9]{4,6}", re.ASCII).fullmatch
ROWS = ("0123456789", "9876543210")
PER_TILL = (30, 600)  # tries in seconds, right ones too: people change often
PER_PERSON = (5, 300)
PER_PERSON_A_DAY = (20, 24 * 3600)


@transaction.atomic
def keep(*, staff_id: int, pin: str) -> None:
    """Set or replace somebody's PIN. Raises PinRefused, NotFound (no active card)."""
    if not _SHAPE(pin) or len(set(pin)) == 1 or any(pin in row for row in ROWS):
        raise PinRefused
    if not Staff.objects.filter(pk=staff_id, is_active=True).exists():
        raise NotFound
    Pin.objects.update_or_create(staff_id=staff_id, defaults={"hash": make_password(pin), "changed_at": clock.now()})
    audit.record("pin.kept", object_type="staff", object_id=staff_id)
    for limit in _of_person(staff_id):
        ratelimits.clear(limit)


def check(*, staff_id: int, pin: str, device_id: int, store_id: int, permission: str = WORK) -> Staff:
    """Who it is, once the PIN is right and they may do this in this store. Raises PinWrong, TooManyPins."""
    limits = [Limit("pin:till", str(device_id), *PER_TILL, closed=True), *_of_person(staff_id)]
    if refusal := ratelimits.ask(limits).refusal:
        raise TooManyPins(retry_after=refusal.reset)
    row = Pin.objects.select_related("staff").filter(staff_id=staff_id, staff__is_active=True).first()
    is_right = check_password(pin[:6], row.hash if row else "")
    if row is None or not is_right or not may(row.staff, permission=permission, store_id=store_id):
        audit.record("pin.refused", object_type="staff", object_id=staff_id, after={"device": device_id})
        raise PinWrong
    for limit in _of_person(staff_id):
        ratelimits.clear(limit)
    return row.staff


def may(staff: Staff, *, permission: str, store_id: int) -> bool:
    """Does the role allow it, and does its reach take in the store?"""
    access = Access(staff.user_id, staff.pk, staff.role, staff.store_id, staff.region_id)
    if not access.can(permission):
        return False
    reach = access.store_ids(permission)
    return reach is None or store_id in reach


def people(*, store_id: int, permission: str = WORK) -> list[Staff]:
    """Who has a PIN and may take the tills of this store: its own people first."""
    rows = _with_pin().filter(role__in=_roles(permission)).order_by("name", "pk")
    found = [row for row in rows if may(row, permission=permission, store_id=store_id)]
    return sorted(found, key=lambda row: row.store_id != store_id)


def _with_pin() -> QuerySet[Staff]:
    return Staff.objects.filter(is_active=True, pin__isnull=False)


def _roles(permission: str) -> Sequence[str]:
    return [role for role in Role.values if Access(role=role).can(permission)]


def _of_person(staff_id: int) -> list[Limit]:
    return [
        Limit("pin:person", str(staff_id), *PER_PERSON, closed=True),
        Limit("pin:person:day", str(staff_id), *PER_PERSON_A_DAY, closed=True),
    ]
