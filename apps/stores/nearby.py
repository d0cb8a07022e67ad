"""Stores by distance, and whether they are open. Where somebody is is asked for one answer and kept nowhere."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.core import audit, clock
from apps.core.errors import NotFound, ValidationFailed
from apps.stores.models import Store
from apps.stores.places import StorePlace

Hours = list[list[str] | None]
DAYS = 7
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d").fullmatch
# Great circle by haversine, on the mean radius: off by half a hundredth at most, which nobody walks.
_FIND = """
select s.id, s.code, s.name, coalesce(p.address, ''), coalesce(p.phone, ''), p.latitude, p.longitude, coalesce(p.hours, '[]'),
       case when p.latitude + %(latitude)s::float8 is not null then
           2 * 6371008.8 * asin(sqrt(least(1, power(sin(radians(p.latitude - %(latitude)s::float8) / 2), 2)
           + cos(radians(%(latitude)s::float8)) * cos(radians(p.latitude))
           * power(sin(radians(p.longitude - %(longitude)s::float8) / 2), 2)))) end as meters
  from stores_store s left join stores_storeplace p on p.store_id = s.id
 where s.is_open and (%(codes)s::text[] is null or s.code = any(%(codes)s::text[]))
 order by meters nulls last, s.name, s.id limit %(limit)s
"""


@dataclass(frozen=True)
class Point:
    """Degrees, WGS 84."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class Near:
    """`meters` None: the position of the store, or of who asks, is not known."""

    store_id: int
    code: str
    name: str
    address: str
    phone: str
    latitude: float | None
    longitude: float | None
    hours: Hours = field(default_factory=list)
    meters: int | None = None


def find(*, near: Point | None = None, codes: Sequence[str] | None = None, limit: int = 50) -> list[Near]:
    """Stores that are in business, nearest first; without `near` by name. `codes`: only these. One statement."""
    facts = {
        "latitude": near.latitude if near else None,
        "longitude": near.longitude if near else None,
        "codes": list(codes) if codes is not None else None,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FIND, facts)
        rows = cursor.fetchall()
    return [_near(row) for row in rows]


def _near(row: tuple[Any, ...]) -> Near:
    store_id, code, name, address, phone, latitude, longitude, hours, meters = row
    far = None if meters is None else round(meters)
    return Near(store_id, code, name, address, phone, latitude, longitude, json.loads(hours), far)


def is_open(hours: Hours, *, moment: datetime) -> bool | None:
    """At that moment, shop time; None where the hours are not known."""
    if not hours:
        return None
    local = clock.local(moment)
    now = f"{local:%H:%M}"
    today, before = hours[local.weekday()], hours[(local - timedelta(days=1)).weekday()]
    is_late = before is not None and before[1] <= before[0] and now < before[1]
    if today is None:
        return is_late
    begins, ends = today
    return is_late or (begins <= now < ends if begins < ends else now >= begins)


def today(hours: Hours, *, moment: datetime) -> str:
    """`10:00–22:00`, or that it is a day off; "" where nothing is known."""
    if not hours:
        return ""
    span = hours[clock.local(moment).weekday()]
    return f"{span[0]}–{span[1]}" if span else _("closed today")


@transaction.atomic
def save(
    *, store_id: int, address: str, phone: str, latitude: float | None, longitude: float | None, hours: Hours
) -> StorePlace:
    """Raises NotFound, ValidationFailed."""
    if not Store.objects.filter(pk=store_id).exists():
        raise NotFound
    if errors := [*_position(latitude, longitude), *_hours(hours)]:
        raise ValidationFailed(errors=errors)
    audit.sign()
    row = StorePlace.objects.filter(pk=store_id).first() or StorePlace(store_id=store_id)
    row.address, row.phone = address.strip()[:120], phone.strip()[:30]
    row.latitude, row.longitude = latitude, longitude
    row.hours = hours
    row.save()
    return row


def place(store_id: int) -> StorePlace:
    """As kept, or an empty one that is not."""
    return StorePlace.objects.filter(pk=store_id).first() or StorePlace(store_id=store_id)


def _position(latitude: float | None, longitude: float | None) -> list[dict[str, str]]:
    wrong = []
    for name, value, other, most in (("latitude", latitude, longitude, 90), ("longitude", longitude, latitude, 180)):
        if value is None and other is not None:
            wrong.append({"pointer": f"/{name}", "code": "required", "message": _("A position has both.")})
        elif value is not None and not -most <= value <= most:
            text = _("Between -%(most)s and %(most)s.") % {"most": most}
            wrong.append({"pointer": f"/{name}", "code": "out_of_range", "message": text})
    return wrong


def _hours(hours: Hours) -> list[dict[str, str]]:
    fits = not hours or len(hours) == DAYS
    fits = fits and all(span is None or (len(span) == 2 and all(map(_CLOCK, span))) for span in hours)
    return [] if fits else [{"pointer": "/hours", "code": "invalid", "message": _("Times like 10:00, for seven days.")}]
