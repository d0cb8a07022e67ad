"""Each figure of data quality equals its rows, for everybody and for one store."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from apps.analytics import quality, rollup
from apps.analytics.lists import members as listed
from apps.analytics.models import DailyFigure
from apps.members import services as members
from apps.members import tag_lists, tagging
from apps.members.models import Member, MemberTag
from apps.segments.models import MemberStats
from apps.stores.models import Store

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
OLD = NOON - timedelta(days=400)


@pytest.fixture
def store(clock: Callable) -> Store:
    """Seven members with one fault each and one without, in two stores and none."""
    clock(NOON)
    here, there = (Store.objects.create(code=code, name=code) for code in ("S1", "S2"))

    def member(number: int, **said: object) -> int:
        fine = {
            "nickname": f"客{number}", "phone": f"170000001{number:02d}", "birthday": date(1990, 1, 1),
            "home_store_id": here.pk, "joined_at": NOON - timedelta(days=9),
        }  # fmt: skip
        key = members.register(source="test", **{**fine, **said})  # type: ignore[arg-type]
        members.give_consent(
            member_id=key,
            purpose="care",
            channel="sms",
            is_granted=said.get("phone") != "",
            source="t",
            text_version="1",
        )
        return key

    member(0)
    member(1, phone="")
    member(2, nickname="", home_store_id=there.pk)
    member(3, birthday=None)
    member(4, birthday=date(2027, 1, 1))
    member(5, birthday=date(1915, 1, 1), home_store_id=None)
    late = member(6)
    MemberStats.objects.create(
        member_id=late, stage="new", stage_since=NOON, first_order_at=OLD, last_order_at=OLD, as_of=NOON
    )
    gone = member(7, phone="")
    Member.objects.filter(pk=gone).update(status="erased")
    return here


def figures(store_ids: list[int] | None) -> dict[str, int]:
    counted = quality.counted(store_ids=store_ids)
    assert counted is not None
    return {name: count for name, count in counted.figures.items() if count}


def rows(name: str, stores: list[int] | None) -> int:
    return len(listed.find(wanted=listed.Wanted(check=name, stores=stores)).rows)


def test_every_figure_equals_its_rows(store: Store):
    assert quality.measure(moment=NOON) == 7
    everyone = figures(None)

    assert everyone == {
        "no_phone": 1, "no_nickname": 1, "no_birthday": 1, "no_consent": 1, "no_store": 1, "birthday_impossible": 2,
        "order_before_joining": 1, "not_seen": 1,
    }  # fmt: skip
    assert {name: rows(name, None) for name in everyone} == everyone
    here = figures([store.pk])
    assert here == {
        "no_phone": 1, "no_birthday": 1, "no_consent": 1, "birthday_impossible": 1, "order_before_joining": 1, "not_seen": 1,
    }  # fmt: skip
    assert {name: rows(name, [store.pk]) for name in here} == here


def test_two_tags_of_an_exclusive_group_would_be_seen(store: Store, owner_cursor):
    group = tag_lists.add_group(name="尺码", is_exclusive=True)
    big, small = (tag_lists.add_tag(name=name, group_id=group) for name in ("大", "小"))
    member_id = Member.objects.earliest("id").pk
    tagging.give(member_ids=[member_id], tag_ids=[big], source="manual")
    MemberTag.objects.create(member_id=member_id, tag_id=small, source="manual", given_by="test")
    quality.measure(moment=NOON)

    assert figures(None)["tags_exclude"] == rows("tags_exclude", None) == 1


def test_a_day_is_counted_once_and_the_hourly_rollup_leaves_it_alone(store: Store):
    quality.measure(moment=NOON - timedelta(days=1))
    quality.measure(moment=NOON)
    quality.measure(moment=NOON)
    rollup.roll_up(moment=NOON, days=3)

    counted = quality.counted(store_ids=None)
    assert counted is not None
    assert counted.trend["no_phone"] == [(date(2026, 11, 21), 1), (date(2026, 11, 22), 1)]
    assert DailyFigure.objects.filter(name="quality.no_phone", store_id=0).count() == 2
