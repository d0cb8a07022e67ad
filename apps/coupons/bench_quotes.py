"""The best of 50 coupons on 30 lines, in memory. The target is 15 ms in the median."""

import random
import time
from collections.abc import Iterator
from datetime import timedelta
from statistics import median, quantiles
from typing import Any

from apps.core import clock
from apps.coupons import terms as grammar
from apps.coupons.basket import Basket, Held, Line, Shopper
from apps.coupons.quote import quote

LINES, COUPONS, BASKETS, TARGET_MS = 30, 50, 200, 15.0
SKUS = "ABCDEFGH"


def bench_quotes(size: str) -> Iterator[dict[str, Any]]:
    """The same 200 invented baskets, whatever the size."""
    took = []
    for seed in range(BASKETS):
        wallet, bought = _invented(random.Random(seed))  # noqa: S311 - no secret
        began = time.perf_counter()
        quote(wallet, Shopper(member_id=1), bought)
        took.append((time.perf_counter() - began) * 1000)
    middle = median(took)
    yield {
        "name": f"quote of {LINES} lines × {COUPONS} coupons (ms; baseline: target)", "size": size, "figure": round(middle, 2),
        "baseline": TARGET_MS, "ratio": round(middle / TARGET_MS, 2), "p95": round(quantiles(took, n=20)[18], 2),
    }  # fmt: skip


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
