"""Rules drawn at random about the brand of `rule_world`: every field, every operator, windows, groups, exceptions."""

import random
from typing import Any

from apps.segments.models import Cell, Stage
from tests.segments.rule_world import (
    BRANDS,
    CHANNELS,
    EVENTS,
    GOODS,
    KINDS,
    ROOMS,
    SKINS,
    STORES,
    TAGS,
    TEMPLATES,
    TRAITS,
)


class Rules:
    """Random rules over every field there is."""

    def __init__(self, seed: int, tiers: list[str], currency: str) -> None:
        self.dice, self.tiers, self.currency = random.Random(seed), tiers, currency

    def rule(self, depth: int = 0) -> Any:
        roll = self.dice.random()
        if depth < 3 and roll < 0.45 - depth * 0.1:
            return {self.dice.choice(["all", "any"]): [self.rule(depth + 1) for _ in range(self.dice.randint(1, 3))]}
        if depth < 3 and roll < 0.6 - depth * 0.1:
            return {"not": self.rule(depth + 1)}
        return self.leaf(self.dice.choice(sorted(LEAVES)))

    def leaf(self, name: str) -> dict[str, Any]:
        return {"field": name} | LEAVES[name](self)

    def some(self, *values: Any) -> dict[str, Any]:
        return {"op": "in", "value": self.dice.sample(values, self.dice.randint(1, min(3, len(values))))}

    def number(self, *values: float) -> dict[str, Any]:
        op = self.dice.choice(["gte", "lte", "between"])
        return {
            "op": op,
            "value": sorted(self.dice.choices(values, k=2)) if op == "between" else self.dice.choice(values),
        }

    def moment(self) -> dict[str, Any]:
        if self.dice.random() < 0.2:
            return {"op": "known", "value": self.dice.random() < 0.5}
        return {"op": "within", "value": self.window()}

    def window(self) -> dict[str, Any]:
        days = self.dice.choice([1, 2, 7, 8, 30, 31, 365])
        return self.dice.choice([
            {"last_days": days}, {"last_days": days, "counted": "hours"}, {"next_days": days},
            {"days_ago": sorted(self.dice.choices([0, 1, 7, 30, 100], k=2))},
            {"from": "2026-01-15"}, {"to": "2026-03-10"}, {"from": "2026-02-01", "to": "2026-03-09"},
        ])  # fmt: skip

    def windowed(self, asked: dict[str, Any], **where: list[Any]) -> dict[str, Any]:
        chosen = {
            name: self.dice.sample(values, self.dice.randint(1, 2))
            for name, values in where.items()
            if self.dice.random() < 0.4
        }
        if "at_least_cents" in chosen:
            chosen["at_least_cents"] = chosen["at_least_cents"][0]  # type: ignore[assignment]  # one number
        more = {"within": self.window()} if self.dice.random() < 0.7 else {}
        return asked | more | ({"where": chosen} if chosen else {})


_ORDERS: dict[str, list[Any]] = {"stores": STORES, "channels": CHANNELS, "at_least_cents": [5_000, 12_001]}
_LINES: dict[str, list[Any]] = {
    "products": GOODS,
    "categories": KINDS,
    "brands": BRANDS,
    "stores": STORES,
    "channels": CHANNELS,
}


def _attribute(made: Rules) -> dict[str, Any]:
    key = made.dice.choice(["skin", "pets", "wedding", "vegan"])
    answers = {"skin": lambda: made.some("", *SKINS), "pets": lambda: made.number(0, 2, 2.5), "wedding": made.moment,
               "vegan": lambda: {"op": "is", "value": made.dice.random() < 0.5}}  # fmt: skip
    return {"key": key} | answers[key]()


def _event(made: Rules) -> dict[str, Any]:
    name = made.dice.choice(EVENTS)
    asked = {"key": name} | made.windowed(made.number(0, 1, 2, 4))
    if made.dice.random() < 0.4:
        asked["where"] = {"properties": {"sku": GOODS[:2]} if name == "product_viewed" else {"results": ["0"]}}
    return asked


def _trait(made: Rules) -> dict[str, Any]:
    key = made.dice.choice(sorted(TRAITS))
    answers: dict[str, Any] = {
        "max": made.moment,
        "last": lambda: made.some("", *GOODS), "first": lambda: made.some("", *GOODS),
        "top": lambda: {"op": made.dice.choice(["any_of", "none_of"]), "value": ["Oolong"]},
        "tops": lambda: {"op": made.dice.choice(["any_of", "all_of", "none_of"]), "value": made.dice.sample(GOODS, 2)},
        "score": lambda: made.number(-5, -1, 0, 5, 17, 30),
        "sum": lambda: made.number(0, 5_000, 12_000, 40_000), "min": lambda: made.number(0, 2_500, 20_000),
    }  # fmt: skip
    return {"key": key} | answers.get(key, lambda: made.number(0, 0.5, 1, 2, 3))()


def _flag(made: Rules) -> dict[str, Any]:
    return {"op": "is", "value": made.dice.random() < 0.5}


