"""The models alone, without a database: golden values, limits, figures that are no histories, and what back-tests count."""

from pathlib import Path

import numpy as np
import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1

from apps.segments.predictions import backtest, bgnbd, forecast, lapse, reasons, signs, spend
from apps.segments.predictions.bgnbd import BadHistory, NotFitted, Rhythm
from apps.segments.predictions.forecast import Fitted

CDNOW = np.loadtxt(Path(__file__).parent / "data" / "cdnow.csv", delimiter=",", skiprows=1).T
GOLDEN = Rhythm(r=0.243, alpha=4.414, a=0.793, b=2.426)


def one(*figures: float) -> list[np.ndarray]:
    return [np.array([figure]) for figure in figures]


def test_the_fit_to_cdnow_gives_the_published_parameters():
    x, tx, age, mean = CDNOW
    found = bgnbd.fit(x, tx, age)
    assert [found.r, found.alpha, found.a, found.b] == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=5e-3)
    assert found.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    paid = spend.fit(x[x > 0], mean[x > 0])
    assert paid.buyers == 946
    assert [paid.p, paid.q, paid.gamma] == pytest.approx([6.250, 3.744, 15.443], abs=5e-3)


def test_the_worked_example_of_the_paper():
    x, tx, age = one(2, 30.43, 38.86)
    alive = bgnbd.p_alive(GOLDEN, x, tx, age)
    assert bgnbd.expected(GOLDEN, alive, x, age, 39.0)[0] == pytest.approx(1.226, abs=5e-4)


@given(x=st.integers(0, 12), share=st.floats(0.01, 1), age=st.floats(1, 200), ahead=st.floats(0.1, 200))
@settings(max_examples=60, deadline=None)
def test_expected_orders_equal_the_formula_of_the_paper_as_it_stands_there(x, share, age, ahead):
    """With its large powers, which few purchases can bear."""
    r, alpha, a, b = GOLDEN.r, GOLDEN.alpha, GOLDEN.a, GOLDEN.b
    tx = share * age if x else 0.0
    plain = (a + b + x - 1) / (a - 1)
    z = ahead / (alpha + age + ahead)
    plain *= 1 - (1 - z) ** (r + x) * hyp2f1(r + x, b + x, a + b + x - 1, z)
    plain /= 1 + (x > 0) * a / (b + max(x, 1) - 1) * ((alpha + age) / (alpha + tx)) ** (r + x)
    columns = one(x, tx, age)
    alive = bgnbd.p_alive(GOLDEN, *columns)
    assert bgnbd.expected(GOLDEN, alive, columns[0], columns[2], ahead)[0] == pytest.approx(plain, rel=1e-6, abs=1e-9)


@given(x=st.integers(0, 3000), share=st.floats(0.001, 1), age=st.floats(0.2, 2000), a=st.floats(0.05, 3))
@settings(max_examples=80, deadline=None)
def test_chances_are_chances_and_move_the_right_way_up_to_thousands_of_purchases(x, share, age, a):
    rhythm = Rhythm(r=0.243, alpha=4.414, a=a, b=2.426)
    tx = share * age if x else 0.0
    columns = one(x, tx, age)
    alive = bgnbd.p_alive(rhythm, *columns)
    ahead = [1.0, 13.0, 52.0]
    none = [bgnbd.p_none(rhythm, alive, columns[0], columns[2], t)[0] for t in ahead]
    orders = [bgnbd.expected(rhythm, alive, columns[0], columns[2], t)[0] for t in ahead]
    assert 0 <= alive[0] <= 1
    assert 1 >= none[0] >= none[1] >= none[2] >= 1 - alive[0] - 1e-12  # who has stopped never buys
    assert 0 <= orders[0] <= orders[1] <= orders[2]
    assert np.isfinite(orders).all()
    assert all(
        order >= 1 - chance - 1e-6 for order, chance in zip(orders, none, strict=True)
    )  # one order at least, if any
    later = bgnbd.p_alive(rhythm, columns[0], columns[1], columns[2] * 2)
    assert later[0] <= alive[0]  # silence speaks against them


def test_who_bought_once_has_not_stopped_and_a_fresh_regular_nearly_has_not():
    assert bgnbd.p_alive(GOLDEN, *one(0, 0, 500))[0] == 1.0
    assert bgnbd.p_alive(GOLDEN, *one(40, 52, 52))[0] == pytest.approx(1 / (1 + 0.793 / 41.426))
    assert bgnbd.p_alive(GOLDEN, *one(40, 52, 104))[0] < 1e-9


def test_the_next_order_is_when_it_is_as_likely_as_not():
    x, tx, age = one(10, 50, 51)
    alive = bgnbd.p_alive(GOLDEN, x, tx, age)
    ahead = bgnbd.half_way(GOLDEN, alive, x, age)
    assert bgnbd.p_none(GOLDEN, alive, x, age, float(ahead[0]))[0] == pytest.approx(0.5)
    assert bgnbd.half_way(GOLDEN, np.array([0.5]), x, age)[0] == np.inf


@pytest.mark.parametrize(
    "columns",
    [
        ([1], [1], [1, 2]),
        ([[1]], [[1]], [[2]]),
        ([np.nan], [0], [1]),
        ([1], [np.inf], [np.inf]),
        ([-1], [0], [1]),
        ([1], [3], [2]),
        ([0], [1], [2]),
        ([2], [0], [2]),
    ],
)
def test_figures_that_are_no_history_are_refused(columns):
    with pytest.raises(BadHistory):
        bgnbd.fit(*columns)


