"""Stores by distance and hours."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import IntegrityError, transaction

from apps.core.errors import NotFound, ValidationFailed
from apps.core.models import AuditEntry
from apps.stores import hours, nearby
from apps.stores.calendars import Calendar
from apps.stores.models import Store
from apps.stores.nearby import Point
from apps.stores.places import StorePlace

HERE = Point(31.2109, 121.4389)
DAILY: hours.Week = [[["10:00", "22:00"]]] * 7
SHOP = timezone(timedelta(hours=8))


def shop(code: str, *, latitude: float | None = None, longitude: float | None = None, is_open: bool = True) -> Store:
    store = Store.objects.create(code=code, name=f"Store {code}", is_open=is_open)
    if latitude is not None:
        nearby.save(store_id=store.pk, address="", phone="", latitude=latitude, longitude=longitude, week=[])
    return store


@pytest.mark.django_db
def test_the_nearest_comes_first_and_who_has_no_place_last():
    shop("A")
    shop("B", latitude=31.2304, longitude=121.4737)  # People's Square: 3.9 km
    shop("C", latitude=39.9042, longitude=116.4074)  # Beijing
    shop("D", latitude=31.2109, longitude=121.4399)  # 95 m to the east
    shop("E", latitude=31.2109, longitude=121.4389, is_open=False)

    found = nearby.find(near=HERE)

    assert [(one.code, one.meters) for one in found] == [("D", 95), ("B", 3956), ("C", 1_067_955), ("A", None)]
    assert [one.code for one in nearby.find()] == ["A", "B", "C", "D"]
    assert [one.code for one in nearby.find(near=HERE, codes=["A", "C"])] == ["C", "A"]
    assert [one.code for one in nearby.find(near=HERE, limit=1)] == ["D"]


@pytest.mark.django_db
def test_across_the_day_line_and_at_the_poles_the_short_way_counts():
    shop("F", latitude=0, longitude=-179.5)
    shop("N", latitude=90, longitude=0)
    assert [one.meters for one in nearby.find(near=Point(0, 179.5))] == [111195, 10007557]
    assert [one.meters for one in nearby.find(near=Point(-90, 0))] == [10007557, 20015114]


@pytest.mark.parametrize(
    ("day", "time", "span", "is_open"),
    [
        (30, "09:59", ["10:00", "22:00"], False), (30, "10:00", ["10:00", "22:00"], True),
        (30, "21:59", ["10:00", "22:00"], True), (30, "22:00", ["10:00", "22:00"], False),
        (30, "12:00", None, False),
        (30, "23:30", ["18:00", "02:00"], True), (30, "01:59", ["18:00", "02:00"], False),  # Sunday was a day off
    ],
)  # fmt: skip
def test_hours_are_of_the_shops_clock(day: int, time: str, span: list[str] | None, is_open: bool):
    """30 November 2026 is a Monday."""
    moment = datetime.fromisoformat(f"2026-11-{day}T{time}:00+08:00")
    week = [[span] if span else [], [], [], [], [], [], []]
    assert nearby.is_open(Calendar(week), moment=moment) is is_open


def test_a_day_that_ended_before_midnight_is_over_and_any_zone_may_ask():
    tuesday = datetime(2026, 12, 1, 9, 59, tzinfo=SHOP)
    assert [nearby.is_open(Calendar(DAILY), moment=tuesday + timedelta(minutes=later)) for later in (0, 1)] == [
        False,
        True,
    ]
    assert [nearby.is_open(Calendar(DAILY), moment=datetime(2026, 12, 1, hour, tzinfo=UTC)) for hour in (1, 2, 14)] == [
        False,
        True,
        False,
    ]


def test_a_night_ends_on_the_next_day():
    week: hours.Week = [[["18:00", "02:00"]], [], [], [], [], [], []]
    tuesday = datetime(2026, 12, 1, 1, 59, tzinfo=SHOP)
    assert nearby.is_open(Calendar(week), moment=tuesday)
    assert not nearby.is_open(Calendar(week), moment=tuesday + timedelta(minutes=1))
    assert nearby.is_open(Calendar(DAILY, hours_are_known=False), moment=tuesday) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"latitude": 31.0}, "/longitude"), ({"latitude": 91.0, "longitude": 0.0}, "/latitude"),
        ({"latitude": 0.0, "longitude": 181.0}, "/longitude"), ({"week": DAILY[:6]}, "/hours"),
        ({"week": [[["10:00", "25:00"]]] * 7}, "/hours"), ({"week": [[["10:00", "14:00"], ["13:59", "20:00"]]] * 7}, "/hours"),
    ],
)  # fmt: skip
def test_what_is_no_place_and_no_time_is_refused(given: dict, pointer: str):
    store = shop("A")
    facts = {"address": "", "phone": "", "latitude": None, "longitude": None, "week": DAILY} | given
    with pytest.raises(ValidationFailed) as refusal:
        nearby.save(store_id=store.pk, **facts)
    assert [error["pointer"] for error in refusal.value.facts["errors"]] == [pointer]  # type: ignore[attr-defined]
    assert not StorePlace.objects.exists()


@pytest.mark.django_db
def test_a_change_is_audited_and_the_database_refuses_half_a_position():
    store = shop("A", latitude=31.0, longitude=121.0)
    assert AuditEntry.objects.filter(action="stores_storeplace.insert").count() == 1
    with pytest.raises(IntegrityError, match="stores_place_on_earth"), transaction.atomic():
        StorePlace.objects.filter(pk=store.pk).update(latitude=200, longitude=0)
    with pytest.raises(NotFound):
        nearby.save(store_id=store.pk + 1, address="", phone="", latitude=None, longitude=None, week=[])
