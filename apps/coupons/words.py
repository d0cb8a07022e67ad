"""A coupon in words, the same at every door: what it is worth, when it counts, its rules and its days. In the reader's language.

Reads no tables except `names`. `Terms` as `terms.parse` made them; days come from `terms["valid"]` or from the coupon itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import get_language, ngettext, pgettext, pgettext_lazy
from django.utils.translation import gettext as _

from apps.catalog.models import Product
from apps.core import clock
from apps.coupons import terms as grammar
from apps.coupons.terms import Terms
from apps.stores.models import Store

SOON = timedelta(days=3)  # from here on the time left is counted in hours
SHOWN = 3  # of a long list of names
TWO_LINES = 76  # halves of a Chinese letter that two lines of a card hold on a phone 390 px wide
WEEKDAYS = (
    pgettext_lazy("coupon day", "Mon"),
    pgettext_lazy("coupon day", "Tue"),
    pgettext_lazy("coupon day", "Wed"),
    pgettext_lazy("coupon day", "Thu"),
    pgettext_lazy("coupon day", "Fri"),
    pgettext_lazy("coupon day", "Sat"),
    pgettext_lazy("coupon day", "Sun"),
)
CHANNELS: dict[str, str | Promise] = {  # of orders
    "store": pgettext_lazy("coupon", "the till"),
    "online": pgettext_lazy("coupon", "the online shop"),
    "mini-program": pgettext_lazy("coupon", "the mini-program"),
}
WITHOUT: dict[str, str | Promise] = {
    "item": pgettext_lazy("coupon", "coupons for one thing"),
    "order": pgettext_lazy("coupon", "coupons for the whole order"),
    "shipping": pgettext_lazy("coupon", "free shipping"),
    "points": pgettext_lazy("coupon", "points"),
}


@dataclass(frozen=True)
class Value:
    """What stands large on the card: “¥” “80” “”, “” “9” “折”, “” “10%” “ off”. The outer two are set smaller."""

    before: str
    figure: str
    after: str = ""

    def __str__(self) -> str:
        return f"{self.before}{self.figure}{self.after}"


@dataclass(frozen=True)
class Names:
    """What keys are called in the reader's language, read once for a page; a key that is missing shows as it is."""

    products: Mapping[str, str] = field(default_factory=dict)
    stores: Mapping[str, str] = field(default_factory=dict)
    tiers: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)  # of segments and groups: for staff only


@dataclass(frozen=True)
class Part:
    """One thing that the terms say. `name`: its field in the grammar. `text` is a sentence without its full stop."""

    name: str
    label: str
    text: str


@dataclass(frozen=True)
class Left:
    """How long a coupon counts yet. `is_soon`: less than three days; `is_started` false: `text` says from when on."""

    text: str
    is_soon: bool = False
    is_started: bool = True


@dataclass(frozen=True)
class Card:
    """`rules`: all of them, a sentence each. `short`: those that two lines hold; `has_more`: not all of them fit."""

    value: Value
    condition: str
    rules: tuple[str, ...]
    short: str
    has_more: bool
    validity: str


def names(
    many: Iterable[Terms], *, tiers: Mapping[str, str] | None = None, groups: Mapping[str, str] | None = None
) -> Names:
    """Products and stores that these terms mention, in two queries; tiers and groups come from higher floors."""
    many = list(many)
    skus = {sku for one in many for sku in one.only.products | one.never.products}
    codes = {code for one in many for code in one.stores}
    return Names(
        products=dict(Product.objects.filter(sku__in=skus).values_list("sku", "name")) if skus else {},
        stores=dict(Store.objects.filter(code__in=codes).values_list("code", "name")) if codes else {},
        tiers=tiers or {},
        groups=groups or {},
    )


def card(said: dict[str, Any], known: Names) -> Card:
    """Of terms that `terms.checked` has passed, as a member reads them."""
    terms = grammar.parse(said)
    told = rules(terms, known)
    short, has_more = shortened(told)
    return Card(value(terms), condition(terms), told, short, has_more, validity(said["valid"]))