LEAVES: dict[str, Any] = {
    "gender": lambda made: made.some("", "f", "m"),
    "age": lambda made: made.number(13, 26, 27, 40, 66),
    "birthday": lambda made: made.moment(),
    "birth_month": lambda made: made.number(1, 2, 3, 12),
    "home_store": lambda made: made.some("", *STORES),
    "home_region": lambda made: made.some("", "North", "South"),
    "source": lambda made: made.some("", "import", "qr:poster"),
    "joined_at": lambda made: made.moment(),
    "tags": lambda made: {"op": made.dice.choice(["any_of", "all_of", "none_of"]), "value": made.dice.sample(TAGS, 2)},
    "attribute": _attribute,
    "consent": lambda made: {"key": made.dice.choice(["marketing:sms", "care:inbox", "care:sms"])} | _flag(made),
    "identity": lambda made: {"key": made.dice.choice(["phone", "openid", "email"])} | _flag(made),
    "stage": lambda made: made.some(*Stage.values),
    "stage_since": lambda made: made.moment(),
    "cell": lambda made: made.some("", *Cell.values),
    "r": lambda made: made.number(1, 3, 5),
    "f": lambda made: made.number(1, 3, 5),
    "m": lambda made: made.number(1, 3, 5),
    "orders": lambda made: made.number(0, 1, 2, 3),
    "net_cents": lambda made: made.number(0, 5_000, 12_000, 60_000),
    "average_cents": lambda made: made.number(0, 5_000, 8_500, 40_000),
    "first_order_at": lambda made: made.moment(),
    "last_order_at": lambda made: made.moment(),
    "gap_days": lambda made: made.number(0, 5, 20.5, 90),
    "cycles": lambda made: made.number(0, 0.5, 1, 3),
    "top_hour": lambda made: made.number(0, 9, 12, 23),
    "top_channel": lambda made: made.some(*CHANNELS),
    "top_store": lambda made: made.some("", *STORES),
    "top_category": lambda made: made.some("", *KINDS),
    "last_channel": lambda made: made.some(*CHANNELS),
    "p_lapse": lambda made: made.number(0, 33, 66.5, 100),
    "lapse_band": lambda made: made.some("", "low", "high"),
    "p_alive": lambda made: made.number(0, 50, 100),
    "expected_orders": lambda made: made.number(0, 0.5, 2),
    "clv_cents": lambda made: made.number(0, 10_000, 50_000),
    "next_order_on": lambda made: made.moment(),
    "replenish_on": lambda made: {"key": made.dice.choice(KINDS)} | made.moment(),
    "track_step": lambda made: {
        "key": "baby",
        "op": made.dice.choice(["any_of", "all_of", "none_of"]),
        "value": made.dice.sample(["before", "born", "month", "year"], made.dice.randint(1, 2)),
    },
    "track_days": lambda made: {"key": "baby"} | made.number(0, 3, 10, 35),
    "track_ahead": lambda made: {"key": "baby"} | made.number(0, 1, 21, 30),
    "track_anchor": lambda made: {"key": "baby"} | made.moment(),
    "trait": _trait,
    "tier": lambda made: made.some(*made.tiers),
    "tier_until": lambda made: made.moment(),
    "points": lambda made: {"key": made.currency} | made.number(0, 50, 100, 700),
    "points_expiring": lambda made: {"key": made.currency} | made.windowed(made.number(0, 30, 500, 530)),
    "coupons_usable": lambda made: made.windowed(made.number(0, 1, 2), templates=TEMPLATES),
    "coupons_used": lambda made: made.windowed(made.number(0, 1, 2), templates=TEMPLATES, stores=STORES),
    "order_count": lambda made: made.windowed(made.number(0, 1, 2, 4), **_ORDERS),
    "order_cents": lambda made: made.windowed(made.number(0, 5_000, 40_000), **_ORDERS),
    "refund_percent": lambda made: made.windowed(made.number(0, 20, 50)),
    "goods_orders": lambda made: made.windowed(made.number(0, 1, 2), **_LINES),
    "goods_quantity": lambda made: made.windowed(made.number(0, 0.5, 2, 3), **_LINES),
    "goods_cents": lambda made: made.windowed(made.number(0, 2_500, 20_000), **_LINES),
    "event_count": _event,
    "contacts": lambda made: made.windowed(made.number(0, 1, 2), message_channels=["sms", "inbox"]),
    "category_drift": lambda made: {"key": made.dice.choice(KINDS)} | made.number(-50, -10, 0, 10, 40),
    "tickets_open": lambda made: made.number(0, 1, 2) | made.dice.choice([{}, {"where": {"ticket_kinds": ["refund"]}}]),
    "tickets": lambda made: made.windowed(made.number(0, 1, 2), ticket_kinds=["question", "complaint", "refund"]),
    "groups": lambda made: made.windowed(made.number(0, 1, 2), groups=ROOMS),
    "satisfaction": lambda made: made.windowed(made.number(1, 3, 5)),
    "segment": lambda made: made.some(
        "stage:lapsing", "cell:lost", "segment:friends", "segment:late", "stage:prospect"
    ),
    "bucket": lambda made: {"key": made.dice.choice(["a", "b"])} | made.number(0, 2_500, 5_000, 9_999),
}
