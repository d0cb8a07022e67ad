"""Numbers of a spreadsheet as people read them: days, times, amounts, numbers of orders."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, InvalidOperation

EXACT = 15  # digits that Excel keeps of a number
LAST_DAY = 2_958_465  # 31 December 9999
_DAYS = frozenset({*range(14, 18), 22, *range(27, 32), *range(34, 37), *range(50, 59)})
_TIMES = frozenset({*range(18, 22), 32, 33, *range(45, 48)})
# Text in quotation marks, escaped and padding letters, colours and conditions; the brackets of [h] stay.
_NOT_CODE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_ZEROS = re.compile(r"0{2,20}")


@dataclass(frozen=True)
class Format:
    """What a number of a cell stands for; `digits`: filled up with zeros to so many."""

    is_day: bool = False
    is_time: bool = False
    digits: int = 0


def format_of(number: int, code: str) -> Format:
    """By Excel's number of the format and, of one that the book defines, by its code."""
    if not code:
        return Format(is_day=number in _DAYS, is_time=number in _TIMES)
    first = _NOT_CODE.sub("", code).split(";")[0].lower()
    if _ZEROS.fullmatch(first):
        return Format(digits=len(first))
    if "general" in first or "@" in first:
        return Format()
    is_day = "y" in first or "d" in first or ("m" in first and "h" not in first and "s" not in first)
    return Format(is_day=is_day, is_time=not is_day and ("h" in first or "s" in first))


def text_of(raw: str, shape: Format, *, is_1904: bool) -> tuple[str, str]:
    """The text, and "" or the code of what is wrong. Fractions as exact as Excel shows them: to fifteen digits."""
    try:
        value = Context(prec=40, rounding=ROUND_HALF_EVEN).create_decimal(raw)
    except InvalidOperation:
        return raw, ""
    if not value.is_finite() or abs(value.adjusted()) > 60:
        return raw, "digits_lost"
    if (shape.is_day or shape.is_time) and 0 <= value <= LAST_DAY:
        return _moment(value, shape, is_1904=is_1904), ""
    rounded = Context(prec=EXACT, rounding=ROUND_HALF_EVEN).plus(value)
    text = f"{rounded:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    lost = "digits_lost" if abs(value) >= 10**EXACT else ""
    return (text.zfill(shape.digits) if text.isdigit() else text), lost


def _moment(value: Decimal, shape: Format, *, is_1904: bool) -> str:
    """A day, with its time where it has one; a time alone. To the second: a day's fraction is no more exact than that."""
    seconds = int((value * 86_400).to_integral_value(ROUND_HALF_UP))
    if shape.is_time and seconds < 86_400:
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    # Excel counts a 29 February 1900 that never was.
    base = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30 if seconds >= 61 * 86_400 else 31)  # noqa: DTZ001 - a wall clock
    try:
        moment = base + timedelta(seconds=seconds)
    except OverflowError:
        return str(value)
    return moment.strftime("%Y-%m-%d %H:%M:%S") if seconds % 86_400 else moment.strftime("%Y-%m-%d")
