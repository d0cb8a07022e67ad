"""Figures as staff read them, and progress as it is drawn."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from apps.console import progress
from apps.console.templatetags import console as tags
from apps.core.models import Job

NOW = datetime(2026, 11, 22, 2, 32, 5, tzinfo=UTC)


def job(**fields) -> Job:
    return Job(
        kind="orders.import", **{"state": Job.State.RUNNING, "started_at": NOW - timedelta(seconds=50), **fields}
    )


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (27, "27 s"), (260, "4 min 20 s"), (2_040, "34 minutes"), (7_260, "2 h 1 min"), (None, "")],
)
def test_a_duration_has_its_two_largest_units(seconds, shown):
    with translation.override("en"):
        assert tags.duration(seconds) == shown


@pytest.mark.parametrize(("cents", "shown"), [(123_450, "¥1,234.50"), (-5, "−¥0.05"), (0, "¥0.00"), (None, "")])
def test_money_is_yuan_with_two_decimals(cents, shown):
    assert tags.money(cents) == shown


def test_today_is_a_time_and_other_days_carry_their_date(clock):
    clock(NOW)
    with translation.override("en"):
        assert tags.moment(NOW) == "10:32:05"
        assert tags.moment(NOW - timedelta(hours=11)) == "November 21 23:32:05"
        assert tags.moment(NOW - timedelta(days=400)) == "Oct. 18, 2025 10:32:05"


def test_an_icon_cannot_carry_markup():
    assert "<b>" not in tags.icon("<b>")


def test_progress_tells_speed_and_the_time_left():
    seen = progress.of(job(done=1_000, total=4_000, bad=20), moment=NOW)
    assert (seen.per_second, seen.seconds_left, seen.good) == (20, 150, 980)
    assert (seen.share, seen.bad_share, seen.bad_start) == ("25.0%", "1.0%", "24.0%")


def test_progress_promises_nothing_in_its_first_two_seconds():
    seen = progress.of(job(done=10, total=4_000, started_at=NOW - timedelta(seconds=1)), moment=NOW)
    assert (seen.per_second, seen.seconds_left) == (None, None)


def test_progress_of_an_unknown_total_shows_no_share():
    seen = progress.of(job(done=10, total=None, bad=3), moment=NOW)
    assert (seen.share, seen.bad_share, seen.seconds_left) == ("0%", "0%", None)


@pytest.mark.parametrize(("state", "over"), [("done", True), ("failed", True), ("stopped", True), ("paused", False)])
def test_progress_that_is_over_offers_no_estimate(state, over):
    seen = progress.of(job(state=state, done=10, total=20), moment=NOW)
    assert (seen.is_over, seen.is_live, seen.per_second) == (over, False, None)