def value(terms: Terms) -> Value:
    gives = terms.gives
    kind = gives["kind"]
    if kind == "percent":
        return _percent(gives["off"])
    if kind in {"amount", "fixed_price"}:
        return Value("¥", yuan(gives["cents"]))
    if kind == "steps":
        return Value(pgettext("coupon value", "to ¥"), yuan(gives["steps"][-1]["off_cents"]))
    if kind == "shipping":
        if "at_most_cents" in gives:
            return Value("¥", yuan(gives["at_most_cents"]))
        return Value("", pgettext("coupon value", "Shipping"))
    return Value("", pgettext("coupon value", "Free") if kind == "free_item" else pgettext("coupon value", "Gift"))


def condition(terms: Terms) -> str:
    """The line under the value: “满400可用”."""
    kind = terms.gives["kind"]
    if kind == "exchange":
        return _("with this coupon")
    if kind == "steps":
        return _("from ¥%(yuan)s on, in steps") % {"yuan": yuan(terms.gives["steps"][0]["from_cents"])}
    if terms.minimum_cents:
        return pgettext("coupon", "from ¥%(yuan)s on") % {"yuan": yuan(terms.minimum_cents)}
    if terms.minimum_quantity > 1:
        return _("from %(count)s pieces on") % {"count": terms.minimum_quantity}
    if kind == "fixed_price":
        return _("fixed price")
    return _("any amount")


def rules(terms: Terms, known: Names) -> tuple[str, ...]:
    """What a member has to know beside value and condition, most important first."""
    texts = (part.text[:1].upper() + part.text[1:] for part in _for_members(terms, known))
    return tuple(_("%(sentence)s.") % {"sentence": text} for text in texts)


def shortened(told: Iterable[str]) -> tuple[str, bool]:
    """As many whole sentences as two lines hold (the first always), and whether some are missing."""
    gap = " " if get_language() == "en" else ""
    text, has_more = "", False
    for sentence in told:
        longer = f"{text}{gap}{sentence}" if text else sentence
        if text and _width(longer) > TWO_LINES:
            has_more = True
        else:
            text = longer
    return text, has_more


def validity(valid: dict[str, Any]) -> str:
    """Of a template: “领取后30天内有效”."""
    if valid["kind"] == "between":
        ends = clock.end_of(valid["to"]) - timedelta(microseconds=1)
        return _("%(from)s to %(to)s") % {"from": _day(clock.start_of(valid["from"])), "to": _day(ends)}
    days, after = valid["days"], valid.get("starts_after", 0)
    if after:
        text = ngettext(
            "%(days)s day, from day %(after)s after the claim on",
            "%(days)s days, from day %(after)s after the claim on",
            days,
        )
        return text % {"days": days, "after": after}
    if days == 1:
        return _("on the day of the claim")
    return _("%(days)s days from the claim on") % {"days": days}


