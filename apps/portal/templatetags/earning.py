"""What the pages of points, tiers and tasks say: names in the reader's language, amounts in their unit, bars."""

import datetime as dt
from typing import Any

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from apps.core import money
from apps.points.achievements import Progress

register = template.Library()


@register.filter
def named(thing: Any, field: str = "name") -> str:
    """`{{ tier|named }}`, `{{ benefit|named:"title" }}`: the English text for who reads English."""
    english = not (get_language() or "").startswith("zh") and getattr(thing, f"{field}_en")
    return str(english or getattr(thing, field))


@register.simple_tag
def bar(value: int, target: int) -> SafeString:
    """How much of `target` is there; the words beside it say the figures."""
    share = min(max(value / target * 100, 0), 100) if target else 100
    return format_html(
        '<svg class="p-bar" width="100%" height="6" role="img" aria-label="{} %"><rect width="{}%" height="6"/></svg>',
        f"{share:.0f}", f"{share:.1f}",
    )  # fmt: skip


@register.filter
def reached(goal: Progress) -> str:
    """¥4,620 of ¥10,000; 2 of 4 orders."""
    value, target = min(goal.value, goal.target), goal.target
    if goal.kind == "spend_cents":
        return _("%(value)s of %(target)s") % {"value": money.show(value), "target": money.show(target)}
    if goal.kind == "orders":
        text = ngettext("%(value)s of %(n)s order", "%(value)s of %(n)s orders", target)
    elif goal.kind == "sign_ins":
        text = ngettext("%(value)s of %(n)s sign-in", "%(value)s of %(n)s sign-ins", target)
    else:
        text = ngettext("%(value)s of %(n)s time", "%(value)s of %(n)s times", target)
    return text % {"value": f"{value:,}", "n": f"{target:,}"}


@register.filter
def period_name(period: str) -> str:
    words = {"month": _("This month"), "quarter": _("This quarter"), "year": _("This year")}
    return words.get(period, pgettext("period", "No end"))


@register.filter
def month_name(value: dt.date) -> str:
    return date_format(value, "YEAR_MONTH_FORMAT")
