"""The life stage machine: boundaries to the second, won back, history and its causes, thresholds of the brand's own."""

from datetime import timedelta

import pytest

from apps.core import brand
from apps.segments import refresh, rules
from apps.segments.models import MemberStats, StageChange
from tests.segments.histories import Life, buy, cancel, day, life, refund

SECOND = timedelta(seconds=1)
pytestmark = pytest.mark.django_db


def stages(one: Life) -> list[tuple[str, str, str]]:
    return list(StageChange.objects.filter(member=one.member).order_by("id").values_list("before", "after", "cause"))


@pytest.mark.parametrize(
    ("orders", "boundary", "younger", "older"),
    [
        ([0], 30, "new", "lapsing"),  # new and active end together after one order
        ([0, 10], 30, "new", "active"),
        ([0, 10], 40, "active", "lapsing"),
        ([0], 90, "lapsing", "dormant"),
        ([0], 180, "dormant", "lost"),
        ([0, 40, 80], 80 + 60, "active", "lapsing"),  # median 40: 60, 120, 240 days
        ([0, 40, 80], 80 + 120, "lapsing", "dormant"),
        ([0, 40, 80], 80 + 240, "dormant", "lost"),
        ([0, 1, 2], 30, "new", "active"),
        ([0, 1, 2], 2 + 31.5, "active", "lapsing"),  # median 1 counts as 21
        ([0, 300, 600], 600 + 30, "won_back", "active"),
        ([0, 300, 600], 600 + 270, "active", "lapsing"),  # median 300 counts as 180
        ([0, 300, 600], 600 + 540, "lapsing", "dormant"),
        ([0, 300, 600], 600 + 1080, "dormant", "lost"),
    ],
)
def test_a_boundary_belongs_to_the_younger_stage_and_a_second_later_to_the_older(
    orders: list[float], boundary: float, younger: str, older: str
) -> None:
    one = life(*orders)

    refresh.refresh(day(boundary))
    assert (one.stats.stage, one.stats.next_stage_at) == (younger, day(boundary))

    figures = refresh.refresh(day(boundary) + SECOND)
    assert (one.stats.stage, one.stats.stage_since) == (older, day(boundary))
    assert (figures.looked_at, figures.stage_moves, figures.is_full) == (1, 1, False)


@pytest.mark.parametrize(
    ("orders", "revived"),
    [
        ([0, 90], False),
        ([0, 90 + 1 / 86400], True),
        ([0, 30, 120], False),
        ([0, 30, 121], True),
        ([0, 40, 80, 200], False),  # three before it with median 40: dormant after 120
        ([0, 40, 80, 201], True),
        ([0, 10, 20, 83], False),  # median 10 counts as 21: dormant after 63
        ([0, 10, 20, 84], True),
        ([0, 10, 200], True),  # judged by the two before it, not by the median that it brings itself
    ],
)
def test_won_back_is_who_was_dormant_by_what_was_known_before_the_order(orders: list[float], revived: bool) -> None:
    one = life(*orders)
    refresh.refresh(day(orders[-1]))
    expected = ("won_back", day(orders[-1])) if revived else ("active", None)
    assert (one.stats.stage, one.stats.revived_at) == expected


def test_a_won_back_member_is_active_after_thirty_days_and_a_second() -> None:
    one = life(0, 200, 210)
    refresh.refresh(day(230))
    assert (one.stats.stage, one.stats.stage_since, one.stats.next_stage_at) == ("won_back", day(200), day(230))
    refresh.refresh(day(230) + SECOND)
    assert (one.stats.stage, one.stats.stage_since, one.stats.revived_at) == ("active", day(230), None)


def test_history_tells_orders_from_time() -> None:
    one = life(joined=-5)
    refresh.refresh(day(-1))
    buy(one, day(0))
    for n in (1, 31, 91, 181):
        refresh.refresh(day(n))
    buy(one, day(200))
    for n in (200, 231):
        refresh.refresh(day(n))
    buy(one, day(235))
    refresh.refresh(day(236))

    assert stages(one) == [
        ("", "prospect", "first"),
        ("prospect", "new", "order"),
        ("new", "lapsing", "time"),
        ("lapsing", "dormant", "time"),
        ("dormant", "lost", "time"),
        ("lost", "won_back", "order"),
        ("won_back", "lapsing", "time"),
        ("lapsing", "active", "order"),
    ]
    at = list(StageChange.objects.order_by("id").values_list("at", flat=True))
    assert at == [day(-5), day(0), day(30), day(90), day(180), day(200), day(230), day(235)]


def test_a_stage_that_time_brought_after_a_new_order_has_the_cause_time() -> None:
    one = life(0, 20)
    refresh.refresh(day(21))
    buy(one, day(40))
    refresh.refresh(day(120))
    assert stages(one)[1:] == [("new", "dormant", "time")]  # median 20 counts as 21: dormant after 63 days
    assert one.stats.stage_since == day(40 + 63)


def test_a_late_order_corrects_and_is_no_news() -> None:
    one = life(0)
    refresh.refresh(day(100))
    assert one.stats.stage == "dormant"
    buy(one, day(60))  # comes in now
    refresh.refresh(day(101))
    assert stages(one) == [("", "dormant", "first"), ("dormant", "lapsing", "corrected")]
    assert one.stats.stage_since == day(90)


