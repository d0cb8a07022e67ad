"""A fitted version put to histories: what each buyer will probably do. Vectors in, vectors out."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.segments.predictions import bgnbd, history, signs, spend, terms
from apps.segments.predictions.bgnbd import Rhythm
from apps.segments.predictions.history import Columns
from apps.segments.predictions.signs import Line
from apps.segments.predictions.spend import Spend

Floats = NDArray[np.float64]
STEPS = 4  # a value's horizon is discounted in so many parts, each at its middle
FARTHEST = 365  # days to the next order; later ones are no forecast


@dataclass(frozen=True)
class Fitted:
    """All parameters of a version. `spend` None: every purchase day counts `average_cents`. `lapse` None: rhythm alone."""

    rhythm: Rhythm
    spend: Spend | None
    average_cents: float
    lapse: Line | None
    lapse_by: str
    clv_days: float
    discount_a_year: float

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Fitted":
        parts = {
            "rhythm": Rhythm(**stored["rhythm"]),
            "spend": Spend(**stored["spend"]) if stored["spend"] else None,
            "lapse": Line.of(stored["lapse"]) if stored["lapse"] else None,
        }
        return cls(**stored | parts)


def predicted(fitted: Fitted, rows: Columns) -> dict[str, Floats]:
    """Columns of `segments_scored`, one figure per buyer."""
    x, tx, age = history.weeks(rows)
    alive = bgnbd.p_alive(fitted.rhythm, x, tx, age)
    lapse = bgnbd.p_none(fitted.rhythm, alive, x, age, terms.AHEAD_DAYS / 7)
    reasons = np.full((len(x), 2 * signs.TOP), -1.0)
    if fitted.lapse:
        pushed = signs.pushes(fitted.lapse, signs.table(rows, fitted.lapse.usual_gap))
        reasons = _reasons(fitted.lapse, pushed, rows)
        lapse = signs.chance(fitted.lapse, pushed) if fitted.lapse_by == "features" else lapse
    ahead = 7 * bgnbd.half_way(fitted.rhythm, alive, x, age)
    named = {f"reason_{place + 1}": reasons[:, place] for place in range(signs.TOP)}
    named |= {f"value_{place + 1}": reasons[:, signs.TOP + place] for place in range(signs.TOP)}
    return {
        "member_id": rows["member_id"],
        "p_alive": alive.round(4),
        "p_lapse": lapse.round(4),
        "expected_orders": bgnbd.expected(fitted.rhythm, alive, x, age, terms.AHEAD_DAYS / 7).round(3),
        "clv_cents": value(fitted, rows, days=fitted.clv_days, alive=alive).round(),
        "next_days": np.where(ahead <= FARTHEST, np.ceil(ahead), -1.0),
        **named,
    }


def value(fitted: Fitted, rows: Columns, *, days: float, alive: Floats | None = None) -> Floats:
    """Discounted 分 that each buyer will spend net in the next `days`, whatever the horizon."""
    x, tx, age = history.weeks(rows)
    alive = bgnbd.p_alive(fitted.rhythm, x, tx, age) if alive is None else alive
    total, before = np.zeros_like(x), np.zeros_like(x)
    for step in range(1, STEPS + 1):
        until = bgnbd.expected(fitted.rhythm, alive, x, age, days * step / STEPS / 7)
        middle = days * (step - 0.5) / STEPS
        total += (until - before) * (1 + fitted.discount_a_year) ** (-middle / 365)
        before = until
    return total * worth(fitted, rows)


def worth(fitted: Fitted, rows: Columns) -> Floats:
    """分 of the next purchase day of each buyer."""
    if fitted.spend is None:
        return np.full_like(rows["days"], fitted.average_cents)
    return spend.per_day(fitted.spend, rows["days"] - 1, history.repeat_value(rows))


def _reasons(line: Line, pushed: Floats, rows: Columns) -> Floats:
    """The codes' places in `scoring.CODES`, then the figures beside them."""
    places, push = signs.top_reasons(pushed)
    shown = np.take_along_axis(signs.figures(rows, line.usual_gap), places, axis=1)
    return np.hstack([2 * places + (push < 0), shown]).astype(np.float64)
