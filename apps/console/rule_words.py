"""A rule of earning in words: one sentence for lists, its parts for its page, and what differs between two versions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext
from django.utils.translation import gettext as _

from apps.console import rule_rows
from apps.console.templatetags.console import figure
from apps.core import clock
from apps.core.errors import ValidationFailed
from apps.points import definitions
from apps.points.models import Benefit, Currency, Rule, Tier
from apps.stores.models import Store

SHOWN = 4  # of a long list of names
PERIODS = {
    "transaction": gettext_lazy("each time"),
    "day": gettext_lazy("a day"),
    "week": gettext_lazy("a week"),
    "month": gettext_lazy("a month"),
    "quarter": gettext_lazy("a quarter"),
    "year": gettext_lazy("a year"),
    "life": gettext_lazy("in all"),
}
WEEKDAYS = (
    gettext_lazy("Monday"),
    gettext_lazy("Tuesday"),
    gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"),
    gettext_lazy("Friday"),
    gettext_lazy("Saturday"),
    gettext_lazy("Sunday"),
)
_ROUNDED = {
    "month": gettext_lazy("at the end of the month"),
    "quarter": gettext_lazy("at the end of the quarter"),
    "half_year": gettext_lazy("at the end of the half-year"),
    "year": gettext_lazy("at the end of the year"),
}


@dataclass(frozen=True)
class Part:
    """One thing that a rule says. `kind`: gives, when, limit, terms."""

    kind: str
    label: str
    text: str


@dataclass(frozen=True)
class Names:
    """What keys are called in the reader's language, read once for a page."""

    tiers: dict[str, str] = field(default_factory=dict)
    stores: dict[str, str] = field(default_factory=dict)
    currencies: dict[int, str] = field(default_factory=dict)
    spendable: frozenset[int] = frozenset()
    factors: tuple[tuple[str, str], ...] = ()  # key of a tier and its multiplier, lowest first


def is_english() -> bool:
    return get_language() == "en"


def names() -> Names:
    english = is_english()
    tiers = {row.key: row.name_en if english else row.name for row in Tier.objects.all()}
    given = Benefit.objects.filter(kind=Benefit.Kind.MULTIPLIER).order_by("tier__rank", "-position", "-pk")
    factors = {key: str(value.get("factor", "1")) for key, value in given.values_list("tier__key", "value")}
    currencies = list(Currency.objects.all())
    return Names(
        tiers=tiers,
        stores=dict(Store.objects.values_list("code", "name")),
        currencies={row.pk: row.name_en if english else row.name for row in currencies},
        spendable=frozenset(row.pk for row in currencies if row.is_spendable),
        factors=tuple((key, factor) for key, factor in factors.items() if float(factor) > 1),
    )


def name_of(rule: Any) -> str:
    """Of a rule, a currency, an achievement: whatever has both names."""
    return str(rule.name_en if is_english() else rule.name)


def sentence(rule: Rule, definition: Any, known: Names) -> str:
    """“每消费 1 元得 1 积分，金卡 1.5 倍；每日最多 500”. A draft that is not whole says so."""
    found = parts(rule, definition, known)
    if not found:
        return _("Not finished yet")
    by_kind: dict[str, list[str]] = {}
    for part in found:
        by_kind.setdefault("head" if part.kind in {"gives", "when"} else "tail", []).append(part.text)
    head = pgettext("sentence", ", ").join(by_kind.get("head", ()))
    return _("; ").join([head, *by_kind.get("tail", ())])


def parts(rule: Rule, definition: Any, known: Names) -> list[Part]:
    """Everything that the definition says, in the order people think; nothing for one that is not whole."""
    try:
        said = definitions.checked(definition, trigger=rule.trigger)
    except ValidationFailed:
        return []
    return [*_given(rule, said, known), *_when(said, known), *_limits(said), *_terms(said)]


def differences(rule: Rule, before: Any, after: Any, known: Names) -> list[tuple[str, str, str]]:
    """Label, before and after of what two definitions say differently; "" where one says nothing of it."""
    old, new = _by_label(parts(rule, before, known)), _by_label(parts(rule, after, known))
    labels = [*old, *(label for label in new if label not in old)]
    return [(label, old.get(label, ""), new.get(label, "")) for label in labels if old.get(label) != new.get(label)]


def _by_label(found: Iterable[Part]) -> dict[str, str]:
    said: dict[str, str] = {}
    for part in found:
        said[part.label] = _("; ").join([said[part.label], part.text]) if part.label in said else part.text
    return said


