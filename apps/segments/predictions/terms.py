"""How far predictions look ahead. The brand sets the horizon and the discount of customer value; they hold from the next version on."""

from typing import Any

from django.db import transaction

from apps.core import audit, brand
from apps.core.errors import ValidationFailed

KEY = "segments.predictions"
AHEAD_DAYS = 90  # of expected orders and of lapsing
DEFAULT: dict[str, Any] = {"clv_days": 365, "discount_a_year": 0.10}
_RANGES = {"clv_days": (30, 1825), "discount_a_year": (0, 1)}


def check(value: Any) -> None:
    """Raises ValueError with the reason."""
    if not isinstance(value, dict) or set(value) != set(DEFAULT):
        raise ValueError(f"exactly these are expected: {', '.join(DEFAULT)}")
    for name, (low, high) in _RANGES.items():
        number = value[name]
        if isinstance(number, bool) or not isinstance(number, int | float) or not low <= number <= high:
            raise ValueError(f"{name}: a number from {low} to {high} is expected")


brand.declare(KEY, default=DEFAULT, check=check)


@transaction.atomic
def save(*, clv_days: int, discount_a_year: float) -> None:
    """Of the versions to come; what speaks now keeps its own. Raises ValidationFailed."""
    audit.sign()
    try:
        brand.write(KEY, {"clv_days": clv_days, "discount_a_year": discount_a_year})
    except ValueError as problem:
        raise ValidationFailed(errors=[{"pointer": "", "code": "invalid", "message": str(problem)}]) from None


def current() -> dict[str, Any]:
    value: dict[str, Any] = brand.read(KEY)
    return value
