"""Which units of a basket go into which bundles so that the most is saved. Pure, in whole numbers.

A unit is in one bundle at most, and pays nothing else then: what a group saves is what its units cost by themselves less the price of
the group. Bundles that share no product are packed one by one, each by a rule that is exact; where several want the same products all
choices are tried, up to `MOST_STEPS` of them. Beyond it the best of packing one bundle after another is taken, and the answer says that
it is not proven.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.catalog.pricing import Offer

MOST_STEPS = 3_000  # about 5 ms
MOST_UNITS = 1_000  # of a basket that are looked at for bundles
Counts = tuple[int, ...]


@dataclass(frozen=True)
class Kind:
    """Units of one SKU: list price, what one costs by itself (`own`), how many."""

    sku: str
    listed: int
    own: int
    count: int


@dataclass(frozen=True)
class Group:
    """One use of a bundle. `units`: SKU and what it costs by itself. `cents`: what all cost together."""

    offer: Offer
    units: tuple[tuple[str, int], ...]
    cents: int

    @property
    def saved(self) -> int:
        return sum(own for _sku, own in self.units) - self.cents


@dataclass(frozen=True)
class Packed:
    groups: tuple[Group, ...] = ()
    is_proven: bool = True


def pack(kinds: Sequence[Kind], offers: Sequence[Offer]) -> Packed:
    if not offers or not kinds:
        return Packed()
    total = 0
    used: list[Kind] = []
    for kind in kinds:
        count = min(kind.count, MOST_UNITS - total)
        total += count
        if count:
            used.append(Kind(kind.sku, kind.listed, kind.own, count))
    is_whole = sum(kind.count for kind in kinds) == total
    groups: list[Group] = []
    for mine, around in _apart(used, offers):
        if len(around) == 1 and _is_plain(mine, around[0]):
            groups += _alone(mine, around[0])
        else:
            found, is_proven = _together(mine, around)
            is_whole = is_whole and is_proven
            groups += found
    return Packed(tuple(groups), is_whole)


def _apart(kinds: Sequence[Kind], offers: Sequence[Offer]) -> Iterator[tuple[list[Kind], list[Offer]]]:
    """Parts that share no product; the dearest kinds first."""
    left = [(offer, set(offer.items) & {kind.sku for kind in kinds}) for offer in offers]
    left = [(offer, skus) for offer, skus in left if skus]
    while left:
        offer, skus = left.pop(0)
        around = [offer]
        while meeting := [one for one in left if one[1] & skus]:
            left = [one for one in left if not one[1] & skus]
            around += [one[0] for one in meeting]
            skus = skus.union(*(one[1] for one in meeting))
        yield sorted((kind for kind in kinds if kind.sku in skus), key=lambda kind: (-kind.own, kind.sku)), around


def _is_plain(kinds: Sequence[Kind], offer: Offer) -> bool:
    """Whether the rule of `_alone` is exact: the nth piece counts on list prices, so units with a lower own price need a search."""
    return offer.kind != "nth" or all(kind.own == kind.listed for kind in kinds)


def _alone(kinds: Sequence[Kind], offer: Offer) -> list[Group]:
    """A set as often as it can be; else the dearest units first, as long as a group saves something."""
    if offer.kind == "set":
        by_sku = {kind.sku: kind for kind in kinds}
        if set(by_sku) < set(offer.items):
            return []
        group = _group(offer, [by_sku[sku] for sku, count in offer.items.items() for _ in range(count)])
        times = min(by_sku[sku].count // count for sku, count in offer.items.items())
        return [group] * times if group.saved > 0 else []
    units = [kind for kind in kinds for _ in range(kind.count)]
    found = []
    for start in range(0, len(units) - offer.count + 1, offer.count):
        group = _group(offer, units[start : start + offer.count])
        if group.saved <= 0:
            break
        found.append(group)
    return found


def _group(offer: Offer, units: Sequence[Kind]) -> Group:
    cents = offer.cents
    if offer.kind == "nth":
        cheapest = min(unit.listed for unit in units)
        cents = sum(unit.listed for unit in units) - cheapest * (100 - offer.percent) // 100
    return Group(offer, tuple((unit.sku, unit.own) for unit in units), cents)


class _TooMany(Exception):
    pass


def _together(kinds: Sequence[Kind], offers: Sequence[Offer]) -> tuple[list[Group], bool]:
    try:
        return _Search(kinds, offers).best(), True
    except _TooMany:
        orders = permutations(offers) if len(offers) <= 3 else [tuple(offers)]
        return max((_in_turn(kinds, order) for order in orders), key=lambda found: sum(g.saved for g in found)), False


def _in_turn(kinds: Sequence[Kind], offers: Sequence[Offer]) -> list[Group]:
    counts = {kind.sku: kind.count for kind in kinds}
    found: list[Group] = []
    for offer in offers:
        mine = [Kind(k.sku, k.listed, k.own, counts[k.sku]) for k in kinds if k.sku in offer.items and counts[k.sku]]
        for group in _alone(mine, offer):
            found.append(group)
            for sku, _own in group.units:
                counts[sku] -= 1
    return found


class _Search:
    """All choices, each state of what is left looked at once. The first kind that is left is either in a group with later ones,
    or one of its units stays alone."""

    def __init__(self, kinds: Sequence[Kind], offers: Sequence[Offer]) -> None:
        self.kinds, self.offers = kinds, offers
        self.place = {kind.sku: place for place, kind in enumerate(kinds)}
        self.known: dict[Counts, tuple[int, Counts, Group | None]] = {}
        self.steps = 0

    def best(self) -> list[Group]:
        counts: Counts = tuple(kind.count for kind in self.kinds)
        if sum(counts) > 200:
            raise _TooMany
        self._value(counts)
        found: list[Group] = []
        while any(counts):
            _saved, counts, group = self.known[counts]
            if group is not None:
                found.append(group)
        return found

    def _value(self, counts: Counts) -> int:
        if not any(counts):
            return 0
        if counts in self.known:
            return self.known[counts][0]
        self.steps += 1
        first = next(place for place, count in enumerate(counts) if count)
        single = _less(counts, [first])
        best: tuple[int, Counts, Group | None] = (self._value(single), single, None)
        for offer in self.offers:
            for places in self._groups(offer, first, counts):
                self.steps += 1
                if self.steps > MOST_STEPS:
                    raise _TooMany
                group = _group(offer, [self.kinds[place] for place in places])
                if group.saved > 0:
                    rest = _less(counts, places)
                    value = group.saved + self._value(rest)
                    if value > best[0]:
                        best = (value, rest, group)
        self.known[counts] = best
        return best[0]

    def _groups(self, offer: Offer, first: int, counts: Counts) -> Iterator[list[int]]:
        if self.kinds[first].sku not in offer.items:
            return
        if offer.kind == "set":
            if all(sku in self.place and counts[self.place[sku]] >= count for sku, count in offer.items.items()):
                yield [self.place[sku] for sku, count in offer.items.items() for _ in range(count)]
            return
        fitting = [
            place for place in range(first, len(counts)) if counts[place] and self.kinds[place].sku in offer.items
        ]
        yield from _choices(fitting, list(counts), offer.count - 1, [first])


def _choices(fitting: list[int], counts: list[int], wanted: int, taken: list[int]) -> Iterator[list[int]]:
    """`wanted` more units of kinds not before the last one taken."""
    if not wanted:
        yield taken
        return
    for place in fitting:
        if place >= taken[-1] and taken.count(place) < counts[place]:
            yield from _choices(fitting, counts, wanted - 1, [*taken, place])


def _less(counts: Counts, places: Sequence[int]) -> Counts:
    left = list(counts)
    for place in places:
        left[place] -= 1
    return tuple(left)
