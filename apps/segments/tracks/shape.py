"""What steps of a track are, as data: a list in order, each with the distance of its beginning from the anchor day.

The distance is calendar months first, then days, as PostgreSQL adds them: a day that the month has not becomes its last one
(31 January + 1 month = 28 or 29 February), and one month is counted from the anchor itself, so that the 31st comes back in March.
"""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core import shapes
from apps.core.errors import ValidationFailed

MOST_STEPS = 30
MOST_MONTHS, MOST_DAYS = 600, 366
_DISTANCE: dict[str, Any] = {
    "months": shapes.whole(MOST_MONTHS, -MOST_MONTHS, "calendar months from the anchor day; negative: before it"),
    "days": shapes.whole(MOST_DAYS, -MOST_DAYS, "days on top of the months"),
}
_NAME = {"type": "string", "maxLength": 60}
STEP = shapes.group(
    ["key", "name", "months", "days"],
    "",
    key={"type": "string", "maxLength": 40, "pattern": r"^[a-z0-9][a-z0-9_-]*$"},
    name=_NAME,
    name_en=_NAME,
    **_DISTANCE,
)
STEPS = {"type": "array", "items": STEP, "minItems": 1, "maxItems": MOST_STEPS}
ENDS = shapes.group(["months", "days"], "where the last step ends; left out: never", **_DISTANCE)
_LEAP_CYCLE = [date(2000, 1, 1) + timedelta(days=n) for n in range(1461)]
_TEXTS = shapes.TEXTS | {"not_in_order": _("This step has to begin after the one before it, whatever the day is.")}


def check(*, steps: Any, ends: Any) -> None:
    """Raises ValidationFailed, pointers below /steps and /ends."""
    found = [*shapes.findings(STEPS, steps, "/steps")]
    found += shapes.findings(ENDS, ends, "/ends") if ends is not None else ()
    if not found:
        keys = [step["key"] for step in steps]
        found = [(f"/steps/{n}/key", "repeated") for n, key in enumerate(keys) if key in keys[:n]]
        found += _out_of_order(steps, ends)
    if found:
        raise ValidationFailed(
            errors=[{"pointer": at, "code": code, "message": str(_TEXTS[code])} for at, code in found]
        )


def border(anchor: date, *, months: int, days: int) -> date:
    """The day at this distance: months first, cut to the month's last day, then days. Raises OverflowError, ValueError."""
    place = anchor.year * 12 + anchor.month - 1 + months
    first = date(place // 12, place % 12 + 1, 1)
    length = (date(first.year + first.month // 12, first.month % 12 + 1, 1) - first).days
    return first.replace(day=min(anchor.day, length)) + timedelta(days=days)


def _out_of_order(steps: list[dict[str, Any]], ends: Any) -> list[tuple[str, str]]:
    """Each border has to lie after the one before it for every anchor day there is: months are of different lengths."""
    row = [(f"/steps/{n}/months", step) for n, step in enumerate(steps)] + ([("/ends/months", ends)] if ends else [])
    found = []
    for (_at, one), (at, other) in pairwise(row):
        months = other["months"] - one["months"]
        is_clear = months >= 0 and months * 28 + other["days"] - one["days"] > 0
        if not is_clear and not all(_of(one, day) < _of(other, day) for day in _LEAP_CYCLE):
            found.append((at, "not_in_order"))
    return found


def _of(distance: dict[str, Any], anchor: date) -> date:
    return border(anchor, months=distance["months"], days=distance["days"])