def left(*, starts_at: datetime, ends_at: datetime, moment: datetime) -> Left:
    """Of a coupon that has not ended: “还剩1天13小时”, “还有28天”, “2027年1月31日前”, “12月1日起可用”."""
    if moment < starts_at:
        return Left(_("from %(day)s on") % {"day": _day(starts_at, moment)}, is_started=False)
    rest = ends_at - moment
    if rest < SOON:
        hours = int(rest.total_seconds() // 3600)
        facts = {"days": hours // 24, "hours": hours % 24, "minutes": int(rest.total_seconds() // 60) % 60}
        if hours >= 24:
            return Left(_("%(days)s d %(hours)s h left") % facts, is_soon=True)
        return Left(_("%(hours)s h %(minutes)s min left") % facts, is_soon=True)
    if rest < timedelta(days=32):
        return Left(_("%(days)s days left") % {"days": rest.days})
    return Left(pgettext("coupon", "until %(day)s") % {"day": _day(ends_at - timedelta(microseconds=1), moment)})


def parts(said: dict[str, Any], known: Names) -> list[Part]:
    """Everything that checked terms say, for staff: with what the coupon gives, its minimum, its days and who bears it."""
    terms = grammar.parse(said)
    given = Part("gives", pgettext("coupon", "Gives"), _given(terms))
    found = [given, *(part for part in _conditions(terms, known) if part.text)]
    found.append(Part("valid", pgettext("coupon", "Valid"), validity(said["valid"])))
    if terms.store_share:
        text = _("the store bears %(share)s%% of the cost") % {"share": terms.store_share}
        found.append(Part("store_share", pgettext("coupon", "Borne by"), text))
    return found


def differences(before: dict[str, Any], after: dict[str, Any], known: Names) -> list[tuple[str, str, str]]:
    """Label, before and after of what two versions say differently; "" where one says nothing of it."""
    old, new = ({part.label: part.text for part in parts(said, known)} for said in (before, after))
    labels = [*old, *(label for label in new if label not in old)]
    return [(label, old.get(label, ""), new.get(label, "")) for label in labels if old.get(label) != new.get(label)]


def yuan(cents: int) -> str:
    """`1,234` or `9.90`, without the sign."""
    whole, rest = divmod(cents, 100)
    return f"{whole:,}.{rest:02}" if rest else f"{whole:,}"


def _percent(off: int) -> Value:
    if get_language() == "en":
        return Value("", f"{off}%", f" {pgettext('coupon value', 'off')}")
    if off == 100:
        return Value("", pgettext("coupon value", "Free"))
    return Value("", f"{(100 - off) / 10:g}", pgettext("coupon value", "off"))


def _own(text: str, english: str) -> str:
    """The brand's own words, as far as it has them in the reader's language."""
    return english if english and get_language() == "en" else text


def _given(terms: Terms) -> str:
    kind = terms.gives["kind"]
    if kind == "exchange":
        what = _own(terms.gives["what"], terms.gives.get("what_en", ""))
        return _("%(what)s for the coupon") % {"what": what}
    if kind == "steps":
        return _steps(terms.gives["steps"])
    if kind == "fixed_price":
        return _("one costs ¥%(yuan)s") % {"yuan": yuan(terms.gives["cents"])}
    if kind == "free_item":
        return _("one costs nothing")
    if kind == "shipping":
        return _("free shipping")
    if kind == "percent":
        return str(_percent(terms.gives["off"]))
    return _("¥%(yuan)s off") % {"yuan": yuan(terms.gives["cents"])}


def _steps(steps: list[dict[str, int]]) -> str:
    told = (
        _("¥%(off)s off from ¥%(from)s") % {"from": yuan(step["from_cents"]), "off": yuan(step["off_cents"])}
        for step in steps
    )
    return _cut(told, most=10)


def _for_members(terms: Terms, known: Names) -> Iterator[Part]:
    """Without what value and condition say, without who is in which group, with what holds where nothing is said."""
    gives = terms.gives["kind"]
    if gives in {"exchange", "steps", "fixed_price", "free_item", "shipping"}:
        yield Part("gives", "", _given(terms))
    if not terms.only and terms.level in {"item", "order"}:
        text = _("All goods but %(names)s") % {"names": _goods(terms.never, known)} if terms.never else _("All goods")
        yield Part("only", "", text)
    for part in _conditions(terms, known):
        if part.name == "never" and not terms.only:
            continue
        if part.name == "segments":
            yield Part("segments", "", _("For invited members"))
        elif part.name == "groups":
            yield Part("groups", "", _("For group members only"))
        elif part.text and part.name != "minimum_cents" and not (part.name == "minimum_quantity" and _is_told(terms)):
            yield part
    if not terms.stores and not terms.channels and gives != "shipping":
        yield Part("stores", "", _("In every store and online"))


def _is_told(terms: Terms) -> bool:
    """Whether the line under the value says the number of pieces."""
    return not terms.minimum_cents and terms.gives["kind"] not in {"exchange", "steps"}


def _conditions(terms: Terms, known: Names) -> Iterator[Part]:
    """Each with its label; a text may be empty."""
    if "at_most_cents" in terms.gives:
        text = _("At most ¥%(yuan)s off") % {"yuan": yuan(terms.gives["at_most_cents"])}
        yield Part("at_most", pgettext("coupon", "At most"), text)
    if terms.minimum_cents:
        text = pgettext("coupon", "from ¥%(yuan)s on") % {"yuan": yuan(terms.minimum_cents)}
        yield Part("minimum_cents", pgettext("coupon", "Minimum"), text)
    if terms.minimum_quantity > 1:
        text = _("from %(count)s pieces on") % {"count": terms.minimum_quantity}
        yield Part("minimum_quantity", pgettext("coupon", "Pieces"), text)
    yield from _of_goods(terms, known)
    yield from _of_people(terms, known)
    yield from _of_place_and_time(terms, known)
    if terms.without:
        told = _cut([str(WITHOUT[one]) for one in sorted(terms.without, key=list(WITHOUT).index)], most=4)
        yield Part("without", pgettext("coupon", "Not with"), _("Not together with %(names)s") % {"names": told})
    yield Part("text", pgettext("coupon", "Own words"), _own(terms.text, terms.text_en).strip().rstrip("。."))


def _of_goods(terms: Terms, known: Names) -> Iterator[Part]:
    if terms.only:
        text = _("For %(names)s") % {"names": _goods(terms.only, known)}
        yield Part("only", pgettext("coupon", "Goods"), text)
    if terms.never:
        text = _("Not for %(names)s") % {"names": _goods(terms.never, known)}
        yield Part("never", pgettext("coupon", "Never for"), text)
    if terms.units:
        text = ngettext("At most %(count)s piece of a kind", "At most %(count)s pieces of a kind", terms.units)
        yield Part("units", pgettext("coupon", "Units"), text % {"count": terms.units})


def _of_people(terms: Terms, known: Names) -> Iterator[Part]:
    if terms.tiers:
        told = _cut([known.tiers.get(key, key) for key in known.tiers if key in terms.tiers] or sorted(terms.tiers))
        yield Part("tiers", pgettext("coupon", "Tiers"), _("For %(names)s members") % {"names": told})
    if terms.segments:
        told = _cut(known.groups.get(key, key) for key in sorted(terms.segments))
        yield Part("segments", pgettext("coupon", "Members"), _("For members in %(names)s") % {"names": told})
    if terms.groups:
        told = _cut(known.groups.get(key, key) for key in sorted(terms.groups))
        yield Part(
            "groups", pgettext("coupon", "Groups"), _("For members of the groups %(names)s only") % {"names": told}
        )
    if terms.list_price_only:
        yield Part("list_price_only", pgettext("coupon", "Prices"), _("Not on member, limited-time or bundle prices"))
    if terms.first_order:
        yield Part("first_order", pgettext("coupon", "First order"), _("For the first order only"))


def _of_place_and_time(terms: Terms, known: Names) -> Iterator[Part]:
    if terms.stores:
        told = _cut(known.stores.get(code, code) for code in sorted(terms.stores))
        yield Part("stores", pgettext("coupon", "Stores"), _("Only at %(names)s") % {"names": told})
    if terms.channels:
        told = _cut(dict.fromkeys(str(CHANNELS.get(one, one)) for one in sorted(terms.channels)))
        yield Part("channels", pgettext("coupon", "Channels"), _("Only at %(names)s") % {"names": told})
    if terms.weekdays or terms.hours:
        yield Part("hours", pgettext("coupon", "Days and hours"), _("Only %(when)s") % {"when": _when(terms)})


def _when(terms: Terms) -> str:
    days, hours = _days(terms.weekdays), _cut((_span(*span) for span in terms.hours), most=5)
    return _("%(days)s %(hours)s") % {"days": days, "hours": hours} if days and hours else days or hours


def _days(weekdays: frozenset[int]) -> str:
    """“周一至周五”, “周六、周日”."""
    days = sorted(weekdays)
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return _("%(first)s–%(last)s") % {"first": WEEKDAYS[days[0] - 1], "last": WEEKDAYS[days[-1] - 1]}
    return _cut((str(WEEKDAYS[day - 1]) for day in days), most=7)


def _span(start: int, until: int) -> str:
    return f"{start // 60:02}:{start % 60:02}–{until // 60:02}:{until % 60:02}"


def _goods(goods: grammar.Goods, known: Names) -> str:
    skus = [known.products.get(sku, sku) for sku in sorted(goods.products)]
    return _cut([*sorted(goods.categories), *sorted(goods.brands), *skus])


def _cut(told: Iterable[str], *, most: int = SHOWN) -> str:
    listed = list(told)
    text = pgettext("list", ", ").join(listed[:most])
    if len(listed) > most:
        return _("%(names)s and %(count)s more") % {"names": text, "count": len(listed) - most}
    return text


def _width(text: str) -> int:
    return sum(1 if letter.isascii() else 2 for letter in text)


def _day(moment: datetime, today: datetime | None = None) -> str:
    day: date = clock.local_date(moment)
    is_this_year = today is not None and day.year == clock.local_date(today).year
    return date_format(day, "MONTH_DAY_FORMAT" if is_this_year else "DATE_FORMAT")
