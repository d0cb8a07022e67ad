"""What went wrong, in a sentence; the lines of a digest."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.analytics.day import words
from apps.analytics.day.board import Told
from apps.analytics.models import AlertRule, Breach
from apps.stores.models import Store

_Kind = AlertRule.Kind


def sentence(breach: Breach, *, stores: dict[int, str] | None = None) -> str:
    """ "Orders at the Wukang store: 3, 70.0% less than 10 on the same weekday". `stores`: names that are known already."""
    rule = breach.rule
    facts = {
        "name": rule.name,
        "where": place(breach.store_id, stores),
        "figure": words.WORDS[rule.figure].label,
        "value": words.shown(rule.figure, breach.value),
        "before": words.shown(rule.figure, breach.before),
        "limit": words.shown(rule.figure, rule.limit),
    }
    if rule.kind == _Kind.BELOW:
        return _("%(name)s · %(where)s: %(figure)s %(value)s, below %(limit)s") % facts
    if rule.kind == _Kind.ABOVE:
        return _("%(name)s · %(where)s: %(figure)s %(value)s, above %(limit)s") % facts
    if rule.kind == _Kind.MISSING:
        return _("%(name)s · %(where)s: %(figure)s has nothing; on the same weekday it was %(before)s by then") % facts
    facts["share"] = words.percent(abs(breach.value - breach.before) / breach.before) if breach.before else ""
    if rule.kind == _Kind.FELL:
        return (
            _("%(name)s · %(where)s: %(figure)s %(value)s, %(share)s less than the same weekday's %(before)s by then")
            % facts
        )
    return (
        _("%(name)s · %(where)s: %(figure)s %(value)s, %(share)s more than the same weekday's %(before)s by then")
        % facts
    )


def over(breach: Breach, *, stores: dict[int, str] | None = None) -> str:
    facts = {
        "name": breach.rule.name,
        "where": place(breach.store_id, stores),
        "figure": words.WORDS[breach.rule.figure].label,
    }
    return _("%(name)s · %(where)s: %(figure)s is in order again") % facts


def condition(rule: AlertRule) -> str:
    """The rule as a sentence, for the list of rules."""
    facts = {
        "figure": words.WORDS[rule.figure].label,
        "limit": words.shown(rule.figure, rule.limit) if rule.kind in {_Kind.BELOW, _Kind.ABOVE} else f"{rule.limit}%",
        "least": words.shown(rule.figure, rule.at_least),
        "hour": f"{rule.from_hour:02d}:00",
    }
    told = {
        _Kind.BELOW: _("%(figure)s below %(limit)s, looked at from %(hour)s on"),
        _Kind.ABOVE: _("%(figure)s above %(limit)s, looked at from %(hour)s on"),
        _Kind.FELL: _(
            "%(figure)s %(limit)s or more under the same weekday, if that had %(least)s by then; from %(hour)s on"
        ),
        _Kind.ROSE: _(
            "%(figure)s %(limit)s or more over the same weekday, if that had %(least)s by then; from %(hour)s on"
        ),
        _Kind.MISSING: _("%(figure)s has nothing, where the same weekday had %(least)s by then; from %(hour)s on"),
    }
    return told[_Kind(rule.kind)] % facts


def place(store_id: int, stores: dict[int, str] | None = None) -> str:
    if not store_id:
        return _("all stores")
    name = (stores or {}).get(store_id)
    return name or Store.objects.filter(pk=store_id).values_list("name", flat=True).first() or ""


def reach(store_ids: Sequence[int] | None) -> str:
    """Whose day it is."""
    if store_ids is None:
        return _("all stores")
    names = list(Store.objects.filter(pk__in=store_ids).order_by("code").values_list("name", flat=True)[:4])
    if len(store_ids) > 3:
        return ngettext("%(count)s store", "%(count)s stores", len(store_ids)) % {"count": len(store_ids)}
    return _(", ").join(names)


def line(name: str, figure: Told, *, when: str) -> str:
    """ "Orders: 12 (before: 10, +20.0%)"."""
    facts = {"label": words.WORDS[name].label, "value": words.shown(name, figure.value), "when": when}
    if figure.before is None:
        return _("%(label)s: %(value)s") % facts
    facts["before"], facts["change"] = words.shown(name, figure.before), words.change(figure.change)
    if figure.change is None:
        return _("%(label)s: %(value)s (%(when)s: %(before)s)") % facts
    return _("%(label)s: %(value)s (%(when)s: %(before)s, %(change)s)") % facts
