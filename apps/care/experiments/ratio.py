"""Whether the arms have the sizes that were drawn. If not, something sorts members after the draw: no comparison is worth reading."""

import math
from collections.abc import Sequence

ALARM = 0.001  # with this p-value or less; looked at daily it still sounds rarely without a cause


def p_value(members: Sequence[int], shares: Sequence[float]) -> float:
    """Chi-square test of fit of the arms' sizes to their shares (of any sum, none 0). 1 where nobody is in yet."""
    total, whole = sum(members), sum(shares)
    if not total or len(members) < 2:
        return 1.0
    wanted = [total * share / whole for share in shares]
    square = sum((found - due) ** 2 / due for found, due in zip(members, wanted, strict=True))
    return _above(square, len(members) - 1)


def is_off(members: Sequence[int], shares: Sequence[float]) -> bool:
    return p_value(members, shares) <= ALARM


def _above(square: float, freedom: int) -> float:
    """Upper tail of chi-square: in steps of two degrees from that of one or two (Abramowitz and Stegun 26.4.4, 26.4.5)."""
    half = square / 2
    degrees = 2 - freedom % 2
    tail = math.erfc(math.sqrt(half)) if degrees == 1 else math.exp(-half)
    while degrees < freedom and half > 0:
        tail += math.exp(degrees / 2 * math.log(half) - half - math.lgamma(degrees / 2 + 1))
        degrees += 2
    return min(1.0, tail)
