"""The Chinese calendar against dates that were published: new years, months that come twice, and ordinary feasts."""

from datetime import date, timedelta

import pytest

from apps.core import lunar

NEW_YEARS = {
    1900: (1, 31), 1912: (2, 18), 1949: (1, 29), 1966: (1, 21), 1978: (2, 7), 1985: (2, 20), 1997: (2, 7), 2000: (2, 5), 2008: (2, 7),
    2019: (2, 5), 2020: (1, 25), 2021: (2, 12), 2022: (2, 1), 2023: (1, 22), 2024: (2, 10), 2025: (1, 29), 2026: (2, 17), 2027: (2, 6),
    2028: (1, 26), 2029: (2, 13), 2030: (2, 3), 2033: (1, 31), 2034: (2, 19), 2050: (1, 23), 2100: (2, 9),
}  # fmt: skip
TWICE = {1966: 3, 1984: 10, 2001: 4, 2004: 2, 2006: 7, 2009: 5, 2012: 4, 2014: 9, 2017: 6, 2020: 4, 2023: 2, 2025: 6, 2028: 5, 2031: 3,
         2033: 11, 2036: 6}  # fmt: skip


@pytest.mark.parametrize("year", NEW_YEARS)
def test_new_year_falls_on_the_published_day(year: int) -> None:
    found = lunar.of(date(year, *NEW_YEARS[year]))
    assert found is not None
    assert (found.year, found.month, found.day, found.is_leap) == (year, 1, 1, False)


def test_the_months_that_come_twice_are_the_published_ones() -> None:
    assert {year: lunar.leap_month(year) for year in range(2001, 2038) if lunar.leap_month(year)} == {
        year: month for year, month in TWICE.items() if year >= 2001
    }
    assert (lunar.leap_month(1966), lunar.leap_month(1984)) == (3, 10)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2024, 6, 10), (2024, 5, 5, False, 30)),  # Dragon Boat
        (date(2025, 10, 6), (2025, 8, 15, False, 29)),  # Mid-Autumn
        (date(2026, 2, 16), (2025, 12, 29, False, 29)),  # the eve of the new year, of a short last month
        (date(2025, 7, 25), (2025, 6, 1, True, 29)),  # the second sixth month begins
        (date(2023, 3, 22), (2023, 2, 1, True, 29)),
        (date(2033, 12, 22), (2033, 11, 1, True, 29)),  # where many tables err
        (date(2101, 1, 28), (2100, 12, 29, False, 29)),
    ],
)
def test_days_are_the_published_ones(day: date, expected: tuple[int, int, int, bool, int]) -> None:
    assert lunar.of(day) == expected


def test_every_day_is_told_once_and_in_order() -> None:
    day, before, seen = date(1900, 1, 31), None, 0
    while (found := lunar.of(day)) is not None:
        if before is not None:
            assert found.day == before.day + 1 or (found.day == 1 and before.day == before.length)
        before, seen, day = found, seen + 1, day + timedelta(days=1)
    assert (seen, day, lunar.of(date(1900, 1, 30))) == (73412, date(2101, 1, 29), None)
