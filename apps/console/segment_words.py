"""A rule of a segment in words: one sentence, and the words of its parts for the editor."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.utils.translation import get_language, gettext_lazy, pgettext, pgettext_lazy
from django.utils.translation import gettext as _

from apps.activity import catalogue
from apps.care.models import Channel as MessageChannel
from apps.catalog.models import Category
from apps.community.models import Group
from apps.console import behaviour
from apps.core import money
from apps.points.models import Currency, Tier
from apps.segments import keys
from apps.segments.language.fields import CONSENT_LABELS, FIELDS
from apps.segments.models import Track, Trait
from apps.stores.models import Store
from apps.tickets.models import Ticket

OPS = {
    "in": gettext_lazy("is"),
    "gte": gettext_lazy("at least"),
    "lte": gettext_lazy("at most"),
    "between": gettext_lazy("from … to"),
    "within": gettext_lazy("lies in"),
    "known": gettext_lazy("is known"),
    "is": gettext_lazy("holds"),
    "any_of": gettext_lazy("one of"),
    "all_of": gettext_lazy("all of"),
    "none_of": gettext_lazy("none of"),
}
UNITS = {
    "cents": pgettext_lazy("unit", "yuan"),
    "days": pgettext_lazy("unit", "days"),
    "points": pgettext_lazy("unit", "points"),
    "orders": pgettext_lazy("unit", "orders"),
    "percent": pgettext_lazy("unit", "percent"),
    "times": pgettext_lazy("unit", "times"),
    "years": pgettext_lazy("unit", "years"),
    "coupons": pgettext_lazy("unit", "coupons"),
    "pieces": pgettext_lazy("unit", "pieces"),
    "hour": pgettext_lazy("unit", "o'clock"),
    "tickets": pgettext_lazy("unit", "tickets"),
    "groups": pgettext_lazy("unit", "groups"),
    "stars": pgettext_lazy("unit", "stars"),
    "share": pgettext_lazy("unit", "points of 100"),
}
WHERE = {
    "stores": gettext_lazy("in these stores"),
    "channels": gettext_lazy("by these channels"),
    "at_least_cents": gettext_lazy("each of at least (yuan)"),
    "products": gettext_lazy("these products"),
    "categories": gettext_lazy("these categories"),
    "brands": gettext_lazy("these brands"),
    "templates": gettext_lazy("of these coupons"),
    "message_channels": gettext_lazy("by these channels"),
    "ticket_kinds": gettext_lazy("of these kinds"),
    "groups": gettext_lazy("among these"),
}
SHOWN = 4


def coded() -> dict[str, dict[str, Any]]:
    """Parts of `where` that are chosen from a few codes, with their labels: people read and type the labels."""
    living = Group.objects.filter(dismissed_at=None).order_by("name", "pk")[:300]
    return {
        "message_channels": dict(MessageChannel.choices),
        "ticket_kinds": dict(Ticket.Kind.choices),
        "groups": {group.key: str(group) for group in living},
    }


class Names:
    """What codes are called, read once for a page."""

    def __init__(self) -> None:
        is_english = get_language() == "en"
        self.segments = dict(keys.choices())
        self.tiers = {tier.key: tier.name_en if is_english else tier.name for tier in Tier.objects.order_by("rank")}
        self.stores = dict(Store.objects.values_list("code", "name"))
        self.currencies = dict(Currency.objects.values_list("key", "name_en" if is_english else "name"))

        self.tracks = {one.key: one for one in Track.objects.all()}
        self.traits = {one.key: one for one in Trait.objects.filter(archived_at=None)}
        self.steps = {
            step["key"]: (is_english and step.get("name_en")) or step["name"]
            for track in self.tracks.values()
            for step in track.steps
        }

    def of(self, field: str, code: Any) -> str:
        if code == "":
            return _("not known")
        sets: dict[str, Any] = {
            "segment": self.segments, "tier": self.tiers, "home_store": self.stores, "top_store": self.stores, "stores": self.stores,
            "track_step": self.steps, **coded(),
        }  # fmt: skip
        known = sets.get(field) or (FIELDS[field].labels if field in FIELDS else None) or {}
        return str(known.get(code, code))

    def keys_of(self, field: str, attributes: dict[str, str]) -> list[tuple[str, str]]:
        """The kinds a keyed field comes in, with their words; "" where any word will do."""
        if field == "attribute":
            return list(attributes.items())
        if field == "consent":
            return [(key, f"{purpose} · {channel}") for key, (purpose, channel) in CONSENT_LABELS.items()]
        if field == "event_count":
            return [(kind.name, behaviour.title(kind.name)) for kind in catalogue.TYPES]
        if field in {"points", "points_expiring"}:
            return list(self.currencies.items())
        if field.startswith("track_"):
            return [
                (key, track.name_en if get_language() == "en" and track.name_en else track.name)
                for key, track in self.tracks.items()
            ]
        if field == "trait":
            return [(key, trait.name) for key, trait in self.traits.items()]
        if field in {"replenish_on", "category_drift"}:
            return [(name, name) for name in Category.objects.values_list("name", flat=True)[:300]]
        return [(str(key), str(label)) for key, label in (FIELDS[field].labels or {}).items()]


def sentence(rule: Any, names: Names, attributes: dict[str, str]) -> str:
    """The whole rule in the reader's language; "" for a rule that says nothing."""
    return _of(rule, names, attributes, outer="") if rule else ""