def _given(rule: Rule, said: dict[str, Any], known: Names) -> list[Part]:
    give = said["give"]
    facts = {
        "points": figure(give.get("points", 0)),
        "currency": known.currencies.get(rule.currency_id, ""),
        "factor": give.get("factor", ""),
        "yuan": _yuan(give.get("per_cents", 0)),
        "name": said.get("event", {}).get("name", "") or said.get("task", {}).get("key", ""),
    }
    found = [Part("gives", pgettext("rule", "Gives"), _LEADS[_lead(rule.trigger, give["kind"])]() % facts)]
    if said.get("event", {}).get("properties"):
        asked = _(", ").join(f"{name} = {_plain(value)}" for name, value in said["event"]["properties"].items())
        found.append(Part("when", _("Only where"), _("only where %(asked)s") % {"asked": asked}))
    if give["kind"] == "streak":
        found += _steps(give)
    if "coupon" in said:
        name = dict(rule_rows.coupons()).get(said["coupon"], said["coupon"])
        found.append(Part("gives", _("Coupon"), _("and the coupon “%(name)s”") % {"name": name}))
    if "make_up" in said:
        found.append(Part("terms", _("Missed days"), _made_up(said["make_up"])))
    asked = said.get("when", {}).get("tiers", list(known.tiers))
    factors = [(known.tiers[key], by) for key, by in known.factors if key in asked]
    if give["kind"] == "per_amount" and rule.currency_id in known.spendable and factors:
        text = _(", ").join(_("%(tier)s ×%(factor)s") % {"tier": tier, "factor": by} for tier, by in factors)
        found.append(Part("gives", _("By tier"), text))
    return found


def _lead(trigger: str, kind: str) -> str:
    if trigger in {"order", "first_order"}:
        return f"{trigger}.{kind}"
    return trigger


_LEADS: dict[str, Callable[[], str]] = {
    "order.per_amount": lambda: _("%(points)s %(currency)s for every ¥%(yuan)s spent"),
    "order.fixed": lambda: _("%(points)s %(currency)s for each order"),
    "order.multiplier": lambda: _("%(currency)s by amount ×%(factor)s"),
    "first_order.per_amount": lambda: _("%(points)s %(currency)s for every ¥%(yuan)s of the first order"),
    "first_order.fixed": lambda: _("%(points)s %(currency)s for the first order"),
    "event": lambda: _("%(points)s %(currency)s each time “%(name)s” happens"),
    "task": lambda: _("%(points)s %(currency)s for the task “%(name)s”"),
    "sign_in": lambda: _("%(points)s %(currency)s for each day signed in"),
    "birthday": lambda: _("%(points)s %(currency)s on the birthday"),
    "review": lambda: _("%(points)s %(currency)s for each review"),
    "registration": lambda: _("%(points)s %(currency)s for registering"),
}


def _steps(give: dict[str, Any]) -> list[Part]:
    found = []
    steps = [
        _("day %(day)s +%(points)s") % {"day": step["day"], "points": figure(step["points"])}
        for step in sorted(give.get("steps", ()), key=lambda step: int(step["day"]))
    ]
    if steps:
        text = _("in a row: %(steps)s") % {"steps": _cut(steps, most=8)}
        found.append(Part("gives", _("Days in a row"), text))
    if "cycle" in give:
        text = _("counted anew after %(days)s days") % {"days": give["cycle"]}
        found.append(Part("gives", _("Counted anew"), text))
    return found


def _made_up(said: dict[str, Any]) -> str:
    found = [_("missed days can be made up")]
    if "days_back" in said:
        found.append(_("up to %(days)s days back") % {"days": said["days_back"]})
    if "free_per_month" in said:
        found.append(_("%(count)s free a month") % {"count": said["free_per_month"]})
    if "points" in said:
        found.append(_("then for %(points)s points each") % {"points": figure(said["points"])})
    return pgettext("sentence", ", ").join(found)


def _when(said: dict[str, Any], known: Names) -> list[Part]:
    when = said.get("when", {})
    told: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
        ("tiers", _("Tiers"), lambda keys: _("only %(names)s") % {"names": _cut([known.tiers.get(k, k) for k in keys])}),
        ("products", _("Products"), lambda skus: _("only for %(names)s") % {"names": _cut(skus)}),
        ("categories", _("Categories"), lambda them: _("only for %(names)s") % {"names": _cut(them)}),
        ("stores", _("Stores"), lambda codes: _("only at %(names)s") % {"names": _cut([known.stores.get(c, c) for c in codes])}),
        ("channels", _("Channels"), lambda them: _("only by %(names)s") % {"names": _cut([c.replace("_", " ") for c in them])}),
        ("weekdays", _("Days of the week"),
         lambda days: _("on %(names)s") % {"names": _cut([str(WEEKDAYS[day - 1]) for day in sorted(days)], most=7)}),
        ("month_days", _("Days of the month"),
         lambda days: _("on day %(names)s of the month") % {"names": _cut([str(day) for day in sorted(days)], most=31)}),
        ("birthday", _("Birthday"),
         lambda which: _("in the month of the birthday") if which == "month" else _("on the day of the birthday")),
        ("min_cents", _("At least"), lambda cents: _("from ¥%(yuan)s on") % {"yuan": _yuan(cents)}),
    )  # fmt: skip
    found = [Part("when", label, say(when[name])) for name, label, say in told if name in when]
    if {"from", "to"} & when.keys():
        found.append(Part("when", _("Time"), _span(when)))
    return found


