"""Whether a coupon counts for this shopper and basket, looked at alone, and what it could take off. Pure: no database, no clock.

Conditions, steps and percentages count on prices before coupons, so the answer never depends on which other coupons are chosen; only
the floor at zero joins the choices (`coupons.quote`). Money in 分. Days and hours are the shop's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from apps.core import clock, money
from apps.coupons.basket import Basket, Held, Line, Reason, Shopper
from apps.coupons.models import Coupon
from apps.coupons.terms import Goods, Terms

_BY_STATE = {
    Coupon.State.RESERVED: "coupon_reserved",
    Coupon.State.USED: "coupon_already_redeemed",
    Coupon.State.GIVEN: "coupon_given",
    Coupon.State.RECALLED: "coupon_recalled",
    Coupon.State.UNCLAIMED: "coupon_not_found",
}
_UNIT_KINDS = {"fixed_price", "free_item"}  # what they take off depends on the price of a unit


@dataclass(frozen=True)
class Fit:
    """What a coupon could do here. `alone`: what it saves when no other is used.

    `lines` of level item: what it saves on each line it may be used on; of level order: what each line that fits costs. `back`: of
    lines that go back to their list price for it, by how much they rise; what is saved is less that. `worth_cents`: of a thing that is
    handed out beside the basket.
    """

    alone: int = 0
    lines: Mapping[int, int] = field(default_factory=dict)
    back: Mapping[int, int] = field(default_factory=dict)
    worth_cents: int = 0


def judge(held: Held, shopper: Shopper, basket: Basket) -> Fit | Reason:
    """What it could save, or the first thing that speaks against it."""
    terms = held.terms
    reason = _by_itself(held, basket.at) or _by_place(terms, shopper, basket) or _by_time(terms, basket.at)
    if reason:
        return reason
    found = _by_goods(terms, basket)
    could_vouch = isinstance(found, Reason) and not basket.is_vouched and any(not line.sku for line in basket.lines)
    if could_vouch and isinstance(_by_goods(terms, replace(basket, is_vouched=True)), Fit):
        return Reason("coupon_unknown_goods")
    room = held.room_cents
    if isinstance(found, Fit) and room is not None and found.alone + found.worth_cents > room:
        return Reason("coupon_budget_spent")
    return found


def _by_itself(held: Held, at: datetime) -> Reason | None:
    if held.state in _BY_STATE:
        return Reason(_BY_STATE[Coupon.State(held.state)], held.facts)
    if held.state == Coupon.State.EXPIRED or at >= held.ends_at:
        last = clock.local_date(held.ends_at - timedelta(microseconds=1))
        return Reason("coupon_expired", {"ended_at": last.isoformat()})
    if held.is_stopped:
        return Reason("coupon_frozen")
    if at < held.starts_at:
        return Reason("coupon_not_started", {"starts_at": shown(held.starts_at)})
    return None


def _by_place(terms: Terms, shopper: Shopper, basket: Basket) -> Reason | None:
    if terms.stores and basket.store not in terms.stores:
        return Reason("coupon_wrong_store", {"stores": sorted(terms.stores)})
    if terms.channels and basket.channel not in terms.channels:
        return Reason("coupon_wrong_channel", {"channels": sorted(terms.channels)})
    if terms.tiers and shopper.tier not in terms.tiers:
        return Reason("coupon_wrong_tier", {"tiers": sorted(terms.tiers)})
    if terms.segments and not terms.segments & shopper.segments:
        return Reason("coupon_wrong_segment")
    if terms.groups and not terms.groups & shopper.groups:
        return Reason("coupon_wrong_group")
    if terms.first_order and shopper.orders:
        return Reason("coupon_first_order_only")
    return None


def _by_time(terms: Terms, at: datetime) -> Reason | None:
    """A window past midnight belongs to the day on which it began."""
    if not terms.hours and not terms.weekdays:
        return None
    local = clock.local(at)
    today, minute = local.isoweekday(), local.hour * 60 + local.minute
    yesterday = (local - timedelta(days=1)).isoweekday()
    for start, until in terms.hours or ((0, 24 * 60),):
        wraps = until <= start
        if minute >= start and (wraps or minute < until):
            day = today
        elif wraps and minute < until:
            day = yesterday
        else:
            continue
        if not terms.weekdays or day in terms.weekdays:
            return None
    return Reason("coupon_wrong_time")


def _by_goods(terms: Terms, basket: Basket) -> Fit | Reason:
    fitting = [line for line in basket.lines if _fits(terms, line, is_vouched=basket.is_vouched)]
    lines = _at_list(terms, fitting) if terms.list_price_only else fitting
    if fitting and not lines:
        return Reason("coupon_special_price")
    if not lines and (terms.only or terms.never or terms.level in {"item", "order"}):
        return Reason("coupon_no_match")
    cents, quantity = sum(line.cents for line in lines), sum(line.quantity for line in lines)
    least = max(terms.minimum_cents, terms.gives["steps"][0]["from_cents"] if "steps" in terms.gives else 0)
    if cents < least:
        return Reason("coupon_min_spend", {"missing_cents": least - cents, "missing": money.show(least - cents)})
    if quantity < terms.minimum_quantity:
        return Reason("coupon_min_quantity", {"missing": terms.minimum_quantity - quantity})
    if terms.level == "gift":
        return Fit(worth_cents=terms.gives.get("worth_cents", 0))
    if terms.level == "item":
        cheaper = {line.number: line.cents for line in fitting if line.is_special}
        back = {line.number: line.cents - cheaper[line.number] for line in lines if line.number in cheaper}
        return _of_items(terms, lines, back if terms.list_price_only else {})
    fit = _reckoned(terms, lines, cents, basket.shipping_cents)
    return fit if fit.alone else Reason("coupon_no_effect")


def _at_list(terms: Terms, lines: list[Line]) -> list[Line]:
    """Those at their list price; for a coupon for one line also those that can go back to it."""
    goes_back = terms.level == "item"
    return [
        line if not line.is_special else line.at_list()
        for line in lines
        if not line.is_special or (goes_back and line.back_cents is not None)
    ]


def _of_items(terms: Terms, lines: list[Line], back: dict[int, int]) -> Fit | Reason:
    taken = {line.number: _off_line(terms, line) for line in lines}
    saves = {number: off - back.get(number, 0) for number, off in taken.items()}
    saves = {number: saving for number, saving in saves.items() if saving > 0}
    if not saves:
        return Reason("coupon_price_better" if any(taken.values()) else "coupon_no_effect")
    return Fit(max(saves.values()), saves, {number: more for number, more in back.items() if number in saves})


def _reckoned(terms: Terms, lines: list[Line], cents: int, shipping_cents: int) -> Fit:
    if terms.level == "shipping":
        return Fit(alone=_at_most(terms.gives, shipping_cents))
    return Fit(alone=_off(terms.gives, cents), lines={line.number: line.cents for line in lines})


def _fits(terms: Terms, line: Line, *, is_vouched: bool) -> bool:
    if not line.sku:
        counts_units = terms.units is not None or terms.gives["kind"] in _UNIT_KINDS
        asks = bool(terms.only or terms.never or terms.list_price_only)
        return (line.is_units or not counts_units) and (is_vouched or not asks)
    return (not terms.only or _among(terms.only, line)) and not _among(terms.never, line)


def _among(goods: Goods, line: Line) -> bool:
    return line.sku in goods.products or line.category in goods.categories or line.brand in goods.brands


def _off_line(terms: Terms, line: Line) -> int:
    gives = terms.gives
    if line.units:
        units = line.dearest(line.quantity if terms.units is None else terms.units)
        if gives["kind"] == "fixed_price":
            return sum(max(cents - int(gives["cents"]), 0) for cents in units)
        return sum(units) if gives["kind"] == "free_item" else _off(gives, sum(units))
    count = line.quantity if terms.units is None else min(terms.units, line.quantity)
    if gives["kind"] == "fixed_price":
        return max(line.unit_cents - int(gives["cents"]), 0) * count
    return line.unit_cents * count if gives["kind"] == "free_item" else _off(gives, line.unit_cents * count)


def _off(gives: dict[str, Any], cents: int) -> int:
    """Of so much, never more than it."""
    if gives["kind"] == "amount":
        return min(int(gives["cents"]), cents)
    if gives["kind"] == "percent":
        return _at_most(gives, cents * int(gives["off"]) // 100)
    return max((int(step["off_cents"]) for step in gives["steps"] if cents >= step["from_cents"]), default=0)


def _at_most(gives: dict[str, Any], cents: int) -> int:
    return min(cents, int(gives.get("at_most_cents", cents)))


def shown(moment: datetime) -> str:
    """For texts: shop time to the minute."""
    return clock.local(moment).strftime("%Y-%m-%d %H:%M")
