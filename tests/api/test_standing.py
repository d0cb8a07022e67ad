"""Tier, rights, sign-ins, tasks and achievements over the API."""

from datetime import timedelta

import pytest

from apps.core import clock, requests
from apps.points import defaults, ladders, tiers
from apps.points import services as points
from apps.points.models import Entry
from tests.api.conftest import Caller


@pytest.fixture
def shop(db: None) -> None:
    with requests.acting(actor="cli"):
        defaults.install()
        ladders.install_defaults()


def test_without_tiers_there_is_none_to_show(me: Caller):
    assert me.get("me/tier").status_code == 404
    assert me.get("me/home").data["tier"] is None
    assert me.get("me/benefits").data == {"data": []}


def test_the_tier_names_what_is_missing_and_what_comes_otherwise(shop: None, me: Caller):
    assert me.member is not None
    points.earn(member_id=me.member.pk, amount=4_620, currency="growth", source="order:1")
    tiers.reassess(member_ids=[me.member.pk])

    shown = me.get("me/tier")

    assert (shown.data["tier"]["key"], shown.data["value"]) == ("silver", 4_620)
    assert shown.data["next"] == {"key": "gold", "name": "Gold", "threshold": 5_000, "missing": 380}
    assert (shown.data["falls"]["to"]["key"], shown.data["falls"]["missing"]) == ("basic", 1_000)
    assert me.get("me/tier", If_None_Match=shown["ETag"]).status_code == 304
    assert me.get("me/home").data["tier"] == {"key": "silver", "name": "Silver"}
    unlocked = [one["is_unlocked"] for one in me.get("me/benefits").data["data"]]
    assert unlocked == [True] * 4 + [False] * 7


def test_a_day_is_signed_once_and_a_missed_one_made_up(shop: None, me: Caller):
    yesterday = clock.local_date(clock.now()) - timedelta(days=1)
    first, again = me.post("me/sign-ins"), me.post("me/sign-ins")
    made_up = me.put(f"me/sign-ins/{yesterday}")
    poor = me.put(f"me/sign-ins/{yesterday - timedelta(days=1)}")
    old = me.put("me/sign-ins/2020-01-01")

    assert (first.data["points"], first.data["is_new"], again.data["is_new"]) == (5, True, False)
    assert (made_up.status_code, made_up.data["is_new"]) == (200, True)
    assert (poor.status_code, poor.data["code"]) == (409, "points_insufficient")
    assert (old.status_code, old.data["code"], old.data["why"]) == (409, "make_up_refused", "too_old")
    assert Entry.objects.count() == 1
    month = me.get(f"me/sign-ins?month={yesterday:%Y-%m}")
    assert {day["state"] for day in month.data["days"] if day["on"] == yesterday.isoformat()} == {"made_up"}
    assert (month.data["streak"], month.data["is_signed_today"], month.data["make_up"]["free_left"]) == (2, True, 0)
    assert me.get("me/sign-ins?month=soon").status_code == 422
    assert me.put("me/sign-ins/soon").status_code == 404


def test_tasks_and_achievements_tell_how_far_one_is(shop: None, me: Caller):
    tasks = {one["key"]: one["done"] for one in me.get("me/tasks").data["data"]}
    goals = {one["key"]: (one["value"], one["target"]) for one in me.get("me/achievements").data["data"]}

    assert tasks == {"profile_complete": 0, "follow": 0}
    assert goals == {"regular": (0, 4), "friend": (0, 1_000_000)}
