"""The best of 50 coupons on 30 lines, in memory; the same at prices of a catalogue, with member prices and bundles (three ways to price
the basket). The target is 15 ms in the median."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from statistics import median, quantiles
from typing import Any

from apps.catalog import pricing
from apps.catalog.models import whole_week
from apps.catalog.pricing import Buyer, LinePrice, Offer, Sheet, Special, Wanted, When
from apps.core import clock
from apps.coupons import terms as grammar
from apps.coupons.basket import Basket, Held, Line, Shopper
from apps.coupons.quote import quote

LINES, COUPONS, BASKETS, TARGET_MS = 30, 50, 200, 15.0
SKUS = "ABCDEFGH"


def bench_quotes(size: str) -> Iterator[dict[str, Any]]:
    """The same 200 invented baskets, whatever the size."""
    yield _measured("", size, _quoted)
    yield _measured(" at catalogue prices", size, _priced)


def _measured(about: str, size: str, act: Callable[[random.Random], float]) -> dict[str, Any]:
    took = [act(random.Random(seed)) for seed in range(BASKETS)]  # noqa: S311 - no secret
    middle = median(took)
    return {
        "name": f"quote of {LINES} lines × {COUPONS} coupons{about} (ms; baseline: target)", "size": size,
        "figure": round(middle, 2), "baseline": TARGET_MS, "ratio": round(middle / TARGET_MS, 2),
        "p95": round(quantiles(took, n=20)[18], 2),
    }  # fmt: skip


def _quoted(chance: random.Random) -> float:
    wallet, bought = _invented(chance)
    began = time.perf_counter()
    quote(wallet, Shopper(member_id=1), bought)
    return (time.perf_counter() - began) * 1000


def _priced(chance: random.Random) -> float:
    wallet, bought = _invented(chance)
    now = clock.now()
    when = When("", "", "", now - timedelta(days=1), None, whole_week())
    skus = [f"{sku}{n}" for sku in SKUS for n in range(3)]
    lists = {sku: chance.randint(500, 30_000) for sku in skus}
    specials = {sku: [Special(1, lists[sku] * 9 // 10, when)] for sku in chance.sample(skus, 12)}
    kinds = [("for", {"count": 2, "cents": 20_000}), ("nth", {"count": 2, "percent": 50})]
    bundles = [
        Offer(n, kind, "", dict.fromkeys(skus[n * 3 : n * 3 + 3], 1), when, **said)
        for n, (kind, said) in enumerate(kinds)
    ]
    wanted = [Wanted(line.number, chance.choice(skus), line.quantity) for line in bought.lines]
    began = time.perf_counter()
    found = pricing.price(wanted, Sheet(lists, specials, bundles), Buyer(now, is_member=True))
    ways = [tuple(_line(price, one) for price, one in zip(way, wanted, strict=True)) for way in found.ways]
    quote(wallet, Shopper(member_id=1), Basket(ways[0], now, shipping_cents=800, ways=tuple(ways[1:])))
    return (time.perf_counter() - began) * 1000


def _line(price: LinePrice, one: Wanted) -> Line:
    back = price.list_unit if price.is_special and not price.is_bundled else None
    units = () if price.units[0] == price.units[-1] else price.units
    return Line(
        price.number,
        price.units[0],
        one.quantity,
        one.sku[0],
        units=units,
        is_special=price.is_special,
        back_cents=back,
    )


def _invented(chance: random.Random) -> tuple[list[Held], Basket]:
    lines = [
        Line(number, chance.randint(500, 30_000), chance.choice([1, 1, 2]), chance.choice(SKUS))
        for number in range(1, LINES + 1)
    ]
    return [_coupon(chance, number) for number in range(COUPONS)], Basket(tuple(lines), clock.now(), shipping_cents=800)


def _coupon(chance: random.Random, number: int) -> Held:
    level = chance.choices(["item", "order", "shipping"], [55, 35, 10])[0]
    gives: dict[str, Any] = {"kind": "shipping"}
    if level != "shipping":
        amount = {"kind": "amount", "cents": chance.randint(100, 3_000 if level == "item" else 20_000)}
        gives = chance.choice([amount, {"kind": "percent", "off": chance.choice([5, 10, 20]), "at_most_cents": 5_000}])
    said: dict[str, Any] = {"gives": gives, "level": level, "valid": {"kind": "after_claim", "days": 30}}
    if chance.random() < 0.5:
        said["only"] = {"products": chance.sample(SKUS, 3)}
    if chance.random() < 0.2:
        said["without"] = [chance.choice(["item", "order", "shipping"])]
    if chance.random() < 0.2:
        said["minimum_cents"] = chance.randint(1_000, 50_000)
    now, ends = clock.now(), timedelta(days=chance.randint(1, 30))
    return Held(number, number, "", grammar.parse(said), "ready", now - timedelta(days=1), now + ends)
