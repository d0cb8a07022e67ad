"""How good chances of lapsing were where the answer is known: pure numpy over (chance, outcome) pairs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 10


def auc(chance: Floats, outcome: Floats) -> float | None:
    """The chance that somebody who lapsed was given more than somebody who did not; ties count half. None without both."""
    lapsed = int(outcome.sum())
    stayed = len(outcome) - lapsed
    if not lapsed or not stayed:
        return None
    _values, place, counts = np.unique(chance, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]  # of equals: the middle one
    return float((ranks[outcome > 0].sum() - lapsed * (lapsed + 1) / 2) / (lapsed * stayed))


def brier(chance: Floats, outcome: Floats) -> float:
    """Mean square of what was missed: 0 is perfect; saying the overall share to everybody gives share × (1 - share)."""
    return float(((chance - outcome) ** 2).mean())


def calibration(chance: Floats, outcome: Floats) -> list[dict[str, Any]]:
    """By tenths of chance: how many, what was said on average, what came true. Empty tenths are left out."""
    place = np.minimum((chance * BINS).astype(int), BINS - 1)
    return [
        {
            "bin": index,
            "members": int(here.sum()),
            "said": round(float(chance[here].mean()), 4),
            "came": round(float(outcome[here].mean()), 4),
        }
        for index in range(BINS)
        if (here := place == index).any()
    ]


def deciles(chance: Floats, outcome: Floats) -> list[float]:
    """The share who lapsed among each tenth of the members, those with the highest chance first.

    Equals share: a tenth that ends among members with one chance gets their average, so that no order of rows decides.
    """
    _values, place = np.unique(-chance, return_inverse=True)
    count = np.bincount(place)
    share = np.bincount(place, weights=outcome) / count
    edges = np.concatenate([[0.0], np.cumsum(count)])
    hits = np.concatenate([[0.0], np.cumsum(count * share)])
    cuts = np.linspace(0, len(chance), BINS + 1)
    found = np.diff(np.interp(cuts, edges, hits)) / np.diff(cuts)
    return [round(float(value), 4) for value in found]


def judged(chance: Floats, outcome: Floats) -> dict[str, Any]:
    """All of it. `lift`: how many times the overall share lapsed in the first tenth."""
    tenths = deciles(chance, outcome)
    overall = float(outcome.mean())
    found = auc(chance, outcome)
    return {
        "auc": None if found is None else round(found, 4),
        "brier": round(brier(chance, outcome), 4),
        "calibration": calibration(chance, outcome),
        "deciles": tenths,
        "lift": round(tenths[0] / overall, 3) if overall else None,
    }


def quintiles(values: Floats) -> Floats:
    """1 to 5 by the 20/40/60/80 % values, as `rfm.py` scores: one plus the cuts that a value lies above."""
    cuts = np.quantile(values, [0.2, 0.4, 0.6, 0.8], method="inverted_cdf")
    return 1 + (values[:, None] > cuts).sum(axis=1)


def rfm_cells(last: Floats, orders: Floats, cents: Floats) -> NDArray[np.int64]:
    """A number per buyer for R and the rounded mean of F and M: the squares of the RFM table. `last`: larger is later."""
    r, f, m = quintiles(last), quintiles(orders), quintiles(cents)
    return (r * 10 + (f + m + 1) // 2).astype(np.int64)


def by_cell(cells: NDArray[np.int64], outcome: Floats, asked: NDArray[np.int64]) -> Floats:
    """The share that lapsed in each asked cell among those whose answer is known; for a cell without any, the overall share."""
    size = int(max(cells.max(), asked.max())) + 1
    known = np.bincount(cells, minlength=size)
    lapsed = np.bincount(cells, weights=outcome, minlength=size)
    share = np.divide(lapsed, known, out=np.full(size, outcome.mean()), where=known > 0)
    return share[asked]
