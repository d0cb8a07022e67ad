"""Daily figures: exact counts, whole recomputation, the past filled once, scope by store."""

from datetime import UTC, date, datetime, timedelta

import pytest

from apps.analytics import rollup, selectors
from apps.analytics.models import DailyFigure
from apps.core import clock as house_clock
from apps.members.models import Member
from apps.segments.models import MemberStats, StageChange
from tests.console import world

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
TODAY = date(2026, 11, 22)
pytestmark = pytest.mark.django_db


@pytest.fixture
def house(clock, db):
    clock(NOON)
    return world.build(NOON)


def test_moves_stages_messages_and_sales_are_counted_per_shop_day(house):
    rollup.roll_up(moment=NOON, days=60)

    two_days_ago, paid_on = TODAY - timedelta(days=2), TODAY - timedelta(days=40)
    assert selectors.totals(prefix="move.", first=two_days_ago, last=two_days_ago) == {"active.lapsing": 3}
    assert selectors.totals(prefix="skip.", first=TODAY, last=TODAY) == {"cap": 3}
    assert selectors.totals(prefix="orders.", first=paid_on, last=paid_on) == {"paid": 3}
    assert selectors.totals(prefix="sales.", first=paid_on, last=paid_on) == {"paid_cents": 30_000}
    assert selectors.stage_counts(on=TODAY)["lapsing"] == 3
    assert selectors.stage_counts(on=TODAY - timedelta(days=3))["lapsing"] == 0
    assert selectors.stage_counts(on=TODAY - timedelta(days=3))["active"] == 3


def test_a_moment_before_midnight_in_shanghai_counts_for_that_day(house):
    member = house.members["mine"]
    edge = house_clock.day_end(date(2026, 11, 20)) - timedelta(microseconds=1)
    StageChange.objects.create(member=member, before="new", after="active", cause="order", at=edge, recorded_at=NOON)

    rollup.roll_up(moment=NOON, days=5)

    assert selectors.by_day(names=["move.new.active"], first=date(2026, 11, 19), last=date(2026, 11, 21)) == {
        date(2026, 11, 19): 0,
        date(2026, 11, 20): 1,
        date(2026, 11, 21): 0,
    }


def test_rolling_up_again_changes_no_figure_and_removes_what_is_no_longer_true(house):
    rollup.roll_up(moment=NOON, days=5)
    first = _figures()
    rollup.roll_up(moment=NOON + timedelta(minutes=5), days=5)
    assert _figures() == first

    MemberStats.objects.filter(member=house.members["mine"]).update(stage="active")
    rollup.roll_up(moment=NOON + timedelta(minutes=10), days=5)

    assert selectors.stage_counts(on=TODAY) == {
        "prospect": 0, "new": 0, "active": 1, "lapsing": 2, "dormant": 0, "lost": 0, "won_back": 0,
    }  # fmt: skip


def test_a_reader_of_some_stores_gets_the_sum_of_these_stores_alone(house):
    Member.objects.filter(pk=house.members["far"].pk).update(home_store=None)
    rollup.roll_up(moment=NOON, days=5)

    mine, near = house.stores["mine"].pk, house.stores["near"].pk
    assert selectors.stage_counts(on=TODAY)["lapsing"] == 3
    assert selectors.stage_counts(on=TODAY, store_ids=[mine])["lapsing"] == 1
    assert selectors.stage_counts(on=TODAY, store_ids=[mine, near])["lapsing"] == 2
    assert selectors.stage_counts(on=TODAY, store_ids=[])["lapsing"] == 0


def test_days_never_rolled_up_are_gaps_not_zeros(house):
    rollup.roll_up(moment=NOON, days=2)

    found = selectors.by_day(names=["orders.paid"], first=TODAY - timedelta(days=2), last=TODAY)

    assert found == {TODAY - timedelta(days=2): None, TODAY - timedelta(days=1): 0, TODAY: 0}


def test_the_first_run_fills_the_past_and_later_runs_only_what_is_owed(house):
    assert (TODAY - rollup.roll_up(moment=NOON).first).days == rollup.FIRST_DAYS - 1
    assert (TODAY - rollup.roll_up(moment=NOON + timedelta(minutes=5)).first).days == 2

    after_a_week_off = rollup.roll_up(moment=NOON + timedelta(days=7))

    assert after_a_week_off.first == TODAY - timedelta(days=2)


def test_part_of_a_day_is_counted_up_to_the_very_moment(house):
    since = NOON - timedelta(days=2)

    assert selectors.entered(stage="lapsing", start=since, end=since) == 0
    assert selectors.entered(stage="lapsing", start=since, end=since + timedelta(microseconds=1)) == 3
    mine = [house.stores["mine"].pk]
    assert selectors.entered(stage="lapsing", start=since, end=NOON, store_ids=mine) == 1


def _figures() -> list[tuple]:
    return list(DailyFigure.objects.order_by("name", "store_id", "on").values_list("name", "store_id", "on", "value"))