def leaf(rule: dict[str, Any], names: Names, attributes: dict[str, str]) -> str:
    field = FIELDS[rule["field"]]
    what = str(field.title)
    if "key" in rule:
        what = dict(names.keys_of(rule["field"], attributes)).get(rule["key"], str(rule["key"]))
        if rule["field"] not in {"attribute", "points", "trait"}:
            what = _("%(field)s “%(kind)s”") % {"field": field.title, "kind": what}
    if "within" in rule:
        what = _("%(what)s %(when)s") % {"when": window(rule["within"]), "what": what}
    narrowed = [
        f"{WHERE[name]} {_listed(names, name, value)}" for name, value in rule.get("where", {}).items() if name in WHERE
    ]
    if narrowed:
        what = _("%(what)s (%(where)s)") % {"what": what, "where": "; ".join(narrowed)}
    return _compared(rule, what, names)


def window(value: Any) -> str:
    """A stretch of time; what is not one yet stays as it is."""
    try:
        if "last_days" in value:
            hours = value.get("counted") == "hours"
            text = _("in the last %(days)s × 24 hours") if hours else _("in the last %(days)s days")
            return text % {"days": value["last_days"]}
        if "next_days" in value:
            return _("in the next %(days)s days") % {"days": value["next_days"]}
        if "days_ago" in value:
            near, far = value["days_ago"]
            return _("%(near)s to %(far)s days ago") % {"near": near, "far": far}
    except (TypeError, ValueError, AttributeError):
        return str(value)
    start, end = value.get("from"), value.get("to")
    if start and end:
        return _("from %(start)s to %(end)s") % {"start": start, "end": end}
    return _("from %(start)s on") % {"start": start} if start else _("until %(end)s") % {"end": end}


def number(value: Any, unit: str) -> str:
    if unit == "cents" and isinstance(value, int):
        return money.show(value)
    shown = f"{value:,}" if isinstance(value, int | float | Decimal) else str(value)
    return _("%(number)s %(unit)s") % {"number": shown, "unit": UNITS[unit]} if unit in UNITS else shown


def _of(rule: Any, names: Names, attributes: dict[str, str], *, outer: str) -> str:
    if "field" in rule:
        return leaf(rule, names, attributes)
    if "not" in rule:
        return _("not: %(rule)s") % {"rule": _of(rule["not"], names, attributes, outer="not")}
    word = "all" if "all" in rule else "any"
    parts = [_of(part, names, attributes, outer=word) for part in rule[word]]
    joined = (_(", and ") if word == "all" else _(", or ")).join(parts)
    return _("(%(rule)s)") % {"rule": joined} if outer and len(parts) > 1 and outer != word else joined


def _compared(rule: dict[str, Any], what: str, names: Names) -> str:
    op, value, unit = rule["op"], rule["value"], FIELDS[rule["field"]].unit
    if op in {"gte", "lte"}:
        if value == 0 and op == "lte":
            return _("no %(what)s") % {"what": what}
        text = _("%(what)s at least %(value)s") if op == "gte" else _("%(what)s at most %(value)s")
        return text % {"what": what, "value": number(value, unit)}
    if op == "between" and isinstance(value, list) and len(value) == 2:
        low, high = (number(one, unit) for one in value)
        return _("%(what)s %(low)s to %(high)s") % {"what": what, "low": low, "high": high}
    if op == "within":
        return pgettext("rule", "%(what)s %(when)s") % {"what": what, "when": window(value)}
    if op in {"known", "is"}:
        text = _("%(what)s: yes") if value else _("%(what)s: no")
        return text % {"what": what}
    texts = {
        "in": _("%(what)s is %(values)s"), "any_of": _("%(what)s is %(values)s"), "all_of": _("%(what)s has all of %(values)s"),
        "none_of": _("%(what)s is none of %(values)s"),
    }  # fmt: skip
    return texts.get(op, "%(what)s %(values)s") % {"what": what, "values": _listed(names, rule["field"], value)}


def _listed(names: Names, field: str, values: Any) -> str:
    if field == "at_least_cents":
        return number(values, "cents")
    listed: Iterable[Any] = values if isinstance(values, list) else [values]
    shown = [names.of(field, value) for value in listed]
    more = _(" and %(count)s more") % {"count": len(shown) - SHOWN} if len(shown) > SHOWN else ""
    return _(" or ").join(shown[:SHOWN]) + more
