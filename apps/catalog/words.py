"""Prices in words, the same at every door and in the reader's language."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.catalog.models import EVERYONE, MEMBERS, Bundle
from apps.catalog.pricing import Hint, Rule
from apps.core import clock, money


def rule(one: Rule) -> str:
    """Short, for a badge."""
    return {
        "given": pgettext("price", "Price of the till"),
        "list": pgettext("price", "List price"),
        "member": pgettext("price", "Member price"),
        "tier": pgettext("price", "Price of your tier"),
        "timed": pgettext("price", "For a limited time"),
        "bundle": one.name or pgettext("price", "Bundle"),
    }[one.kind]


def hint(one: Hint) -> str:
    facts = one.facts
    if one.code == "price_ends":
        if facts["hours"]:
            return _("This price ends in %(hours)s h %(minutes)s min.") % facts
        return _("This price ends in %(minutes)s min.") % facts
    return _("Take %(missing)s more for “%(name)s”.") % facts


def bundle(kind: str, *, count: int | None, cents: int | None, percent: int | None) -> str:
    """What it gives: `任选2件 ¥99.00`."""
    if kind == Bundle.Kind.SET:
        return pgettext("bundle", "the set for %(price)s") % {"price": money.show(cents or 0)}
    if kind == Bundle.Kind.FOR:
        return pgettext("bundle", "any %(count)s for %(price)s") % {"count": count, "price": money.show(cents or 0)}
    if not percent:
        return pgettext("bundle", "of every %(count)s the cheapest is free") % {"count": count}
    return pgettext("bundle", "of every %(count)s the cheapest at %(percent)s%%") % {"count": count, "percent": percent}


def audience(key: str, tiers: dict[str, str]) -> str:
    if key == EVERYONE:
        return pgettext("price audience", "Everyone")
    return pgettext("price audience", "Every member") if key == MEMBERS else tiers.get(key, key)


def times(weekdays: Sequence[int], hours: Iterable[Sequence[str]], names: Sequence[object]) -> str:
    """`周六、周日 22:00–02:00`; empty: always. `names` of the days, Monday first."""
    days = pgettext("list of days", ", ").join(str(names[day - 1]) for day in sorted(weekdays))
    return " ".join(part for part in (days, " ".join(f"{a}–{b}" for a, b in hours)) if part)


def day(moment: datetime) -> str:
    return clock.local(moment).strftime("%Y-%m-%d %H:%M")