def _span(when: dict[str, Any]) -> str:
    facts = {name: _moment(when[name]) for name in ("from", "to") if name in when}
    if len(facts) == 2:
        return _("from %(from)s to %(to)s") % facts
    return _("from %(from)s") % facts if "from" in facts else _("until %(to)s") % facts


def _limits(said: dict[str, Any]) -> list[Part]:
    found = []
    if "times" in said:
        facts = {"most": figure(said["times"]["most"]), "per": str(PERIODS[said["times"]["per"]])}
        text = (
            ngettext("at most %(most)s time %(per)s", "at most %(most)s times %(per)s", said["times"]["most"]) % facts
        )
        found.append(Part("limit", _("How often"), text))
    for cap in said.get("caps", ()):
        facts = {"most": figure(cap["points"]), "per": str(PERIODS[cap["per"]])}
        text = (_("at most %(most)s %(per)s") if cap["then"] == "cap" else _("nothing above %(most)s %(per)s")) % facts
        found.append(Part("limit", _("Limit"), text))
    return found


def _terms(said: dict[str, Any]) -> list[Part]:
    found = []
    if "pending" in said:
        found.append(Part("terms", _("Usable"), _pending(said["pending"])))
    if "expiry" in said:
        found.append(Part("terms", _("Expiry"), _expiry(said["expiry"])))
    return found


def usable(definition: Mapping[str, Any]) -> str:
    """When points of a rule can be used; "" where that is at once."""
    return _pending(definition["pending"]) if "pending" in definition else ""


def _pending(said: dict[str, Any]) -> str:
    if said["kind"] == "days":
        return ngettext("usable after %(days)s day", "usable after %(days)s days", said["days"]) % {
            "days": said["days"]
        }
    if said["kind"] == "on":
        return _("usable from %(day)s on") % {"day": _moment(said["date"])}
    if days := said.get("days"):
        return ngettext(
            "usable %(days)s day after the order is received, dropped when it is not received within %(lapse)s days",
            "usable %(days)s days after the order is received, dropped when it is not received within %(lapse)s days",
            days,
        ) % {"days": days, "lapse": said["lapse_days"]}
    return _("usable once the order is received, dropped after %(days)s days") % {"days": said["lapse_days"]}


def _expiry(said: dict[str, Any]) -> str:
    if said["kind"] == "never":
        return _("never expires")
    if said["kind"] == "on":
        day = date_format(date(2024, said["month"], said["day"]), "MONTH_DAY_FORMAT")
        years = said.get("years", 0)
        if not years:
            return _("expires on the next %(day)s") % {"day": day}
        return ngettext("expires on %(day)s, %(years)s year later", "expires on %(day)s, %(years)s years later", years) % {
            "day": day, "years": years,
        }  # fmt: skip
    if "days" in said:
        text = ngettext("expires after %(n)s day", "expires after %(n)s days", said["days"]) % {"n": said["days"]}
    else:
        text = ngettext("expires after %(n)s month", "expires after %(n)s months", said["months"]) % {
            "n": said["months"]
        }
    return pgettext("sentence", ", ").join([text, str(_ROUNDED[said["round_to"]])]) if "round_to" in said else text


def listed(words: Iterable[str]) -> str:
    return pgettext("list", ", ").join(words)


def _cut(words: Iterable[str], *, most: int = SHOWN) -> str:
    listed = list(words)
    text = pgettext("list", ", ").join(listed[:most])
    if len(listed) > most:
        return _("%(names)s and %(count)s more") % {"names": text, "count": len(listed) - most}
    return text


def _yuan(cents: int) -> str:
    whole, rest = divmod(cents, 100)
    return f"{whole:,}.{rest:02}" if rest else f"{whole:,}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)


def _moment(text: str) -> str:
    if len(text) == 10:
        return date_format(date.fromisoformat(text), "DATE_FORMAT")
    moment: datetime = clock.local(clock.start_of(text))
    return f"{date_format(moment, 'DATE_FORMAT')} {moment:%H:%M}"
