"""Gamma-Gamma (Fader, Hardie 2013): what a purchase day of each buyer is worth, drawn towards the average of all the less is known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln

from apps.segments.predictions.bgnbd import BadHistory, NotFitted

Floats = NDArray[np.float64]
_BOUND = 12.0
FEWEST = 10  # buyers with a repeat purchase


@dataclass(frozen=True)
class Spend:
    """Values of a buyer are Gamma(p, nu), nu is Gamma(q, gamma). q is above 1: the average of all exists."""

    p: float
    q: float
    gamma: float
    buyers: int = 0

    @property
    def average(self) -> float:
        return self.p * self.gamma / (self.q - 1)


def fit(x: Floats, mean: Floats) -> Spend:
    """`x` repeat purchase days and their mean value, above 0 both. Raises BadHistory, NotFitted."""
    x, mean = np.asarray(x, dtype=np.float64), np.asarray(mean, dtype=np.float64)
    if x.shape != mean.shape or x.ndim != 1 or not (np.isfinite(x) & np.isfinite(mean)).all():
        raise BadHistory("two finite columns of one length are needed")
    if (x <= 0).any() or (mean <= 0).any():
        raise BadHistory("only buyers with a repeat purchase worth something count")
    if x.size < FEWEST or np.ptp(mean) == 0:
        raise NotFitted("too few buyers, or all spend the same")
    unit = float(np.median(mean))  # gamma is of the size of the values: near 1 the search is short, in yuan or in fen
    found = minimize(
        lambda logs: _cost(logs, x, mean / unit),
        np.zeros(3),
        method="L-BFGS-B",
        bounds=[(-_BOUND, _BOUND)] * 3,
        options={"ftol": 1e-13, "gtol": 1e-7},
    )
    if not np.isfinite(found.fun):
        raise NotFitted("the likelihood has no largest value")
    p, above, gamma = np.exp(found.x)
    return Spend(float(p), float(1 + above), float(gamma * unit), int(x.size))


def _cost(logs: Floats, x: Floats, mean: Floats) -> float:
    p, above, gamma = np.exp(logs)
    q = 1 + above
    px = p * x
    known = gammaln(px + q) - gammaln(px) - gammaln(q) + q * np.log(gamma)
    known += (px - 1) * np.log(mean) + px * np.log(x) - (px + q) * np.log(x * mean + gamma)
    return float(-known.mean())


def per_day(spend: Spend, x: Floats, mean: Floats) -> Floats:
    """What the next purchase day is worth. Without repeat purchases (x 0): the average of all."""
    return spend.p * (spend.gamma + x * mean) / (spend.p * x + spend.q - 1)
