"""Stretches of time in rules: whole shop days (Asia/Shanghai) unless the rule says `"counted": "hours"`."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from apps.core import clock
from apps.segments.language.errors import BadRule

MOST_DAYS = 3650
_YEARS = range(1900, 2201)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Bounds:
    """[start, end), either open: None."""

    start: datetime | None
    end: datetime | None


def bounds(window: Any, *, moment: datetime, at: str) -> Bounds:
    """What a window means at `moment`. Raises BadRule.

    `{"last_days": N}`: today and the N - 1 shop days before; with `"counted": "hours"` the N × 24 hours up to now.
    `{"next_days": N}`: today and the N - 1 after. `{"days_ago": [a, b]}`: the whole shop days from b days ago to a days ago.
    `{"from": …, "to": …}`: shop days or moments, either may be missing; a day counts whole.
    """
    if not isinstance(window, dict) or not window:
        raise BadRule(at, "not_a_window")
    today = clock.local_date(moment)
    keys = set(window)
    if keys <= {"last_days", "counted"} and "last_days" in window:
        days = _days(window["last_days"], f"{at}/last_days")
        if window.get("counted", "days") == "hours":
            return Bounds(moment - timedelta(days=days) + _INSTANT, moment + _INSTANT)
        if window.get("counted", "days") != "days":
            raise BadRule(f"{at}/counted", "unknown_value")
        return _span(today - timedelta(days=days - 1), today)
    if keys == {"next_days"}:
        return _span(today, today + timedelta(days=_days(window["next_days"], f"{at}/next_days") - 1))
    if keys == {"days_ago"}:
        near, far = _pair(window["days_ago"], f"{at}/days_ago")
        return _span(today - timedelta(days=far), today - timedelta(days=near))
    if keys <= {"from", "to"}:
        return _fixed(window, at)
    raise BadRule(at, "not_a_window")


def is_moving(window: dict[str, Any]) -> bool:
    """Whether time alone moves it."""
    return not set(window) <= {"from", "to"}


def is_rolling(window: dict[str, Any]) -> bool:
    """Whether it moves at any moment, not only at midnight."""
    return window.get("counted") == "hours"


def days_of_year(found: Bounds) -> list[int]:
    """Month × 100 + day of every day in it, a year of them at most; 29 February stands beside the 28th of other years."""
    if found.start is None or found.end is None or found.end - found.start >= timedelta(days=366):
        return [month * 100 + day for month in range(1, 13) for day in range(1, 32)]
    days = set()
    day, last = clock.local_date(found.start), clock.local_date(found.end - _INSTANT)
    while day <= last:
        days.add(day.month * 100 + day.day)
        if (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3:
            days.add(229)
        day += timedelta(days=1)
    return sorted(days)


def _span(first: date, last: date) -> Bounds:
    return Bounds(clock.day_start(first), clock.day_end(last))


def _fixed(window: dict[str, Any], at: str) -> Bounds:
    start = _moment(window["from"], f"{at}/from") if "from" in window else None
    end = _moment(window["to"], f"{at}/to", is_end=True) if "to" in window else None
    if start and end and end <= start:
        raise BadRule(f"{at}/to", "ends_before_start")
    return Bounds(start, end)


def _moment(value: Any, at: str, *, is_end: bool = False) -> datetime:
    try:
        if not isinstance(value, str) or len(value) > 40 or date.fromisoformat(value[:10]).year not in _YEARS:
            raise BadRule(at, "not_a_date")
        return clock.end_of(value) if is_end else clock.start_of(value)
    except (ValueError, OverflowError) as wrong:
        raise BadRule(at, "not_a_date") from wrong


def _days(value: Any, at: str, least: int = 1) -> int:
    if type(value) is not int or not least <= value <= MOST_DAYS:
        raise BadRule(at, "not_a_number")
    return value


def _pair(value: Any, at: str) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise BadRule(at, "not_two_numbers")
    near, far = (_days(one, f"{at}/{n}", least=0) for n, one in enumerate(value))
    if far < near:
        raise BadRule(f"{at}/1", "out_of_order")
    return near, far
