"""Where the demo stands: not there, being loaded, done. The mark is a brand setting, so that it lives and dies with the data."""

from typing import Any

from apps.core import brand
from apps.flows.demo import words

SOURCE = "demo"  # of its members, orders and consents
LOADING, DONE = "loading", "done"
_KEY = "flows.demo"


def _check(value: Any) -> None:
    if value not in ("", LOADING, DONE):
        raise ValueError("'', 'loading' or 'done' is expected")


brand.declare(_KEY, default="", check=_check)


def read() -> str:
    return str(brand.read(_KEY))


def write(state: str) -> None:
    """From the first row on, every page shows the demo's ribbon."""
    brand.write("core.demo", True)
    brand.write("core.name", words.BRAND)
    brand.write(_KEY, state)
