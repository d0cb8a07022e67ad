"""Made-up wallets and baskets, and the search through all combinations that a quote is held against."""

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from apps.catalog import pricing
from apps.catalog.models import whole_week
from apps.catalog.pricing import Buyer, Offer, Sheet, Special, Wanted, When
from apps.core import clock
from apps.coupons import terms as grammar
from apps.coupons.basket import Basket, Held, Line, Shopper
from apps.coupons.judging import Fit, judge
from apps.flows import shopper
from apps.flows.shopper import Asked
from tests.coupons import making

AT = datetime(2026, 11, 27, 15, 0, tzinfo=clock.SHOP_ZONE)  # a Friday
SHOPPER = Shopper(member_id=1)
SKUS = ("A", "B", "C")


def held(
    number: int, gives: dict[str, Any] | None = None, *, ends_in: int = 10, state: str = "ready", **said: Any
) -> Held:
    terms = grammar.parse(grammar.checked(making.terms(gives, **said)))
    ends_at = AT + timedelta(days=ends_in)
    return Held(number, number, f"券{number}", terms, state, AT - timedelta(days=1), ends_at)


def basket(*lines: Line, **facts: Any) -> Basket:
    return Basket(lines=lines, **({"at": AT} | facts))


def line(number: int, cents: int, quantity: int = 1, sku: str = "A", **facts: Any) -> Line:
    return Line(number, cents, quantity, sku, **facts)


def knapsack(chance: random.Random, size: int) -> tuple[list[Held], Basket]:
    """As hard as a basket can be built: each coupon saves more on a line inside the order coupon, less on one outside."""
    lines, wallet = [], []
    for n in range(1, size + 1):
        dear = chance.randint(1_000, 9_000)
        lines += [line(n, dear, sku=f"I{n}"), line(100 + n, chance.randint(1, dear), sku=f"O{n}")]
        wallet.append(held(n, {"kind": "free_item"}, level="item", only={"products": [f"I{n}", f"O{n}"]}))
    inside = [one for one in lines if one.sku.startswith("I")]
    cents = int(sum(one.cents for one in inside) * chance.uniform(0.3, 0.7))
    order = held(99, {"kind": "amount", "cents": cents}, only={"products": [one.sku for one in inside]})
    return [*wallet, order], basket(*lines)


ALWAYS = When("", "", "", AT - timedelta(days=1), None, whole_week())


def priced(chance: random.Random, *, coupons: int = 5, lines: int = 3, most: int = 40) -> tuple[list[Held], Basket]:
    """As `invented`, at prices of a catalogue: list prices, special prices, bundles that want the same goods, a till's own."""
    lists = {sku: chance.randint(1, most) for sku in SKUS}
    specials = {
        sku: [Special(n, chance.randint(0, cents), ALWAYS) for n in range(chance.randint(0, 2))]
        for sku, cents in lists.items()
    }
    sheet = Sheet(lists, specials, [_bundle(chance, number, most) for number in range(1, chance.randint(0, 2) + 1)])
    wanted = [
        Wanted(
            number,
            chance.choice(SKUS),
            chance.choice([1, 1, 2, 3]),
            chance.choice([None] * 6 + [7]),
            chance.random() < 0.5,
        )
        for number in range(1, chance.randint(1, lines) + 1)
    ]
    found = pricing.price(wanted, sheet, Buyer(AT))
    ways = [
        tuple(shopper.line_of(one, Asked(None, w.quantity, w.sku), None) for one, w in zip(way, wanted, strict=True))
        for way in found.ways
    ]
    wallet = [_invented(chance, number, most, is_priced=True) for number in range(1, chance.randint(1, coupons) + 1)]
    return wallet, basket(*ways[0], ways=tuple(ways[1:]), shipping_cents=chance.choice([0, 8]))


def _bundle(chance: random.Random, number: int, most: int) -> Offer:
    kind = chance.choice(["for", "set", "nth"])
    skus = chance.sample(SKUS, chance.randint(1, 3))
    cents = chance.randint(0, 2 * most)
    if kind == "set":
        return Offer(number, kind, "", {sku: chance.randint(1, 2) for sku in skus}, ALWAYS, cents=cents)
    percent = chance.choice([0, 50, 80])
    return Offer(
        number, kind, "", dict.fromkeys(skus, 1), ALWAYS, count=chance.randint(2, 3), cents=cents, percent=percent
    )


