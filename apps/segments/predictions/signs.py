"""Signs of lapsing: what a purchase history says, as columns of numbers, and the chance a fitted line gives to them. numpy only.

Each sign belongs to one reason of `reasons.py`; the reasons of a member are the groups of signs that move them farthest from the
average buyer.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.segments.predictions.history import LATELY, Columns

Floats = NDArray[np.float64]

# Sign → the reason it belongs to. Signs that tell of one thing share a reason: apart, their weights may point against each other.
SIGNS = {
    "away": "pace",
    "pace": "pace",
    "overdue": "pace",
    "orders": "orders",
    "single": "orders",
    "trend": "trend",
    "uneven": "uneven",
    "spend": "spend",
    "tenure": "tenure",
}
REASONS = tuple(dict.fromkeys(SIGNS.values()))
TOP = 3


@dataclass(frozen=True)
class Line:
    """Log odds of lapsing: `intercept` + Σ weight × (sign - mean) / deviation. `usual_gap` in days, for buyers without one."""

    usual_gap: float
    intercept: float
    weights: tuple[float, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Line":
        lists = {name: tuple(stored[name]) for name in ("weights", "means", "deviations")}
        return cls(usual_gap=stored["usual_gap"], intercept=stored["intercept"], **lists)


def usual_gap(rows: Columns) -> float:
    """The median over the buyers of their mean gap in days; 30 where nobody has one."""
    repeats = rows["days"] - 1
    return float(np.median((rows["span"] / np.maximum(repeats, 1))[repeats > 0])) if (repeats > 0).any() else 30.0


def own_gap(rows: Columns, usual: float) -> Floats:
    """Days between purchases of each buyer, drawn towards the usual gap as if that had been seen once."""
    away = (rows["span"] + usual) / rows["days"]
    return np.maximum(away, 1.0)


def table(rows: Columns, usual: float) -> Floats:
    """One row per buyer, one column per sign, in the order of SIGNS."""
    days, away, age = rows["days"], rows["age"] - rows["span"], rows["age"]
    gap = own_gap(rows, usual)
    pace = np.log((away + 1) / (gap + 1))
    mean_gap = np.divide(rows["span"], days - 1, out=np.ones_like(days), where=days > 1)
    spread = np.divide(rows["gaps_squared"], days - 1, out=np.zeros_like(days), where=days > 1) - mean_gap**2
    uneven = np.where(days > 2, np.minimum(np.sqrt(np.maximum(spread, 0)) / mean_gap, 3.0), 1.0)
    expected_lately = days * np.minimum(1.0, LATELY / (age + 1))
    signs = {
        "away": np.log1p(away),
        "pace": pace,
        "overdue": np.maximum(pace, 0),
        "orders": np.log(days),
        "single": (days == 1).astype(np.float64),
        "trend": np.log((rows["recent_days"] + 0.5) / (expected_lately + 0.5)),
        "uneven": uneven,
        "spend": np.log(np.maximum(rows["cents"] / days, 1.0)),
        "tenure": np.log1p(age),
    }
    return np.column_stack([signs[name] for name in SIGNS])


def pushes(line: Line, signs: Floats) -> Floats:
    """What each sign adds to the log odds of each buyer, against the average buyer."""
    return (signs - np.array(line.means)) / np.array(line.deviations) * np.array(line.weights)


def chance(line: Line, pushed: Floats) -> Floats:
    odds = line.intercept + pushed.sum(axis=1)
    return 1 / (1 + np.exp(-np.clip(odds, -500, 500)))


def top_reasons(pushed: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Places in REASONS of the three weightiest reasons of each buyer, and their push; ties go to the first."""
    grouped = np.column_stack([pushed[:, [SIGNS[name] == reason for name in SIGNS]].sum(axis=1) for reason in REASONS])
    places = np.argsort(-np.abs(grouped), axis=1, kind="stable")[:, :TOP]
    return places, np.take_along_axis(grouped, places, axis=1)


def figures(rows: Columns, usual: float) -> Floats:
    """The figure shown beside each of REASONS: times the own gap, purchase days, lately, evenness, 分 a day, days."""
    away = rows["age"] - rows["span"]
    shown = {
        "pace": away / own_gap(rows, usual),
        "orders": rows["days"],
        "trend": rows["recent_days"],
        "uneven": table(rows, usual)[:, list(SIGNS).index("uneven")],
        "spend": rows["cents"] / rows["days"],
        "tenure": rows["age"],
    }
    return np.column_stack([shown[reason] for reason in REASONS])
