"""What reaches many at once takes two people: one brand setting for campaigns and journeys alike."""

from typing import Any

from apps.core import brand

SETTING = "care.approval_from"  # members; null: one person is always enough


def _check(value: Any) -> None:
    if value is not None and (type(value) is not int or not 1 <= value <= 100_000_000):
        raise ValueError("a number of members from 1 on, or null for never")


brand.declare(SETTING, default=5_000, check=_check)


def limit() -> int | None:
    """From so many members on a second person has to agree."""
    return None if (value := brand.read(SETTING)) is None else int(value)


def is_needed(members: int) -> bool:
    return (least := limit()) is not None and members >= least