def test_where_nobody_came_twice_nothing_is_fitted():
    with pytest.raises(NotFitted):
        bgnbd.fit(np.zeros(5), np.zeros(5), np.ones(5))
    with pytest.raises(NotFitted):
        bgnbd.fit(np.array([]), np.array([]), np.array([]))
    with pytest.raises(NotFitted):
        spend.fit(np.ones(20), np.full(20, 7.0))
    with pytest.raises(BadHistory):
        spend.fit(np.ones(20), np.zeros(20))


def test_value_is_drawn_to_the_average_and_adds_up_over_horizons():
    average = spend.Spend(p=6.25, q=3.744, gamma=15.443)
    got = spend.per_day(average, np.array([0.0, 1, 1000]), np.array([0.0, 100, 100]))
    assert got[0] == pytest.approx(average.average)
    assert average.average < got[1] < got[2] < 100.1
    rows = history(days=[5, 1], span=[100, 0], age=[120, 10], cents=[50_000, 9_000], repeat_cents=[40_000, 0])
    free = fitted(discount=0.0)
    year, two = forecast.value(free, rows, days=365), forecast.value(free, rows, days=730)
    assert (two > year).all()
    assert (forecast.value(fitted(discount=0.1), rows, days=365) < year).all()
    x, tx, age = rows["days"] - 1, rows["span"] / 7, rows["age"] / 7
    whole = bgnbd.expected(GOLDEN, bgnbd.p_alive(GOLDEN, x, tx, age), x, age, 365 / 7)
    assert year == pytest.approx(whole * forecast.worth(free, rows))


def history(**given: list[float]) -> dict[str, np.ndarray]:
    size = len(given["days"])
    empty = {"member_id": range(size), "gaps_squared": [0] * size, "recent_days": [0] * size}
    return {name: np.array(list(column), dtype=float) for name, column in (empty | given).items()}


def fitted(*, discount: float) -> Fitted:
    paid = spend.Spend(p=6.25, q=3.744, gamma=15_443)
    return Fitted(GOLDEN, paid, 9_000, None, "bgnbd", clv_days=365, discount_a_year=discount)


def buyers(size: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Half buy monthly, half weekly; whoever has been away for more than twice their gap mostly lapses."""
    random = np.random.default_rng(seed)
    gap = np.where(random.random(size) < 0.5, 7.0, 30.0)
    days = random.integers(1, 12, size).astype(float)
    away = np.floor(gap * random.exponential(1.5, size))
    span = np.round(gap * (days - 1))
    rows = history(
        member_id=range(size), days=days, span=span, age=span + away, cents=days * 5_000, repeat_cents=(days - 1) * 5_000,
        gaps_squared=span * gap, recent_days=np.minimum(days, 90 / gap) * (away < 90),
    )  # fmt: skip
    return rows, (random.random(size) < np.where(away > 2 * gap, 0.8, 0.1)).astype(float)


def test_the_lapse_model_finds_what_was_put_in_and_its_chances_come_true():
    rows, outcome = buyers(3000, 1)
    line = lapse.fit([rows], [outcome])
    fresh, truth = buyers(3000, 2)
    pushed = signs.pushes(line, signs.table(fresh, line.usual_gap))
    chance = signs.chance(line, pushed)
    assert backtest.auc(chance, truth) > 0.78
    assert abs(chance.mean() - truth.mean()) < 0.02
    overdue, punctual = history(
        days=[6, 6], span=[35, 150], age=[95, 210], cents=[3e4, 3e4], repeat_cents=[2.5e4, 2.5e4],
        gaps_squared=[245, 4500], recent_days=[6, 3],
    ), 1  # fmt: skip
    said = signs.chance(line, signs.pushes(line, signs.table(overdue, line.usual_gap)))
    assert said[0] > 0.6 > 1.2 * said[punctual]  # both away for 60 days: eight times a week, and twice a month
    places, push = signs.top_reasons(signs.pushes(line, signs.table(overdue, line.usual_gap)))
    assert signs.REASONS[places[0][0]] == "pace"
    assert push[0][0] > 0
    assert lapse.fit([rows], [np.zeros(3000)]) is None


def test_what_a_back_test_counts_by_hand():
    chance = np.array([0.9, 0.8, 0.8, 0.3, 0.1])
    outcome = np.array([1.0, 1, 0, 0, 1])
    both = list(zip(chance, outcome, strict=True))
    pairs = [(c > d) + 0.5 * (c == d) for c, o in both for d, p in both if o > p]
    assert backtest.auc(chance, outcome) == pytest.approx(sum(pairs) / len(pairs)) == pytest.approx(3.5 / 6)
    assert backtest.brier(chance, outcome) == pytest.approx((0.01 + 0.04 + 0.64 + 0.09 + 0.81) / 5)
    assert backtest.auc(chance, np.zeros(5)) is None
    assert backtest.calibration(chance, outcome)[0] == {"bin": 1, "members": 1, "said": 0.1, "came": 1.0}
    assert [row["members"] for row in backtest.calibration(np.array([0.0, 1.0, 0.999]), np.zeros(3))] == [1, 2]


def test_members_with_one_chance_share_their_tenths_whatever_their_order():
    outcome = np.array([1.0] * 10 + [0.0] * 10)
    assert backtest.deciles(np.full(20, 0.4), outcome) == [0.5] * 10
    assert backtest.deciles(np.linspace(1, 0, 20), outcome) == [1.0] * 5 + [0.0] * 5
    assert backtest.judged(np.linspace(1, 0, 20), outcome)["lift"] == 2.0


def test_reasons_are_told_with_their_figures():
    with translation.override("en"):
        told = reasons.told(["trend+", "pace+", "orders-", "gone+"], [0.0, 3.21, 1.0, 0.0])
    assert [(one.text, one.is_against) for one in told] == [
        ("No purchase in the last 90 days", True),
        ("The pause now is 3.2 times their usual one", True),
        ("Bought on 1 day in all", False),
    ]
