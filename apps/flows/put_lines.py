"""Each line of a quoted basket for people: by the list, before coupons and after them, by which rule, and what is near."""

from dataclasses import dataclass

from apps.catalog.pricing import Hint, LinePrice, Rule
from apps.coupons.quote import Quote
from apps.flows.shopper import Put


@dataclass(frozen=True)
class Told:
    """`list_cents` and `cents` before coupons, `saved_cents` by them. `rules` of the way that was taken."""

    number: int
    list_cents: int
    cents: int
    saved_cents: int
    rules: tuple[Rule, ...]
    hints: tuple[Hint, ...]


def of(found: Quote, put: Put) -> list[Told]:
    off: dict[int, int] = {}
    for offer in found.best:
        for number, cents in offer.best.lines.items() if offer.best else ():
            off[number] = off.get(number, 0) + cents
    told = []
    for place, line in enumerate(found.lines):
        price = _taken([way[place] for way in put.priced.ways], line.cents)
        hints = put.priced.hints.get(line.number, ()) if price is put.priced.ways[0][place] else ()
        told.append(Told(line.number, price.list_cents, line.cents, off.get(line.number, 0), price.rules, hints))
    return told


def _taken(prices: list[LinePrice], cents: int) -> LinePrice:
    """The first way in which the line costs that."""
    return next(price for price in prices if price.cents == cents)
