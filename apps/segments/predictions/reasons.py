"""The reasons of a prediction in words. A code is a word of REASONS with "+" (speaks for lapsing) or "-" (for staying) behind it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


@dataclass(frozen=True)
class Reason:
    code: str
    text: str
    is_against: bool  # speaks for lapsing


def told(codes: Sequence[str], values: Sequence[float]) -> list[Reason]:
    """In the user's language, the weightiest first."""
    return [
        Reason(code=code[:-1], text=_text(code[:-1], value), is_against=code.endswith("+"))
        for code, value in zip(codes, values, strict=True)
        if code[:-1] in _TEXTS
    ]


def _text(code: str, value: float) -> str:
    return _TEXTS[code](value)


def _pace(value: float) -> str:
    return _("The pause now is %(n)s times their usual one") % {"n": f"{value:.1f}"}


def _orders(value: float) -> str:
    days = round(value)
    return ngettext("Bought on %(n)s day in all", "Bought on %(n)s days in all", days) % {"n": f"{days:,}"}


def _trend(value: float) -> str:
    days = round(value)
    if not days:
        return _("No purchase in the last 90 days")
    return ngettext("Bought on %(n)s day of the last 90", "Bought on %(n)s days of the last 90", days) % {
        "n": f"{days:,}"
    }


def _uneven(value: float) -> str:
    if value < 0.6:
        return _("Buys at an even pace")
    return _("Buys at an uneven pace") if value > 1 else _("Buys at a fairly even pace")


def _spend(value: float) -> str:
    return _("Spends ¥%(amount)s a visit") % {"amount": f"{value / 100:,.0f}"}


def _tenure(value: float) -> str:
    days = round(value)
    return ngettext("First bought %(n)s day ago", "First bought %(n)s days ago", days) % {"n": f"{days:,}"}


_TEXTS = {
    "pace": _pace, "orders": _orders, "trend": _trend, "uneven": _uneven, "spend": _spend, "tenure": _tenure,
}  # fmt: skip
