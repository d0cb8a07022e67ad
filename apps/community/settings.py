"""What the brand decides about its WeCom customers."""

from typing import Any

from apps.core import brand

WELCOME = "community.welcome"
POOL = "community.pool"
REPLIES = "community.replies"


def _check_welcome(value: Any) -> None:
    if not isinstance(value, str) or len(value) > 600:
        raise ValueError("a text of at most 600 characters is expected")


brand.declare(WELCOME, default="", check=_check_welcome)


def check_pool(value: Any) -> None:
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
brand.declare(POOL, default=POOL_DEFAULT, check=check_pool)


def _check_replies(value: Any) -> None:
    """`minutes` to the first answer and `percent` of chats answered, on average of a day, that the house asks of a colleague."""
    given = value if isinstance(value, dict) else {}
    ranges = {"minutes": range(1, 1441), "percent": range(101)}
    if given.keys() != ranges.keys() or any(type(given[k]) is not int or given[k] not in ranges[k] for k in ranges):
        raise ValueError("minutes from 1 to 1440 and percent from 0 to 100 are expected")


brand.declare(REPLIES, default={"minutes": 30, "percent": 80}, check=_check_replies)
