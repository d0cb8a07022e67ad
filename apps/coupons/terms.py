"""What a coupon gives and when it counts: the closed grammar of `Version.terms`, frozen at publication.

`SCHEMA` is published as docs/coupon-terms.schema.json; a test keeps them equal. `checked` adds what a schema cannot say, `parse` makes
the frozen `Terms` that quotes and redemptions read. Whatever may change while coupons are out (stock, limits, budgets, the claim
window) stands on the template and is not here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core import clock, shapes
from apps.core.errors import ValidationFailed

LEVELS = ("item", "order", "shipping", "gift")
MOST_CENTS = 10**9

_CENTS = shapes.whole(MOST_CENTS)
_CLOCK = {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$", "description": "shop time, HH:MM"}
_MOMENT = {
    "type": "string",
    "pattern": clock.MOMENT,
    "description": "a shop day, or a moment; without an offset shop time",
}
_LEVEL = {"type": "string", "enum": list(LEVELS[:3])}


def _goods(about: str) -> dict[str, Any]:
    return shapes.group(
        [],
        about,
        products=shapes.words(60, "SKUs"),
        categories=shapes.words(80, "names of categories"),
        brands=shapes.words(60, "brands of products"),
    )


SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Terms of a coupon",
    **shapes.group(
        ["gives", "level", "valid"],
        gives={
            "oneOf": [
                shapes.kind("amount", ["cents"], "So much off.", cents=_CENTS),
                shapes.kind(
                    "percent",
                    ["off"],
                    "So many hundredths off, at most so much.",
                    off=shapes.whole(100, 1, "10 = 九折"),
                    at_most_cents=_CENTS,
                ),
                shapes.kind("fixed_price", ["cents"], "A unit costs so much.", cents=shapes.whole(MOST_CENTS, 0)),
                shapes.kind("free_item", [], "A unit costs nothing."),
                shapes.kind(
                    "exchange",
                    ["what"],
                    "Handed out for the coupon, outside the basket.",
                    what={"type": "string", "maxLength": 60},
                    what_en={"type": "string", "maxLength": 60, "description": "the same in English"},
                    worth_cents=shapes.whole(MOST_CENTS, 1, "what it costs the bearers of the coupon"),
                ),
                shapes.kind("shipping", [], "The freight, at most so much of it.", at_most_cents=_CENTS),
                shapes.kind(
                    "steps",
                    ["steps"],
                    "Spend and save: the highest step that is reached.",
                    steps={
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 10,
                        "items": shapes.group(["from_cents", "off_cents"], from_cents=_CENTS, off_cents=_CENTS),
                    },
                ),
            ]
        },
        level=_LEVEL | {"enum": list(LEVELS), "description": "item: of one line; order: of all lines that fit"},
        units=shapes.whole(999, 1, "level item: of so many units of the line at most; without it of all"),
        only=_goods("Lines must be among these: any of the three lists."),
        never=_goods("Lines among these do not fit."),
        minimum_cents=_CENTS | {"description": "of the lines that fit, at their prices before coupons"},
        minimum_quantity=shapes.whole(999, 1, "units of the lines that fit"),
        stores=shapes.words(40, "store codes"),
        channels=shapes.words(40, "channels of orders"),
        tiers=shapes.words(20, "tier keys"),
        segments=shapes.words(40, "segment keys: one of them"),
        groups=shapes.words(40, "group keys: one of them"),
        weekdays=shapes.days(7, "1 is Monday"),
        hours={
            "type": "array",
            "minItems": 1,
            "maxItems": 5,
            "items": shapes.group(["from", "until"], "", **{"from": _CLOCK, "until": _CLOCK}),
            "description": "before `until`; past midnight where `until` is not later than `from`",
        },
        first_order={"type": "boolean", "description": "only for a member who never paid an order that was kept"},
        list_price_only={
            "type": "boolean",
            "description": "lines with a member, time-limited or bundle price do not fit, or go back to the list price for it",
        },
        without={
            "type": "array",
            "minItems": 1,
            "maxItems": 4,
            "uniqueItems": True,
            "items": _LEVEL | {"enum": [*LEVELS[:3], "points"]},
            "description": "coupons of these levels, or points, do not count beside it; its own level: no other of it",
        },
        valid={
            "oneOf": [
                shapes.kind("between", ["from", "to"], "The same days for all.", **{"from": _MOMENT, "to": _MOMENT}),
                shapes.kind(
                    "after_claim",
                    ["days"],
                    "So many days, from `starts_after` days after the claim on; whole shop days, the day of the start is the first.",
                    days=shapes.whole(3650),
                    starts_after=shapes.whole(365),
                ),
            ]
        },
        store_share=shapes.whole(100, 1, "hundredths of the cost that the redeeming store bears; the rest the brand"),
        text={"type": "string", "maxLength": 200, "description": "more rules in the brand's own words"},
        text_en={"type": "string", "maxLength": 200, "description": "the same in English"},
    ),
}

_FITTING: dict[str, tuple[str, ...]] = {
    "amount": ("item", "order"), "percent": ("item", "order"), "fixed_price": ("item",), "free_item": ("item",),
    "exchange": ("gift",), "shipping": ("shipping",), "steps": ("order",),
}  # fmt: skip
_TEXTS = shapes.TEXTS | {
    "level_does_not_fit": _("This kind of coupon does not work on this level."),
    "only_for_items": _("This goes only with coupons for one line."),
    "steps_not_rising": _("Each step must ask for more and give more than the one before."),
    "more_than_asked": _("A step gives more than it asks for."),
}


@dataclass(frozen=True)
class Goods:
    """Lists of what lines may be; empty lists name nothing."""

    products: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.products or self.categories or self.brands)


@dataclass(frozen=True)
class Terms:
    """`gives` as in the grammar. Empty sets and zeros mean: no such condition. `hours`: minutes of the shop day from, until."""

    gives: dict[str, Any]
    level: str
    units: int | None = None
    only: Goods = field(default_factory=Goods)
    never: Goods = field(default_factory=Goods)
    minimum_cents: int = 0
    minimum_quantity: int = 0
    stores: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    weekdays: frozenset[int] = frozenset()
    hours: tuple[tuple[int, int], ...] = ()
    first_order: bool = False
    list_price_only: bool = False
    without: frozenset[str] = frozenset()
    store_share: int = 0
    text: str = ""
    text_en: str = ""


def checked(terms: Any) -> dict[str, Any]:
    """The terms themselves. Raises ValidationFailed that lists everything wrong with them, each with a JSON pointer."""
    found = list(shapes.findings(SCHEMA, terms)) or list(_by_meaning(terms))
    if found:
        errors = [{"pointer": pointer, "code": code, "message": str(_TEXTS[code])} for pointer, code in found]
        raise ValidationFailed(errors=errors)
    return dict(terms)


def parse(terms: dict[str, Any]) -> Terms:
    """`terms` as `checked` left them."""
    read: dict[str, Any] = {name: terms[name] for name in _PLAIN if name in terms}
    read |= {name: frozenset(terms.get(name, ())) for name in _SETS}
    read |= {name: _goods_of(terms.get(name, {})) for name in ("only", "never")}
    hours = tuple((_minutes(one["from"]), _minutes(one["until"])) for one in terms.get("hours", ()))
    return Terms(gives=terms["gives"], level=terms["level"], hours=hours, **read)


def validity(terms: dict[str, Any], *, claimed_at: datetime) -> tuple[datetime, datetime]:
    """From when, and before when, a coupon claimed at this moment counts. Days are shop days: the last one counts whole."""
    valid = terms["valid"]
    if valid["kind"] == "between":
        return clock.start_of(valid["from"]), clock.end_of(valid["to"])
    day = clock.local_date(claimed_at) + timedelta(days=valid.get("starts_after", 0))
    starts = clock.day_start(day) if valid.get("starts_after") else claimed_at
    return starts, clock.day_end(day + timedelta(days=valid["days"] - 1))


_SETS = ("stores", "channels", "tiers", "segments", "groups", "weekdays", "without")
_PLAIN = (
    "units",
    "minimum_cents",
    "minimum_quantity",
    "first_order",
    "list_price_only",
    "store_share",
    "text",
    "text_en",
)


def _goods_of(lists: dict[str, list[str]]) -> Goods:
    return Goods(**{name: frozenset(values) for name, values in lists.items()})


def _minutes(text: str) -> int:
    at = time.fromisoformat(text)
    return at.hour * 60 + at.minute


def _by_meaning(terms: dict[str, Any]) -> Iterator[shapes.Finding]:
    gives = terms["gives"]
    if terms["level"] not in _FITTING[gives["kind"]]:
        yield "/level", "level_does_not_fit"
    if "units" in terms and terms["level"] != "item":
        yield "/units", "only_for_items"
    for number, step in enumerate(gives.get("steps", ())):
        if step["off_cents"] > step["from_cents"]:
            yield f"/gives/steps/{number}/off_cents", "more_than_asked"
        before = gives["steps"][number - 1] if number else {"from_cents": 0, "off_cents": 0}
        if step["from_cents"] <= before["from_cents"] or step["off_cents"] <= before["off_cents"]:
            yield f"/gives/steps/{number}", "steps_not_rising"
    yield from _by_days(terms["valid"])


def _by_days(valid: dict[str, Any]) -> Iterator[shapes.Finding]:
    if valid["kind"] != "between":
        return
    ends: dict[str, datetime] = {}
    for name, read in (("from", clock.start_of), ("to", clock.end_of)):
        try:
            ends[name] = read(valid[name])
        except (ValueError, OverflowError):
            yield f"/valid/{name}", "not_a_date"
    if len(ends) == 2 and ends["to"] <= ends["from"]:
        yield "/valid/to", "ends_before_start"
