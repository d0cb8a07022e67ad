"""Opening hours as people write them and as they are kept: intervals of one day, "10:00-12:30, 14:00-21:00"."""

import re
from typing import Any

from django.utils.translation import gettext as _

Span = list[str]  # ["10:00", "22:00"]: shop time; an end that is not later than its beginning is on the next day
Day = list[Span]
Week = list[Day]  # seven from Monday on; [] where nothing is known
DAYS, MOST = 7, 6
MINUTES = 24 * 60
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d").fullmatch
_SPAN = re.compile(r"(\d{1,2})[:：](\d{2})\s*(?:-|–|—|~|～|至)\s*(\d{1,2})[:：](\d{2})")


def parse(text: str) -> Day:
    """What a person wrote, in order of time; "" is a day off. Raises ValueError with a sentence for them."""
    found = _SPAN.findall(text)
    if re.sub(r"[\s,，、;；]+", "", _SPAN.sub("", text)):
        raise ValueError(_("Write intervals like 10:00-12:30, 14:00-21:00."))
    day = sorted([f"{int(a):02d}:{b}", f"{int(c):02d}:{d}"] for a, b, c, d in found)
    if wrong := fault(day):
        raise ValueError(wrong)
    return day


def write(day: Day) -> str:
    return ", ".join("–".join(span) for span in day)


def fault(day: Any) -> str:
    """What is wrong with a day's intervals, for people; "" when it is as it should be."""
    if not isinstance(day, list) or len(day) > MOST or not all(_is_span(span) for span in day):
        return _("Write intervals like 10:00-12:30, 14:00-21:00.")
    edge = 0
    for begins, ends in spans(day):
        if begins < edge:
            return _("Intervals of a day follow one another and do not overlap.")
        edge = ends
    return ""


def spans(day: Day) -> list[tuple[int, int]]:
    """Minutes since the day's midnight; an end on the next day is beyond 1,440."""
    pairs = ((_minutes(begins), _minutes(ends)) for begins, ends in day)
    return [(begins, ends if ends > begins else ends + MINUTES) for begins, ends in pairs]


def is_week(week: Any) -> bool:
    return isinstance(week, list) and (not week or (len(week) == DAYS and not any(fault(day) for day in week)))


def _is_span(span: Any) -> bool:
    return isinstance(span, list) and len(span) == 2 and all(isinstance(at, str) and _CLOCK(at) for at in span)


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])
