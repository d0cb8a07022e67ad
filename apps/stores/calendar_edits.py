"""Changing business time: the brand's hours, special days, public holidays. Each change is a fact: clocks are set anew by it."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import audit, brand
from apps.core.errors import NotFound, ValidationFailed
from apps.events import services as events
from apps.stores import calendars, hours
from apps.stores.models import Store
from apps.stores.places import PublicDay, SpecialDay

CHANGED = "calendar.changed"
OFF, WORKED = "off", "worked"
MOST_LINES = 400


@dataclass(frozen=True, kw_only=True)
class NewDay:
    """`store_id` None: of all stores. `weekday` for WEEKDAY (0 is Monday), `spans` for HOURS."""

    day: date
    kind: str
    store_id: int | None = None
    weekday: int | None = None
    spans: hours.Day | None = None
    name: str = ""


def changed(store_id: int | None) -> None:
    """Whoever changed hours says so in the same transaction; None: they may be anybody's."""
    events.publish(CHANGED, key=uuid4().hex, store_id=store_id)


@transaction.atomic
def save_default(*, week: hours.Week, keeps_public_days: bool) -> None:
    """The hours of every store that has none of its own. Raises ValidationFailed."""
    if not hours.is_week(week):
        raise ValidationFailed(errors=[_error("/hours", _("Write intervals like 10:00-12:30, 14:00-21:00."))])
    audit.sign()
    brand.write(calendars.HOURS, week)
    brand.write(calendars.KEEPS_PUBLIC_DAYS, keeps_public_days)
    changed(None)


@transaction.atomic
def save_day(new: NewDay) -> SpecialDay:
    """Add one, or replace that of the same store and day. Raises NotFound, ValidationFailed."""
    if new.store_id is not None and not Store.objects.filter(pk=new.store_id).exists():
        raise NotFound
    if errors := _faults(new):
        raise ValidationFailed(errors=errors)
    audit.sign()
    is_hours, is_weekday = new.kind == SpecialDay.Kind.HOURS, new.kind == SpecialDay.Kind.WEEKDAY
    row, _made = SpecialDay.objects.update_or_create(
        **_key(new.store_id, new.day),
        defaults={
            "kind": new.kind,
            "weekday": new.weekday if is_weekday else None,
            "hours": new.spans if is_hours else [],
            "name": new.name.strip()[:40],
        },
    )
    changed(new.store_id)
    return row


@transaction.atomic
def remove_day(*, store_id: int | None, day: date) -> None:
    """The day is as its weekday says again. Raises NotFound."""
    audit.sign()
    gone, _each = SpecialDay.objects.filter(**_key(store_id, day)).delete()
    if not gone:
        raise NotFound
    changed(store_id)


@transaction.atomic
def take_public_days(*, text: str) -> int:
    """Lines `2027-02-04,off,春节` or `2027-02-07,worked,春节`; a day that is known is replaced. All lines or none: ValidationFailed."""
    found, errors = _read(text)
    if errors:
        raise ValidationFailed(errors=errors)
    audit.sign()
    PublicDay.objects.bulk_create(
        found, update_conflicts=True, unique_fields=["day"], update_fields=["is_working", "name"]
    )
    changed(None)
    return len(found)


def _read(text: str) -> tuple[Sequence[PublicDay], list[dict[str, str]]]:
    found: dict[date, PublicDay] = {}
    errors = []
    lines = [(number, row) for number, row in enumerate(csv.reader(text.splitlines()), start=1) if any(row)]
    if not 0 < len(lines) <= MOST_LINES:
        return (), [_error("/text", _("1 to %(most)s lines are expected.") % {"most": MOST_LINES})]
    for number, row in lines:
        try:
            day, kind, name = (cell.strip() for cell in row)
            if kind not in {OFF, WORKED} or not 0 < len(name) <= 40:
                raise ValueError
            when = date.fromisoformat(day)
        except ValueError:
            errors.append(_error("/text", _("Line %(number)s is not like 2027-02-04,off,春节.") % {"number": number}))
            continue
        found[when] = PublicDay(day=when, is_working=kind == WORKED, name=name)
    return list(found.values()), errors[:10]


def _faults(new: NewDay) -> list[dict[str, str]]:
    if new.kind not in SpecialDay.Kind.values:
        return [_error("/kind", _("Choose one of the list."))]
    if new.kind == SpecialDay.Kind.WEEKDAY and (new.weekday is None or not 0 <= new.weekday < hours.DAYS):
        return [_error("/weekday", _("Choose one of the list."))]
    if new.kind == SpecialDay.Kind.HOURS:
        text = hours.fault(new.spans) if new.spans else _("Write intervals like 10:00-12:30, 14:00-21:00.")
        return [_error("/hours", text)] if text else []
    return []


def _key(store_id: int | None, day: date) -> dict[str, Any]:
    return {"store_id": store_id, "day": day}


def _error(pointer: str, message: str) -> dict[str, str]:
    return {"pointer": pointer, "code": "invalid", "message": message}
