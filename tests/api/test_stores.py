"""Stores over the API."""

import pytest

from apps.stores import hours, nearby
from apps.stores.models import Store
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db


def test_anybody_asks_for_stores_nearest_first(nobody: Caller):
    for code, latitude in (("A", 31.9), ("B", 31.211)):
        store = Store.objects.create(code=code, name=f"Store {code}")
        week: hours.Week = [[["00:00", "12:00"], ["13:00", "23:59"]]] * 6 + [[]]
        nearby.save(store_id=store.pk, address="", phone="", latitude=latitude, longitude=121.439, week=week)

    near = nobody.get("stores?near=31.211,121.439")
    by_name = nobody.get("stores").data

    assert [(one["code"], one["distance_m"]) for one in near.data] == [("B", 0), ("A", 76613)]
    assert near.data[0]["hours"] == [["00:00", "23:59"]] * 6 + [None]
    assert near.data[0]["intervals"][5:] == [[["00:00", "12:00"], ["13:00", "23:59"]], []]
    assert [(one["code"], one["distance_m"]) for one in by_name] == [("A", None), ("B", None)]


@pytest.mark.parametrize("near", ["", "31.2", "91,0", "0,181", "nan,1", "1;2", "31.211,121.439,5"])
def test_what_is_no_place_is_refused(nobody: Caller, near: str):
    answer = nobody.get(f"stores?near={near}")
    assert (answer.status_code, answer.data["errors"][0]["pointer"]) == (422, "/near")
