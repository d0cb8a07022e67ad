"""Names for the words of coupons on staff pages, and a template's state there."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext as _

from apps.console import rule_words
from apps.console.templatetags.console import figure, money
from apps.core.errors import ValidationFailed
from apps.coupons import costs, words
from apps.coupons import terms as grammar
from apps.coupons.models import Budget, Template
from apps.coupons.publishing import Wish
from apps.flows import source_words
from apps.segments import keys

STATES = {
    "running": (pgettext_lazy("coupons", "Running"), "ok"),
    "draft": (pgettext_lazy("coupons", "Draft"), "warn"),
    "stopped": (pgettext_lazy("coupons", "Stopped"), "bad"),
}


def origin(text: str) -> str:
    """Where a coupon was taken or given; keys of campaigns and tasks stand for themselves."""
    return source_words.said("store" if text == "till" else text)


def whole(said: Any) -> dict[str, Any] | None:
    """The terms, or None for a draft that is not finished."""
    try:
        return grammar.checked(said)
    except ValidationFailed:
        return None


def known(many: Iterable[dict[str, Any] | None]) -> words.Names:
    """For words about these checked terms, in a few queries."""
    return known_parsed([grammar.parse(one) for one in many if one is not None])


def known_parsed(parsed: list[grammar.Terms]) -> words.Names:
    tiers = rule_words.names().tiers if any(one.tiers for one in parsed) else {}
    return words.names(parsed, tiers=tiers, groups=dict(keys.choices()))


def name_of(row: Template) -> str:
    return row.name_en if get_language() == "en" and row.name_en else row.name


def sentence(said: dict[str, Any], names: words.Names) -> str:
    """Everything that the terms say, in one line."""
    return _("; ").join(part.text for part in words.parts(said, names))


def worst(cents: int | None) -> str:
    return _("no bound") if cents is None else money(cents)


def wish(said: Wish, names: words.Names) -> str:
    """Terms, stock, budgets and worst case as whoever agrees reads them."""
    stock = _("without end") if said.most is None else figure(said.most)
    told = [sentence(said.terms, names), _("stock: %(stock)s") % {"stock": stock}]
    if said.budgets:
        told.append(_("budgets: %(budgets)s") % {"budgets": budgets(said.budgets)})
    told.append(_("at worst: %(worst)s") % {"worst": worst(said.worst)})
    return _("; ").join(told)


def budgets(rows: list[list[Any]]) -> str:
    return rule_words.listed(budget(per, of, most) for per, of, most in rows)


def budget(per: str, of: str, most: int) -> str:
    """“总计 500 次”."""
    facts = {"per": Budget.Per(per).label, "most": money(most) if of == Budget.Of.CENTS else figure(most)}
    text = _("%(most)s %(per)s") if of == Budget.Of.CENTS else _("%(most)s uses %(per)s")
    return text % facts


def bound(said: dict[str, Any], *, most: int | None, ceilings: dict[tuple[str, str], int]) -> dict[str, str]:
    """How the worst case comes about, for the page: `each`, `stock`, `worst`."""
    each = costs.most_saved(said)
    return {
        "each": worst(each),
        "stock": _("without end") if most is None else figure(most),
        "worst": worst(costs.worst(said, most=most, ceilings=ceilings)),
    }