def test_an_order_at_the_very_moment_of_the_last_refresh_is_late_and_a_second_after_is_not() -> None:
    late, timely = life(0), life(0)
    refresh.refresh(day(100))
    buy(late, day(100))
    buy(timely, day(100) + SECOND)
    refresh.refresh(day(101))
    assert stages(late)[-1] == ("dormant", "won_back", "corrected")
    assert stages(timely)[-1] == ("dormant", "won_back", "order")


def test_a_late_order_beside_a_timely_one_still_corrects() -> None:
    one = life(0)
    refresh.refresh(day(100))
    buy(one, day(50))
    buy(one, day(101))
    refresh.refresh(day(102))
    assert stages(one)[-1] == ("dormant", "active", "corrected")


def test_a_refund_of_the_whole_order_corrects() -> None:
    one = life(0)
    second = buy(one, day(50))
    refresh.refresh(day(60))
    assert one.stats.stage == "active"
    refund(one, second, day(61))
    refresh.refresh(day(62))
    assert stages(one)[-1] == ("active", "lapsing", "corrected")
    assert (one.stats.orders, one.stats.stage_since) == (1, day(30))


def test_all_orders_gone_make_a_prospect_again() -> None:
    one = life(joined=-7)
    first, second = buy(one, day(0)), buy(one, day(5))
    refresh.refresh(day(10))
    refund(one, first, day(11))
    cancel(one, second, day(11))
    refresh.refresh(day(12))
    assert stages(one)[-1] == ("new", "prospect", "corrected")
    assert (one.stats.stage_since, one.stats.next_stage_at, one.stats.r, one.stats.cell) == (day(-7), None, None, "")


def test_a_partial_refund_moves_money_only() -> None:
    one = life(0)
    second = buy(one, day(10))
    refresh.refresh(day(20))
    refund(one, second, day(21), 4_000)
    refresh.refresh(day(41))
    assert one.stats.net_cents == 16_000
    assert stages(one)[-1] == ("new", "lapsing", "time")


def test_a_refund_ahead_counts_from_its_day() -> None:
    one = life(0)
    second = buy(one, day(10))
    refund(one, second, day(15))
    refresh.refresh(day(12))
    assert (one.stats.orders, one.stats.net_cents) == (2, 20_000)
    refresh.refresh(day(15))
    assert (one.stats.orders, one.stats.net_cents) == (1, 10_000)


def test_orders_of_nothing_and_orders_to_come_count_for_nothing() -> None:
    one = life()
    buy(one, day(0), total=0)
    buy(one, day(9))
    refresh.refresh(day(5))
    assert (one.stats.stage, one.stats.orders) == ("prospect", 0)
    refresh.refresh(day(9))
    assert (one.stats.stage, one.stats.orders) == ("new", 1)
    assert stages(one)[-1] == ("prospect", "new", "order")


def test_other_thresholds_hold_at_the_next_refresh_and_their_moves_are_no_news() -> None:
    one, other = life(0), life(0, 20)
    refresh.refresh(day(45))
    assert (one.stats.stage, other.stats.stage) == ("lapsing", "active")
    brand.write(rules.KEY, rules.DEFAULT | {"fixed_days": [10, 20, 40]})
    figures = refresh.refresh(day(45) + SECOND)
    assert (figures.is_full, one.stats.stage, other.stats.stage) == (True, "lost", "dormant")
    assert stages(one)[-1] == ("lapsing", "lost", "corrected")
    assert stages(other)[-1] == ("active", "dormant", "corrected")
    assert refresh.refresh(day(46)).is_full is False


@pytest.mark.parametrize(
    "wrong",
    [
        {"new_days": 0},
        {"new_days": True},
        {"fixed_days": [30, 30, 90]},
        {"fixed_days": [30, 90]},
        {"gap_factors": [3, 2, 1]},
        {"gap_clamp_days": [180, 21]},
        {"gap_clamp_days": [21, 3000]},
        {"min_orders": 1},
        {"min_orders": 2.5},
        {"fixed_days": ["30", 90, 180]},
        {"new_days": float("nan")},
        {"more": 1},
    ],
)
def test_thresholds_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        brand.write(rules.KEY, rules.DEFAULT | wrong)
    assert brand.read(rules.KEY) == rules.DEFAULT


def test_six_lives_worked_out_by_hand() -> None:
    """Shaped like the CDNOW sample: many buy once, few often. As of day 200."""
    lives = [life(0), life(10, 190), life(0, 60, 120, 180), life(5, 6, 7, 8), life(175), life()]
    refresh.refresh(day(200))
    found = MemberStats.objects.filter(member__in=[one.member for one in lives]).order_by("member_id")
    assert list(found.values_list("orders", "net_cents", "gap_median_days", "stage", "r", "f", "m", "cell")) == [
        (1, 10_000, None, "lost", 1, 1, 1, "lost"),
        (2, 20_000, 180.0, "won_back", 5, 3, 3, "potential_loyal"),
        (4, 40_000, 60.0, "active", 4, 4, 4, "loyal"),
        (4, 40_000, 1.0, "lost", 2, 4, 4, "at_risk"),
        (1, 10_000, None, "new", 3, 1, 1, "about_to_sleep"),
        (0, 0, None, "prospect", None, None, None, ""),
    ]
