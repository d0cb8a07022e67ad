"""Figures as a till's form sends them."""

from apps.core import money
from apps.flows import counter_rules
from apps.flows.checkout_errors import AmountOutOfBounds


def cents(text: str) -> int:
    """Yuan as typed, in 分; "" is 0. Raises AmountOutOfBounds for what is no amount."""
    if not text:
        return 0
    try:
        found = money.cents(text)
    except ValueError:
        rules = counter_rules.read()
        raise AmountOutOfBounds(least=money.show(rules.least_cents), most=money.show(rules.most_cents)) from None
    return max(found, 0)


def whole(text: str) -> int:
    """A whole number; anything else is 0."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else 0
