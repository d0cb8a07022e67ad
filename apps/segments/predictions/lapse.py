"""The lapse model: logistic regression on the signs of several past dates, brought to scale on the newest of them.

A line of weights and not a forest of trees: it is stored as numbers, every push can be told as a reason, and it is scored by one
product of matrices.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict

from apps.segments.predictions import signs
from apps.segments.predictions.history import Columns
from apps.segments.predictions.signs import Line

Floats = NDArray[np.float64]
FEWEST = 100  # buyers who lapsed, and who did not, to learn from
FOLDS = 5
STRENGTH = 1.0  # inverse of the L2 penalty


def fit(dates: list[Columns], lapsed: list[Floats]) -> Line | None:
    """`dates`: the histories as of several dates, newest first, with who lapsed after each. None where too few did either."""
    usual = signs.usual_gap(dates[0])
    table = np.vstack([signs.table(rows, usual) for rows in dates])
    outcome = np.concatenate(lapsed)
    if min(outcome.sum(), (1 - outcome).sum()) < FEWEST:
        return None
    means, deviations = table.mean(axis=0), table.std(axis=0)
    deviations[deviations < 1e-9] = 1.0
    scaled = (table - means) / deviations
    found = LogisticRegression(C=STRENGTH, max_iter=500).fit(scaled, outcome)
    groups = np.concatenate([rows["member_id"] for rows in dates])
    slope, shift = _to_scale(scaled, outcome, groups=groups, newest=len(lapsed[0]))
    return Line(
        usual_gap=usual,
        intercept=float(found.intercept_[0] * slope + shift),
        weights=tuple(map(float, found.coef_[0] * slope)),
        means=tuple(map(float, means)),
        deviations=tuple(map(float, deviations)),
    )


def _to_scale(scaled: Floats, outcome: Floats, *, groups: Floats, newest: int) -> tuple[float, float]:
    """Platt's slope and shift on the newest date: of each buyer by a fit that has not seen them at any date."""
    if min(outcome[:newest].sum(), (1 - outcome[:newest]).sum()) < FOLDS:
        return 1.0, 0.0
    unseen = cross_val_predict(
        LogisticRegression(C=STRENGTH, max_iter=500),
        scaled,
        outcome,
        groups=groups,
        cv=GroupKFold(n_splits=FOLDS),
        method="decision_function",
    )
    platt = LogisticRegression(C=1e6).fit(unseen[:newest, None], outcome[:newest])
    slope = float(platt.coef_[0, 0])
    return (slope, float(platt.intercept_[0])) if slope > 0 else (1.0, 0.0)
