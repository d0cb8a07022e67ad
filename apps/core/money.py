"""Money is an integer number of 分 (cents of a yuan)."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

CENT = Decimal("0.01")
MAX_CENTS = 10**13  # a hundred billion yuan; beyond it an input is an error, not an amount


def yuan(cents: int) -> str:
    """For files: `1234.50`."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def show(cents: int) -> str:
    """For people: `¥1,234.50`; a minus stands before the sign."""
    sign = "−" if cents < 0 else ""
    return f"{sign}¥{abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def cents(text: str) -> int:
    """Parse yuan with at most two decimals, `¥` and thousands commas allowed. Raises ValueError."""
    cleaned = text.strip().removeprefix("¥").removeprefix("￥").replace(",", "")
    try:
        amount = Decimal(cleaned)
    except InvalidOperation:
        raise ValueError(f"not an amount: {text[:40]!r}") from None
    if not amount.is_finite() or abs(amount) * 100 > MAX_CENTS:
        raise ValueError(f"not an amount: {text[:40]!r}")
    if amount != amount.quantize(CENT, ROUND_HALF_UP):
        raise ValueError(f"more than two decimals: {text[:40]!r}")
    return int(amount * 100)


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Whole parts in proportion to the weights, by largest remainder; they add up to `total`."""
    whole = sum(weights)
    if not whole:
        return [total, *[0] * (len(weights) - 1)] if weights else []
    parts = [total * weight // whole for weight in weights]
    by_rest = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_rest[: total - sum(parts)]:
        parts[i] += 1
    return parts
