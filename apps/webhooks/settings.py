"""What the brand decides about webhooks."""

from typing import Any

from apps.core import brand

OFF_AFTER = "webhooks.off_after_days"


def _check(value: Any) -> None:
    if type(value) is not int or not 0 <= value <= 90:
        raise ValueError("0 (never) to 90 days are expected")


brand.declare(OFF_AFTER, default=5, check=_check)
