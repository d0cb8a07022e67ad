"""What a basket costs before coupons. Pure: no database, no clock.

A unit has one price: the list price, the lowest special price that counts here and now, or its part of a bundle. A line whose price
the caller says keeps that price. The answer is in up to three ways, the cheapest first: with bundles, with each unit's own lowest
price, and at list prices; coupons choose between them (`coupons.quote`), because some do not go with special prices. Money in 分.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from apps.catalog import bundling
from apps.catalog.models import EVERYONE, MEMBERS
from apps.core import clock, money

DAY = 24 * 60
WEEK = 7 * DAY
SOON = timedelta(hours=24)  # from here on a line says when its price ends


@dataclass(frozen=True)
class Buyer:
    """`tier`: its key, "" for who is no member. `store`: a code, "" online."""

    at: datetime
    is_member: bool = False
    tier: str = ""
    store: str = ""
    channel: str = ""


@dataclass(frozen=True)
class When:
    """For whom, where and when; as `catalog.models.Dated`."""

    audience: str
    store: str
    channel: str
    starts_at: datetime
    ends_at: datetime | None
    week: tuple[tuple[int, int], ...]

    def counts(self, buyer: Buyer) -> bool:
        is_theirs = self.audience == EVERYONE or (
            buyer.is_member and (self.audience == MEMBERS or self.audience == buyer.tier)
        )
        return (
            is_theirs
            and self.store in {"", buyer.store}
            and self.channel in {"", buyer.channel}
            and self.is_on(buyer.at)
        )

    def is_on(self, at: datetime) -> bool:
        now = minute_of_week(at)
        is_open = self.starts_at <= at and (self.ends_at is None or at < self.ends_at)
        return is_open and any(start <= now < until for start, until in self.week)

    def until(self, at: datetime) -> datetime | None:
        """Before when it counts without a break, of one that counts at `at`; None: no end."""
        now = minute_of_week(at)
        last = next((until for start, until in self.week if start <= now < until), WEEK)
        if last == WEEK and self.week[0][0] == 0:  # goes on after Sunday
            last = WEEK + self.week[0][1]
        if last - now >= WEEK or self.week == ((0, WEEK),):
            return self.ends_at
        begun = clock.local(at).replace(second=0, microsecond=0)
        closes = begun + timedelta(minutes=last - now)
        return closes if self.ends_at is None else min(closes, self.ends_at)


@dataclass(frozen=True)
class Special:
    id: int
    cents: int
    when: When
    label: str = ""


@dataclass(frozen=True)
class Offer:
    """A bundle. `items`: how many of each SKU a set asks for; of other kinds 1 each."""

    id: int
    kind: str
    name: str
    items: Mapping[str, int]
    when: When
    count: int = 0
    cents: int = 0
    percent: int = 0


@dataclass(frozen=True)
class Sheet:
    """What the catalogue says of some products. Special prices and bundles may count for others than who asks."""

    lists: Mapping[str, int] = field(default_factory=dict)
    specials: Mapping[str, Sequence[Special]] = field(default_factory=dict)
    bundles: Sequence[Offer] = ()


@dataclass(frozen=True)
class Wanted:
    """A line as it is asked for. `unit_cents` None: the catalogue says what it costs."""

    number: int
    sku: str = ""
    quantity: int = 1
    unit_cents: int | None = None
    is_special: bool = False  # of a price that the caller says: it is lower than the list price


@dataclass(frozen=True)
class Rule:
    """Why a line costs what it costs. `kind`: given, list, member, tier, timed or bundle. `until`: before when, None without end."""

    kind: str
    id: int | None = None
    name: str = ""
    until: datetime | None = None


@dataclass(frozen=True)
class LinePrice:
    """`units`: prices of its units, the dearest first. `list_unit`: of a unit by the list; None where the caller said the price.
    `is_special`: at least one unit has another than the list price. `is_bundled`: at least one is part of a bundle."""

    number: int
    units: tuple[int, ...]
    rules: tuple[Rule, ...]
    list_unit: int | None = None
    is_special: bool = False
    is_bundled: bool = False

    @property
    def cents(self) -> int:
        return sum(self.units)

    @property
    def list_cents(self) -> int:
        return self.cents if self.list_unit is None else self.list_unit * len(self.units)


@dataclass(frozen=True)
class Hint:
    """What the shopper may want to know of a line. `code`: price_ends, bundle_more; `facts` for its text."""

    code: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Priced:
    """`ways`: each has all lines, by number in the order asked for. `missing`: SKUs the catalogue has no price of. `is_proven` False:
    there were too many bundles to try all, a better choice of them may exist."""

    ways: tuple[tuple[LinePrice, ...], ...]
    missing: tuple[str, ...] = ()
    is_proven: bool = True
    hints: Mapping[int, tuple[Hint, ...]] = field(default_factory=dict)


def minute_of_week(at: datetime) -> int:
    local = clock.local(at)
    return (local.isoweekday() - 1) * DAY + local.hour * 60 + local.minute


def week_of(weekdays: Iterable[int], hours: Iterable[Sequence[int]]) -> tuple[tuple[int, int], ...]:
    """Pairs of minutes of the week, joined and in order. `hours`: minutes of the day from, until; past midnight where until is not
    later. A window past midnight belongs to the day on which it began. Nothing said: the whole week."""
    found: list[tuple[int, int]] = []
    for day in sorted(set(weekdays)) or range(1, 8):
        for start, until in hours or ((0, DAY),):
            begins = (day - 1) * DAY + start
            ends = begins + (until - start if until > start else until - start + DAY)
            found += [(begins, min(ends, WEEK))] + ([(0, ends - WEEK)] if ends > WEEK else [])
    joined: list[tuple[int, int]] = []
    for begins, ends in sorted(found):
        if joined and begins <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(ends, joined[-1][1]))
        else:
            joined.append((begins, ends))
    return tuple(joined)


def price(wanted: Sequence[Wanted], sheet: Sheet, buyer: Buyer) -> Priced:
    """Lines with a SKU that the catalogue has no price of, and none said, are `missing`, and then there are no ways."""
    missing = tuple(dict.fromkeys(one.sku for one in wanted if one.unit_cents is None and one.sku not in sheet.lists))
    if missing:
        return Priced((), missing)
    lows = {one.sku: lowest(one.sku, sheet, buyer) for one in wanted if one.unit_cents is None}
    own = tuple(_own(one, sheet, lows) for one in wanted)
    offers = [offer for offer in sheet.bundles if offer.when.counts(buyer)]
    packed = bundling.pack(_kinds(wanted, sheet, lows), offers)
    ways = []
    if packed.groups:
        ways.append(_bundled(own, wanted, packed, buyer))
    ways.append(own)
    if any(line.is_special and line.list_unit is not None for line in own):
        ways.append(tuple(_at_list(line) for line in own))
    hints = _hints(ways[0], offers, wanted, packed, buyer)
    return Priced(tuple(ways), is_proven=packed.is_proven, hints=hints)


def lowest(sku: str, sheet: Sheet, buyer: Buyer) -> tuple[int, Rule]:
    """What a unit costs by itself. A special price that is not below the list price does not count."""
    listed = sheet.lists[sku]
    found = [one for one in sheet.specials.get(sku, ()) if one.cents < listed and one.when.counts(buyer)]
    if not found:
        return listed, Rule("list")
    best = min(found, key=lambda one: (one.cents, one.when.audience == EVERYONE, one.id))
    kinds = {EVERYONE: "timed", MEMBERS: "member"}
    kind = kinds.get(best.when.audience, "tier")
    return best.cents, Rule(kind, best.id, best.label, best.when.until(buyer.at))


def _own(one: Wanted, sheet: Sheet, lows: Mapping[str, tuple[int, Rule]]) -> LinePrice:
    if one.unit_cents is not None:
        return LinePrice(one.number, (one.unit_cents,) * one.quantity, (Rule("given"),), None, one.is_special)
    cents, rule = lows[one.sku]
    return LinePrice(one.number, (cents,) * one.quantity, (rule,), sheet.lists[one.sku], rule.kind != "list")


def _at_list(line: LinePrice) -> LinePrice:
    if line.list_unit is None or not line.is_special:
        return line
    return LinePrice(line.number, (line.list_unit,) * len(line.units), (Rule("list"),), line.list_unit)


def _kinds(wanted: Sequence[Wanted], sheet: Sheet, lows: Mapping[str, tuple[int, Rule]]) -> list[bundling.Kind]:
    counts: dict[str, int] = {}
    for one in wanted:
        if one.unit_cents is None:
            counts[one.sku] = counts.get(one.sku, 0) + one.quantity
    return [bundling.Kind(sku, sheet.lists[sku], lows[sku][0], count) for sku, count in counts.items()]


def _bundled(
    own: Sequence[LinePrice], wanted: Sequence[Wanted], packed: bundling.Packed, buyer: Buyer
) -> tuple[LinePrice, ...]:
    """Each group's price is split over its units in proportion to what they cost by themselves, to the last 分; of a SKU on several
    lines the first are served first, with the dearest parts."""
    parts: dict[str, list[tuple[int, Offer]]] = {}
    for group in packed.groups:
        for (sku, _own_cents), cents in zip(
            group.units, money.split(group.cents, [cents for _sku, cents in group.units]), strict=True
        ):
            parts.setdefault(sku, []).append((cents, group.offer))
    for found in parts.values():
        found.sort(key=lambda one: (one[0], -one[1].id))
    made = []
    for line, one in zip(own, wanted, strict=True):
        mine = parts.get(one.sku, []) if one.unit_cents is None else []
        taken = [mine.pop() for _ in range(min(len(mine), one.quantity))]
        made.append(_with(line, taken, buyer) if taken else line)
    return tuple(made)


def _with(line: LinePrice, taken: list[tuple[int, Offer]], buyer: Buyer) -> LinePrice:
    alone = line.units[: len(line.units) - len(taken)]
    units = tuple(sorted([*(cents for cents, _offer in taken), *alone], reverse=True))
    offers = {offer.id: offer for _cents, offer in taken}
    rules = tuple(Rule("bundle", offer.id, offer.name, offer.when.until(buyer.at)) for offer in offers.values())
    return LinePrice(
        line.number, units, rules + (line.rules if alone else ()), line.list_unit, is_special=True, is_bundled=True
    )


def _hints(
    best: Sequence[LinePrice], offers: Sequence[Offer], wanted: Sequence[Wanted], packed: bundling.Packed, buyer: Buyer
) -> dict[int, tuple[Hint, ...]]:
    found: dict[int, list[Hint]] = {}
    for line in best:
        ends = [rule.until for rule in line.rules if rule.until is not None and rule.until - buyer.at <= SOON]
        if ends:
            minutes = int((min(ends) - buyer.at).total_seconds() // 60)
            found.setdefault(line.number, []).append(
                Hint("price_ends", {"hours": minutes // 60, "minutes": minutes % 60})
            )
    for offer, missing in _nearly(offers, wanted, packed):
        number = next(one.number for one in wanted if one.unit_cents is None and one.sku in offer.items)
        facts = {"missing": sum(missing.values()), "name": offer.name}
        skus = sorted(missing) if offer.kind == "set" else sorted(offer.items)
        found.setdefault(number, []).append(Hint("bundle_more", facts | {"skus": skus}))
    return {number: tuple(hints) for number, hints in found.items()}


def _nearly(
    offers: Sequence[Offer], wanted: Sequence[Wanted], packed: bundling.Packed
) -> list[tuple[Offer, dict[str, int]]]:
    """Bundles of which the units that are in no bundle make up a part, and what is missing."""
    free: dict[str, int] = {}
    for one in wanted:
        if one.unit_cents is None:
            free[one.sku] = free.get(one.sku, 0) + one.quantity
    for group in packed.groups:
        for sku, units in groupby(sorted(sku for sku, _cents in group.units)):
            free[sku] -= len(list(units))
    found = []
    for offer in offers:
        have = {
            sku: min(free.get(sku, 0), count if offer.kind == "set" else offer.count)
            for sku, count in offer.items.items()
        }
        if offer.kind == "set":
            missing = {sku: count - have[sku] for sku, count in offer.items.items() if count > have[sku]}
        else:
            missing = {"": offer.count - sum(have.values())}
        if any(have.values()) and sum(missing.values()) > 0:
            found.append((offer, missing))
    return found
