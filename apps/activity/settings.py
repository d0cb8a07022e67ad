"""What a brand may set about behaviour events."""

from typing import Any

from apps.core import brand

MONTHS_KEPT = "activity.months_kept"


def _check_months(value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 36:
        raise ValueError("1 to 36 months are expected")


brand.declare(MONTHS_KEPT, default=13, check=_check_months)
