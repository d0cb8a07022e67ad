"""Stores by distance, and whether they are open. Where somebody is is asked for one answer and kept nowhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.core import audit, clock
from apps.core.errors import NotFound, ValidationFailed
from apps.stores import calendar_edits, calendars, hours
from apps.stores.calendars import Calendar
from apps.stores.models import Store
from apps.stores.places import StorePlace

# Great circle by haversine, on the mean radius: off by half a hundredth at most, which nobody walks.
_FIND = """
select s.id, s.code, s.name, coalesce(p.address, ''), coalesce(p.phone, ''), p.latitude, p.longitude,
       case when p.latitude + %(latitude)s::float8 is not null then
           2 * 6371008.8 * asin(sqrt(least(1, power(sin(radians(p.latitude - %(latitude)s::float8) / 2), 2)
           + cos(radians(%(latitude)s::float8)) * cos(radians(p.latitude))
           * power(sin(radians(p.longitude - %(longitude)s::float8) / 2), 2)))) end as meters
  from stores_store s left join stores_storeplace p on p.store_id = s.id
 where s.is_open and not s.is_warehouse and (%(codes)s::text[] is null or s.code = any(%(codes)s::text[]))
 order by meters nulls last, s.name, s.id limit %(limit)s
"""


@dataclass(frozen=True)
class Point:
    """Degrees, WGS 84."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class Near:
    """`meters` None: the position of the store, or of who asks, is not known. `calendar` knows yesterday and today."""

    store_id: int
    code: str
    name: str
    address: str
    phone: str
    latitude: float | None
    longitude: float | None
    calendar: Calendar
    meters: int | None = None


def find(*, near: Point | None = None, codes: Sequence[str] | None = None, limit: int = 50) -> list[Near]:
    """Shops that are in business, nearest first; without `near` by name. `codes`: only these. Few statements."""
    facts = {
        "latitude": near.latitude if near else None,
        "longitude": near.longitude if near else None,
        "codes": list(codes) if codes is not None else None,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FIND, facts)
        rows = cursor.fetchall()
    now = calendars_around(clock.now(), [row[0] for row in rows])
    return [_near(row, now[row[0]]) for row in rows]


def _near(row: tuple[Any, ...], calendar: Calendar) -> Near:
    store_id, code, name, address, phone, latitude, longitude, meters = row
    far = None if meters is None else round(meters)
    return Near(store_id, code, name, address, phone, latitude, longitude, calendar, far)


def calendars_around(moment: datetime, store_ids: Sequence[int]) -> dict[int | None, Calendar]:
    """What decides whether stores are open at this moment."""
    today = clock.local_date(moment)
    return calendars.of_stores(store_ids, since=today - timedelta(days=1), until=today)


def is_open(calendar: Calendar, *, moment: datetime) -> bool | None:
    """At that moment, shop time; None where the hours are not known."""
    return calendar.is_open(moment) if _is_known(calendar, moment) else None


def today(calendar: Calendar, *, moment: datetime) -> str:
    """`10:00–12:30, 14:00–22:00`, or that it is a day off; "" where nothing is known."""
    if not _is_known(calendar, moment):
        return ""
    return hours.write(calendar.day(clock.local_date(moment))) or _("closed today")


def _is_known(calendar: Calendar, moment: datetime) -> bool:
    return calendar.hours_are_known or clock.local_date(moment) in calendar.exceptions


@transaction.atomic
def save(
    *,
    store_id: int,
    address: str,
    phone: str,
    latitude: float | None,
    longitude: float | None,
    week: hours.Week,
    keeps_public_days: bool = False,
    time_zone: str = "",
) -> StorePlace:
    """`week` [] where the brand's hours count. Raises NotFound, ValidationFailed."""
    if not Store.objects.filter(pk=store_id).exists():
        raise NotFound
    if errors := [*_position(latitude, longitude), *_week(week), *_zone(time_zone)]:
        raise ValidationFailed(errors=errors)
    audit.sign()
    row = StorePlace.objects.filter(pk=store_id).first() or StorePlace(store_id=store_id)
    row.address, row.phone = address.strip()[:120], phone.strip()[:30]
    row.latitude, row.longitude, row.time_zone = latitude, longitude, time_zone
    timed = (row.hours, row.keeps_public_days)
    row.hours, row.keeps_public_days = week, keeps_public_days
    row.save()
    if timed != (week, keeps_public_days):
        calendar_edits.changed(store_id)
    return row


def place(store_id: int) -> StorePlace:
    """As kept, or an empty one that is not."""
    return StorePlace.objects.filter(pk=store_id).first() or StorePlace(store_id=store_id)


def _zone(name: str) -> list[dict[str, str]]:
    if name in ("", *clock.zone_names()):
        return []
    sentence = _("There is no such time zone. Write it like Asia/Tokyo.")
    return [{"pointer": "/time_zone", "code": "unknown_zone", "message": sentence}]


def _position(latitude: float | None, longitude: float | None) -> list[dict[str, str]]:
    wrong = []
    for name, value, other, most in (("latitude", latitude, longitude, 90), ("longitude", longitude, latitude, 180)):
        if value is None and other is not None:
            wrong.append({"pointer": f"/{name}", "code": "required", "message": _("A position has both.")})
        elif value is not None and not -most <= value <= most:
            text = _("Between -%(most)s and %(most)s.") % {"most": most}
            wrong.append({"pointer": f"/{name}", "code": "out_of_range", "message": text})
    return wrong


def _week(week: hours.Week) -> list[dict[str, str]]:
    message = _("Write intervals like 10:00-12:30, 14:00-21:00.")
    return [] if hours.is_week(week) else [{"pointer": "/hours", "code": "invalid", "message": message}]
