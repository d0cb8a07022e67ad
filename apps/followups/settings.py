"""What the brand decides about tasks."""

from typing import Any

from apps.core import brand

ESCALATE = "followups.escalate_hours"


def _check_hours(value: Any) -> None:
    if type(value) is not int or not 0 <= value <= 720:
        raise ValueError("0 (never) to 720 hours are expected")


brand.declare(ESCALATE, default=24, check=_check_hours)
