"""BG/NBD (Fader, Hardie, Lee 2005): buyers come at a rhythm of their own until, after some purchase, they stop for good.

A buyer is (x, tx, age): purchase days after the first, time from the first to the last, time from the first to now; one unit
throughout, here weeks. Everything is worked out in logs, so that hundreds of purchases are as good as two.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, gammaln, hyp2f1

Floats = NDArray[np.float64]
_BOUND = 12.0  # of log parameters: e^-12 to e^12
_NEAR_ONE = 1e-5  # the formula of expected orders divides by a - 1


class BadHistory(ValueError):
    """The figures are no purchase histories: shapes differ, not finite, negative, or a purchase after now."""


class NotFitted(ValueError):
    """No parameters are better than others here: nobody, or nobody who bought twice."""


@dataclass(frozen=True)
class Rhythm:
    """Rates are Gamma(r, alpha), chances to stop after a purchase Beta(a, b). `log_likelihood` over the `buyers` of the fit."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = 0.0
    buyers: int = 0


def fit(x: Floats, tx: Floats, age: Floats) -> Rhythm:
    """Maximum likelihood. Raises BadHistory, NotFitted."""
    x, tx, age = checked(x, tx, age)
    if not x.size or not x.any():
        raise NotFitted("nobody bought on more than one day")
    found = minimize(
        lambda logs: -log_likelihood(logs, x, tx, age) / x.size,
        np.zeros(4),
        method="L-BFGS-B",
        bounds=[(-_BOUND, _BOUND)] * 4,
        options={"ftol": 1e-13, "gtol": 1e-7},
    )
    if not np.isfinite(found.fun):
        raise NotFitted("the likelihood has no largest value")
    r, alpha, a, b = np.exp(found.x)
    return Rhythm(float(r), float(alpha), float(a), float(b), float(-found.fun * x.size), int(x.size))


def checked(x: Floats, tx: Floats, age: Floats) -> tuple[Floats, Floats, Floats]:
    x, tx, age = (np.asarray(column, dtype=np.float64) for column in (x, tx, age))
    if not x.shape == tx.shape == age.shape or x.ndim != 1:
        raise BadHistory("three columns of one length are needed")
    if not all(np.isfinite(column).all() for column in (x, tx, age)):
        raise BadHistory("a figure is not finite")
    if (x < 0).any() or (tx < 0).any() or (tx > age).any() or ((x == 0) != (tx == 0)).any():
        raise BadHistory("purchases lie between the first and now; who bought once has tx 0")
    return x, tx, age


def log_likelihood(logs: Floats, x: Floats, tx: Floats, age: Floats) -> float:
    """`logs`: logs of r, alpha, a, b."""
    r, alpha, a, b = np.exp(logs)
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    common += gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    stays = -(r + x) * np.log(alpha + age)
    left = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + tx)
    return float((common + np.logaddexp(stays, np.where(x > 0, left, -np.inf))).sum())


def p_alive(rhythm: Rhythm, x: Floats, tx: Floats, age: Floats) -> Floats:
    """The chance that a buyer has not stopped. Who bought once cannot have: stopping comes after a repeat purchase."""
    r, alpha, a, b = rhythm.r, rhythm.alpha, rhythm.a, rhythm.b
    odds = np.log(a) - np.log(b + np.maximum(x, 1) - 1) + (r + x) * (np.log(alpha + age) - np.log(alpha + tx))
    return np.where(x > 0, expit(-odds), 1.0)


def p_none(rhythm: Rhythm, alive: Floats, x: Floats, age: Floats, ahead: float) -> Floats:
    """The chance of no purchase in the time ahead: stopped, or still there and not coming. `alive` is `p_alive` of them."""
    away = np.exp((rhythm.r + x) * (np.log(rhythm.alpha + age) - np.log(rhythm.alpha + age + ahead)))
    return 1 - alive * (1 - away)


def expected(rhythm: Rhythm, alive: Floats, x: Floats, age: Floats, ahead: float) -> Floats:
    """Purchases to expect in the time ahead (formula 10 of the paper, after Euler's transformation of 2F1: no large powers)."""
    r, b = rhythm.r, rhythm.b
    a = rhythm.a if abs(rhythm.a - 1) > _NEAR_ONE else 1 + _NEAR_ONE
    share = ahead / (rhythm.alpha + age + ahead)
    rest = np.exp((a - 1) * np.log1p(-share)) * hyp2f1(a + b - 1 - r, a - 1, a + b + x - 1, share)
    return np.maximum(alive * (a + b + x - 1) / (a - 1) * (1 - rest), 0.0)


def half_way(rhythm: Rhythm, alive: Floats, x: Floats, age: Floats) -> Floats:
    """The time by which a purchase is as likely as not; infinite for who has more likely stopped."""
    alive, x, age = np.broadcast_arrays(alive, x, age)
    likely = alive > 0.5
    quiet = 1 - 0.5 / np.where(likely, alive, 1.0)
    with np.errstate(divide="ignore", over="ignore"):
        ahead = (rhythm.alpha + age) * np.expm1(-np.log(quiet) / (rhythm.r + x))
    return np.where(likely, ahead, np.inf)
