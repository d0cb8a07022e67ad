"""Barcodes on goods: a GTIN of 8, 12, 13 or 14 digits, the last of which checks the others. Kept with 14, so that the same code counts
however many noughts a scanner puts before it."""

LENGTHS = (8, 12, 13, 14)
KEPT = 14


def read(text: str) -> str:
    """As it is kept; "" for what is no barcode."""
    if len(text) not in LENGTHS or not (text.isascii() and text.isdigit()):
        return ""
    full = text.zfill(KEPT)
    return full if full[-1] == _check(full[:-1]) else ""


def shown(kept: str) -> str:
    """As it stands on the goods, as far as that can be told."""
    bare = kept.lstrip("0")
    return kept[-next((length for length in LENGTHS if len(bare) <= length), KEPT) :] if kept else ""


def checked(digits: str) -> str:
    """Digits without their check digit, as a barcode is kept."""
    body = digits.zfill(KEPT - 1)
    return body + _check(body)


def _check(body: str) -> str:
    weighed = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return str(-weighed % 10)