def invented(chance: random.Random, *, coupons: int = 6, lines: int = 4, most: int = 40) -> tuple[list[Held], Basket]:
    """Few 分, many ties, and order coupons that are worth more than the lines leave."""
    bought = [
        line(number, chance.randint(1, most), chance.choice([1, 1, 2, 3]), chance.choice(SKUS))
        for number in range(1, chance.randint(1, lines) + 1)
    ]
    wallet = [_invented(chance, number, most) for number in range(1, chance.randint(1, coupons) + 1)]
    return wallet, basket(*bought, shipping_cents=chance.choice([0, 0, 8]))


STEPS = [(1, 0.5), (2, 2)]  # from so many times the dearest line, off so many times


def _invented(chance: random.Random, number: int, most: int, *, is_priced: bool = False) -> Held:
    level = chance.choices(["item", "order", "shipping", "gift"], [5, 3, 1, 0.3])[0]
    gives: dict[str, Any]
    if level == "item":
        gives = chance.choice(
            [
                {"kind": "amount", "cents": chance.randint(1, most)},
                {"kind": "percent", "off": chance.choice([10, 50, 100])},
                {"kind": "fixed_price", "cents": chance.randint(0, most)},
                {"kind": "free_item"},
            ]
        )
    elif level == "order":
        gives = chance.choice(
            [
                {"kind": "amount", "cents": chance.randint(1, 3 * most)},
                {"kind": "percent", "off": chance.choice([10, 70, 100])},
                {"kind": "steps", "steps": [{"from_cents": a * most, "off_cents": int(b * most)} for a, b in STEPS]},
            ]
        )  # fmt: skip
    else:
        gives = {"kind": "shipping"} if level == "shipping" else {"kind": "exchange", "what": "杯子"}
    said: dict[str, Any] = {"level": level, "ends_in": chance.randint(1, 4)}
    if level == "item" and chance.random() < 0.3:
        said["units"] = chance.randint(1, 2)
    if chance.random() < 0.5:
        said["only"] = {"products": chance.sample(SKUS, chance.randint(1, 2))}
    if chance.random() < 0.2:
        said["minimum_cents"] = chance.randint(1, 2 * most)
    if chance.random() < 0.25:
        said["without"] = chance.sample(["item", "order", "shipping"], chance.randint(1, 2))
    if is_priced and chance.random() < 0.4:
        said["list_price_only"] = True
    return held(number, gives, **said)


def most_by_search(wallet: Sequence[Held], bought: Basket) -> int:
    """分 that the best of all combinations saves, in whatever way the lines can be had, beside the cheapest prices without a coupon."""
    return max(_most(wallet, view) - (view.cents - bought.cents) for view in bought.every_way())


def _most(wallet: Sequence[Held], bought: Basket) -> int:
    fits = [(one, fit) for one in wallet if isinstance(fit := judge(one, SHOPPER, bought), Fit)]
    orders = [None, *[pair for pair in fits if pair[0].terms.level == "order"]]
    ships = [None, *[pair for pair in fits if pair[0].terms.level == "shipping"]]
    items = [pair for pair in fits if pair[0].terms.level == "item"]
    best = 0
    for chosen in _placings(items, [one.number for one in bought.lines]):
        for order in orders:
            for ship in ships:
                all_used = [pair[0] for pair, _number in chosen] + [pair[0] for pair in (order, ship) if pair]
                if _agree(all_used):
                    best = max(best, _saved(chosen, order, ship, bought))
    return best


Pair = tuple[Held, Fit]


def _placings(items: Sequence[Pair], numbers: list[int]) -> Iterator[list[tuple[Pair, int]]]:
    if not numbers:
        yield []
        return
    first, *rest = numbers
    yield from _placings(items, rest)
    for pair in items:
        if first in pair[1].lines:
            others = [other for other in items if other is not pair]
            yield from ([(pair, first), *more] for more in _placings(others, rest))


def _agree(used: Iterable[Held]) -> bool:
    used = list(used)
    return all(one is other or other.terms.level not in one.terms.without for one in used for other in used)


def _saved(chosen: list[tuple[Pair, int]], order: Pair | None, ship: Pair | None, bought: Basket) -> int:
    left = {one.number: one.cents for one in bought.lines}
    for (_held, fit), number in chosen:
        left[number] -= fit.lines[number]
    assert min(left.values()) >= 0
    saved = bought.cents - sum(left.values())
    if order:
        saved += min(order[1].alone, sum(left[number] for number in order[1].lines))
    return saved + (ship[1].alone if ship else 0)
