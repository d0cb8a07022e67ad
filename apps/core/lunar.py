"""The Chinese calendar (农历) from 1900 to 2100: which of its days a date is.

A table, no astronomy: per year the lengths of its months and which one comes twice, as the Hong Kong Observatory publishes them
(https://www.hko.gov.hk/en/gts/time/conversion.htm). Tests hold it against published new years, leap months and days.
"""

from bisect import bisect_right
from datetime import date
from functools import cache
from typing import NamedTuple

FIRST_YEAR = 1900
_NEW_YEAR = date(1900, 1, 31)  # the first day of the first year
# A year: the last hexadecimal digit is the month that comes twice (0: none); above it a bit a month from the first on, 1: of 30 days.
_YEARS = """
16d28 07520 0ea50 164a5 064b0 0a9b0 15564 056a0 0b590 17522 07520 1b256 0b250 0a4b0 14ab5 02ad0 056b0 0b692 0da90 1d927
0e920 0d250 1a4d5 0a560 02b60 15b54 06d40 0ea90 1e922 0e920 0d266 052b0 0a570 12b65 0b5a0 06d40 0ec93 07490 16937 0a930
052b0 0a5b6 0aad0 056a0 1b554 0ba40 0b490 1a932 0a950 152d7 05360 0aad0 15aa5 05b20 0da50 1d4a3 0d4a0 0a958 0a970 05560
0ab56 0ad50 06d20 0ea54 0ea50 064a0 0c973 0a9b0 155a7 056a0 0b690 17525 0b520 0b250 164b4 0a4b0 14ab8 02ad0 056d0 0b696
0da90 0d920 1d254 0d250 1a4da 0a560 02b60 05b56 06d50 0ea90 1e925 0e920 0d260 0a563 0a570 14d68 035a0 06d50 16c95 07490
06930 152b4 052b0 0a5b0 155a2 056a0 1b557 0ba40 0b490 1a935 0a950 052d0 0aad4 0ab50 15aa9 05d20 0da50 1d4a6 0d4a0 0c950
152e4 05560 0ab50 15b22 06d20 0ea56 07250 064b0 0c975 0cab0 055a0 0ad63 0b690 1752b 0b520 0b250 1a4b6 0a4b0 04ab0 055b5
05ad0 0b6a0 1b522 0d920 1d257 0d250 0a550 14ad5 04b60 05b50 0daa3 0ec90 1e928 0e920 0d260 0a566 0a570 04d60 06d54 07550
07490 0e933 06930 152b7 052b0 0a5b0 155a5 056a0 0b650 174a4 0b4a0 1a958 0a950 052d0 0aad6 0ab50 05aa0 0ba54 0da50 0d4a0
1c953 0c960 194e7 05560 0ab50 15b25 06d20 0ea50 0e4a4 064b0 0c978 04ab0 055b0 0ad66 0b6a0 07520 17254 0b250 0a8b0 149b2
04ab0
"""


class LunarDay(NamedTuple):
    """`is_leap`: of the month that comes a second time. `length`: days of the month, 29 or 30."""

    year: int
    month: int
    day: int
    is_leap: bool
    length: int


def of(day: date) -> LunarDay | None:
    """None before 1900-01-31 and after the year 2100 of this calendar."""
    starts, months = _months()
    place = bisect_right(starts, day.toordinal()) - 1
    if place < 0 or place == len(months):
        return None
    year, month, is_leap, length = months[place]
    return LunarDay(year, month, day.toordinal() - starts[place] + 1, is_leap, length)


def leap_month(year: int) -> int:
    """The month that comes twice in this year; 0: none."""
    return _codes()[year - FIRST_YEAR] & 15


@cache
def _codes() -> tuple[int, ...]:
    return tuple(int(code, 16) for code in _YEARS.split())


@cache
def _months() -> tuple[list[int], list[tuple[int, int, bool, int]]]:
    """First days (ordinals) of all months and one more, and the months: year, month, whether it is the second of its name, days."""
    starts, months, start = [], [], _NEW_YEAR.toordinal()
    for year, code in enumerate(_codes(), start=FIRST_YEAR):
        for place, (month, is_leap) in enumerate(_names(code & 15)):
            length = 29 + (code >> 4 + place & 1)
            starts.append(start)
            months.append((year, month, is_leap, length))
            start += length
    return [*starts, start], months


def _names(twice: int) -> list[tuple[int, bool]]:
    names = [(month, False) for month in range(1, 13)]
    if twice:
        names.insert(twice, (twice, True))
    return names
