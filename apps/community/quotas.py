"""How many group messages WeCom lets one customer or group have: the platform's figures with their days, the span the company chose."""

from calendar import monthrange
from datetime import date, timedelta
from typing import Any, NamedTuple

from apps.core import brand
from apps.gateways import limits

SPAN = "community.quota"
SPANS = ("month", "week", "day")


def _check(value: Any) -> None:
    if value not in SPANS:
        raise ValueError(f"one of {', '.join(SPANS)} is expected")


brand.declare(SPAN, default="month", check=_check)


class Window(NamedTuple):
    """From the first day to the last, at most so many for each."""

    first: date
    last: date
    most: int


def window(day: date) -> Window:
    """The span that a message of this shop day counts in. A month never allows more than it has days. Raises LimitUnknown."""
    span = brand.read(SPAN)
    most = limits.current("wecom", f"sends_per_{span}", day)
    if span == "day":
        return Window(day, day, most)
    if span == "week":
        monday = day - timedelta(days=day.weekday())
        return Window(monday, monday + timedelta(days=6), most)
    days = monthrange(day.year, day.month)[1]
    return Window(day.replace(day=1), day.replace(day=days), min(most, days))
