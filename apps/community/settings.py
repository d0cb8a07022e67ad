"""What the brand decides about its WeCom customers."""

from typing import Any

from apps.core import brand

WELCOME = "community.welcome"


def _check_welcome(value: Any) -> None:
    if not isinstance(value, str) or len(value) > 600:
        raise ValueError("a text of at most 600 characters is expected")


brand.declare(WELCOME, default="", check=_check_welcome)
