"""The thresholds of the life stages: a brand setting, checked, and handed to SQL as parameters. Meaning: docs/lifecycle.md."""

from itertools import pairwise
from typing import Any

from django.db import transaction

from apps.core import audit, brand
from apps.core.errors import ValidationFailed

KEY = "segments.lifecycle"
DEFAULT: dict[str, Any] = {
    "new_days": 30,
    "won_back_days": 30,
    "fixed_days": [30, 90, 180],
    "gap_factors": [1.5, 3, 6],
    "gap_clamp_days": [21, 180],
    "min_orders": 3,
}
LONGEST = 3650  # days; also keeps every boundary within the calendar
LISTS = {"fixed_days": 3, "gap_factors": 3, "gap_clamp_days": 2}


def check(value: Any) -> None:
    """Raises ValueError with a sentence for people."""
    if not isinstance(value, dict) or set(value) != set(DEFAULT):
        raise ValueError(f"exactly these thresholds are expected: {', '.join(DEFAULT)}")
    for name, given in value.items():
        _check_numbers(name, given)
    for name in ("fixed_days", "gap_factors"):
        if any(later <= earlier for earlier, later in pairwise(value[name])):
            raise ValueError(f"{name} must rise")
    if value["gap_clamp_days"][0] > value["gap_clamp_days"][1]:
        raise ValueError("gap_clamp_days: the lower bound comes first")
    if value["gap_factors"][2] * value["gap_clamp_days"][1] > LONGEST:
        raise ValueError(f"the last factor times the upper bound may not pass {LONGEST} days")
    if not isinstance(value["min_orders"], int) or value["min_orders"] < 2:
        raise ValueError("min_orders must be a whole number, 2 or more: a gap needs two orders")


def _check_numbers(name: str, given: Any) -> None:
    if name in LISTS and (not isinstance(given, list) or len(given) != LISTS[name]):
        raise ValueError(f"{name} needs {LISTS[name]} numbers")
    for number in given if name in LISTS else [given]:
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= LONGEST:
            raise ValueError(f"{name}: numbers above 0 and up to {LONGEST} are expected")


brand.declare(KEY, default=DEFAULT, check=check)


def current() -> dict[str, Any]:
    value: dict[str, Any] = brand.read(KEY)
    return value


@transaction.atomic
def save(wanted: dict[str, Any]) -> None:
    """Other thresholds; the next refresh is a full one, and its moves never begin care. Raises ValidationFailed."""
    audit.sign()
    try:
        brand.write(KEY, wanted)
    except ValueError as problem:
        raise ValidationFailed(errors=[{"pointer": "", "code": "invalid", "message": str(problem)}]) from None


def parameters(rules: dict[str, Any]) -> dict[str, float]:
    """Named values for the statements of `sql.py`. `leap` is the shortest gap in days that can mean dormant."""
    fixed, factors, clamp = rules["fixed_days"], rules["gap_factors"], rules["gap_clamp_days"]
    return {
        "new_days": float(rules["new_days"]),
        "won_back_days": float(rules["won_back_days"]),
        "min_orders": rules["min_orders"],
        "fixed_1": float(fixed[0]),
        "fixed_2": float(fixed[1]),
        "fixed_3": float(fixed[2]),
        "factor_1": float(factors[0]),
        "factor_2": float(factors[1]),
        "factor_3": float(factors[2]),
        "clamp_low": float(clamp[0]),
        "clamp_high": float(clamp[1]),
        "leap": float(min(fixed[1], factors[1] * clamp[0])),
    }
