"""How long before an order a contact counts, by kind, and how fast it fades: one brand setting, in days.

A coupon has no window: it counts when the order used it, at that moment.
"""

from typing import Any

from apps.core import brand

KEY = "analytics.attribution"
KINDS = ("message", "stream", "group", "code")
HALF_LIFE = "half_life"
DEFAULT = {"message": 14, "stream": 7, "group": 30, "code": 30, HALF_LIFE: 7}
LEAST, MOST = 1, 90


def check(value: Any) -> None:
    """Raises ValueError with the reason."""
    if not isinstance(value, dict) or set(value) != set(DEFAULT):
        raise ValueError(f"exactly these are expected: {', '.join(DEFAULT)}")
    for name, days in value.items():
        if isinstance(days, bool) or not isinstance(days, int) or not LEAST <= days <= MOST:
            raise ValueError(f"{name}: {LEAST} to {MOST} days are expected")


brand.declare(KEY, default=DEFAULT, check=check)


def current() -> dict[str, int]:
    found: dict[str, int] = brand.read(KEY)
    return found


def save(wanted: dict[str, int]) -> bool:
    """Whether something changed: everything is then counted anew with the next count. Raises ValidationFailed."""
    return bool(brand.change({KEY: wanted}))
