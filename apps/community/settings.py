"""What the brand decides about its WeCom customers."""

from typing import Any

from apps.core import brand

WELCOME = "community.welcome"
POOL = "community.pool"


def _check_welcome(value: Any) -> None:
    if not isinstance(value, str) or len(value) > 600:
        raise ValueError("a text of at most 600 characters is expected")


brand.declare(WELCOME, default="", check=_check_welcome)


def _check_pool(value: Any) -> None:
    """`follow_days`, `deal_days`: 0 is no such rule; `most`, `locks`: 0 is any number for each colleague."""
    given = value if isinstance(value, dict) else {}
    if given.keys() != POOL_DEFAULT.keys() or type(given["is_on"]) is not bool:
        raise ValueError(f"{', '.join(POOL_DEFAULT)} are expected")
    numbers = {name: number for name, number in given.items() if name != "is_on"}
    if any(type(number) is not int or not 0 <= number <= 10_000 for number in numbers.values()):
        raise ValueError("whole numbers of at most 10000 are expected")
    notice = numbers["notice_days"]
    if notice < 1 or any(0 < numbers[name] <= notice for name in ("follow_days", "deal_days")):
        raise ValueError("notice is at least a day, and shorter than what it is notice of")


POOL_DEFAULT = {"is_on": False, "follow_days": 30, "deal_days": 0, "notice_days": 3, "most": 0, "locks": 50}
brand.declare(POOL, default=POOL_DEFAULT, check=_check_pool)
