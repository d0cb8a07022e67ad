"""Filters of the member's pages: times, places and states in a member's words."""

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from django import template
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.core import clock, ids
from apps.orders.models import Order

register = template.Library()


@register.filter
def public(key: int, prefix: str) -> str:
    """`{{ row.pk|public:"msg" }}`: the id an address may carry."""
    return ids.encode(prefix, key)


@register.filter
def when(value: dt.datetime | None) -> str:
    """Today 09:12, Yesterday 18:40, else the day, with its year when that is another one. Asia/Shanghai."""
    if value is None:
        return ""
    local, now = clock.local(value), clock.local(clock.now())
    time, days = local.strftime("%H:%M"), (now.date() - local.date()).days
    if days == 0:
        return _("Today %(time)s") % {"time": time}
    if days == 1:
        return _("Yesterday %(time)s") % {"time": time}
    return day(local)


@register.filter
def when_at(value: dt.datetime) -> str:
    """Of what is to come: today at 20:00, else the day and the hour."""
    local = clock.local(value)
    time = local.strftime("%H:%M")
    if local.date() == clock.local(clock.now()).date():
        return _("Today %(time)s") % {"time": time}
    return f"{day(local)} {time}"


@register.filter
def day(value: dt.datetime | dt.date | None) -> str:
    """11月22日, with the year when that is not this one."""
    if value is None:
        return ""
    local = clock.local(value) if isinstance(value, dt.datetime) else value
    is_this_year = local.year == clock.local(clock.now()).year
    return date_format(local, "MONTH_DAY_FORMAT" if is_this_year else "DATE_FORMAT")


@register.filter
def month(value: dt.datetime) -> str:
    """2023年3月."""
    return date_format(clock.local(value), "YEAR_MONTH_FORMAT")


@register.filter
def groups(number: str) -> list[str]:
    """A member number in pieces that can be read aloud: M 012 345 6789."""
    found = re.fullmatch(r"([A-Z]{0,3})(\d{5,})", number)
    if not found:
        return [number]
    pieces = re.findall(r"\d{4}$|\d{3}|\d+", found[2])
    return [piece for piece in (found[1], *pieces) if piece]


@register.filter
def distance(meters: int) -> str:
    """640 m, 1.8 km, 24 km: as exact as anybody walks."""
    if meters < 1000:
        return _("%(n)s m") % {"n": max(10, round(meters, -1))}
    return _("%(n)s km") % {"n": f"{meters / 1000:.1f}" if meters < 10_000 else f"{meters / 1000:,.0f}"}


@register.filter
def quantity(value: Decimal) -> str:
    """2.000 → 2, 0.350 → 0.35."""
    return f"{value.normalize():f}"


@register.filter
def place(row: Any) -> str:
    """Where an order was made: the store, else that it came from elsewhere."""
    return row.store or _("Order")


@register.filter
def order_state(code: str) -> str:
    """What a state means to the one who bought."""
    words = {
        Order.Status.RECORDED: _("Not paid yet"),
        Order.Status.PAID: pgettext("orders", "Paid, being prepared"),
        Order.Status.SHIPPED: pgettext("orders", "On its way"),
        Order.Status.READY: _("Ready for pick-up"),
        Order.Status.RECEIVED: pgettext("orders", "Received"),
        Order.Status.CANCELLED: pgettext("orders", "Cancelled"),
    }
    return words.get(Order.Status(code), code) if code in Order.Status.values else code
