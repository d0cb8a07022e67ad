"""Arguments that commands share."""

from argparse import ArgumentTypeError
from datetime import datetime

from apps.core import clock


def moment(text: str) -> datetime:
    try:
        return clock.parse(text)
    except ValueError:
        raise ArgumentTypeError(f"not a date or time: {text!r} (2026-11-22 or 2026-11-22T10:00:00+08:00)") from None
