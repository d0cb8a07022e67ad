"""A basket, its quote and a redemption as the API takes and shows them."""

from typing import Any

from rest_framework import serializers as f

from apps.api import shapes
from apps.api.base import Input
from apps.catalog import words as price_words
from apps.core import clock, ids
from apps.coupons.basket import Reason, Shopper
from apps.coupons.errors import USING, said
from apps.coupons.quote import Offer, Quote
from apps.coupons.redeeming import Receipt, Used
from apps.flows import put_lines, shopper
from apps.flows.shopper import Asked, Put

COUPON, REDEMPTION, PRICE, BUNDLE = "cpn", "rdm", "prc", "bnd"
MOST_LINES, MOST_COUPONS, MOST_CENTS, LONGEST = 100, 10, 10**9, 15
AT = "2026-11-29T15:00:21+08:00"


class Several(f.ListField):
    """One at least, and the document says so."""

    limits = {"minItems": 1}


class BasketLineInput(Input):
    sku = f.CharField(
        max_length=60, required=False, allow_blank=True, help_text="left out by a till that knows only an amount"
    )
    unit_cents = f.IntegerField(
        min_value=0,
        max_value=MOST_CENTS,
        required=False,
        help_text="of one unit, before coupons, as your own prices make it: then no price of the catalogue touches the line; left out: "
        "the catalogue's list price, member and time-limited prices and bundles",
    )
    quantity = f.IntegerField(min_value=1, max_value=9_999, required=False)
    is_special = f.BooleanField(required=False, help_text="your `unit_cents` is below the list price")


class BasketInput(Input):
    lines = Several(child=BasketLineInput(), allow_empty=False, max_length=MOST_LINES)
    shipping_cents = f.IntegerField(min_value=0, max_value=MOST_CENTS, required=False)
    with_points = f.BooleanField(required=False, help_text="points are to pay for it too")


class QuoteInput(BasketInput):
    member = f.CharField(max_length=40, required=False, allow_blank=True, help_text="programs say whose basket it is")
    reading = f.CharField(
        max_length=40, required=False, allow_blank=True, help_text="tills say which reading of a member code"
    )
    store = f.CharField(
        max_length=40, required=False, allow_blank=True, help_text="its code; a till's own where left out"
    )
    channel = f.CharField(max_length=40, required=False, allow_blank=True)
    is_vouched = f.BooleanField(required=False, help_text="the clerk says that the goods fit what a coupon asks")


class RedemptionInput(QuoteInput):
    coupons = Several(
        child=f.CharField(max_length=40, allow_blank=True),
        allow_empty=False,
        max_length=MOST_COUPONS,
        help_text="all or none",
    )
    reference = f.RegexField(
        r"^[A-Za-z0-9._:-]{1,64}$", max_length=64, help_text="your number of this act; sent again it is the same act"
    )
    state = f.ChoiceField(["reserved", "done"], required=False, help_text="done where left out")
    minutes = f.IntegerField(min_value=1, max_value=LONGEST, required=False, help_text="reserved for; 15 at most")
    order = f.CharField(max_length=40, required=False, allow_blank=True, help_text="where it is handed in already")


class ConfirmInput(Input):
    order = f.CharField(max_length=40, required=False, allow_blank=True)


class PriceRuleOut(f.Serializer[Any]):
    kind = f.CharField(help_text="open list: given (you said the price), list, member, tier, timed, bundle")
    id = f.CharField(allow_null=True, help_text="of the price or bundle")
    name = f.CharField(allow_blank=True)
    until = f.DateTimeField(allow_null=True, help_text="before when it counts without a break")


class PriceHintOut(f.Serializer[Any]):
    code = f.CharField(help_text="open list: price_ends, bundle_more")
    message = f.CharField()


class QuotedLineOut(f.Serializer[Any]):
    line = f.IntegerField(help_text="counted from 1 as the lines came")
    list_cents = f.IntegerField(help_text="by the list, all units; where you said the price: that")
    price_cents = f.IntegerField(help_text="before coupons, all units")
    saved_cents = f.IntegerField(help_text="by coupons")
    to_pay_cents = f.IntegerField(help_text="of all lines they add up to what the goods cost")
    rules = PriceRuleOut(many=True)
    hints = PriceHintOut(many=True)


class CouponReasonOut(f.Serializer[Any]):
    code = f.CharField(help_text=f"open list: {', '.join(USING)}")
    message = f.CharField()
    missing_cents = f.IntegerField(allow_null=True, help_text="to be spent more, where that is the reason")


class OfferOut(f.Serializer[Any]):
    coupon = f.CharField()
    name = f.CharField()
    level = f.CharField(help_text="item, order, shipping or gift")
    is_usable = f.BooleanField()
    reason = CouponReasonOut(allow_null=True)
    saved_cents = f.IntegerField(help_text="when no other coupon is used")
    worth_cents = f.IntegerField(help_text="of a thing that is handed out beside the basket")
    best_cents = f.IntegerField(allow_null=True, help_text="its part in the best combination; null: it has none")
    ends_at = f.DateTimeField()


class QuoteOut(f.Serializer[Any]):
    list_cents = f.IntegerField(help_text="of the lines, by the list")
    total_cents = f.IntegerField(help_text="of the lines, before coupons")
    saved_cents = f.IntegerField(help_text="by the best combination")
    is_proven = f.BooleanField(
        help_text="false: the search was stopped at its limit, there may be a better combination"
    )
    more_cents = f.IntegerField(help_text="that coupons could save more at most, where the search was stopped")
    lines = QuotedLineOut(many=True)
    offers = OfferOut(many=True, help_text="usable first, the greater saving first")


class LineSavingOut(f.Serializer[Any]):
    line = f.IntegerField(help_text="counted from 1 as the lines came")
    saved_cents = f.IntegerField()


class SoldLineOut(f.Serializer[Any]):
    line = f.IntegerField()
    list_cents = f.IntegerField()
    price_cents = f.IntegerField(help_text="before coupons")
    saved_cents = f.IntegerField(help_text="by coupons")
    to_pay_cents = f.IntegerField()


class RedeemedOut(f.Serializer[Any]):
    coupon = f.CharField()
    name = f.CharField()
    level = f.CharField()
    saved_cents = f.IntegerField()
    worth_cents = f.IntegerField()
    lines = LineSavingOut(many=True)


class RedemptionOut(f.Serializer[Any]):
    id = f.CharField()
    state = f.CharField(help_text="reserved, done, cancelled or taken_back")
    reference = f.CharField()
    member = f.CharField()
    saved_cents = f.IntegerField()
    coupons = RedeemedOut(many=True)
    goods = SoldLineOut(many=True, help_text="each line to the cent, as it was reckoned then")
    at = f.DateTimeField()
    reserved_until = f.DateTimeField(allow_null=True)
    done_at = f.DateTimeField(allow_null=True)
    undone_at = f.DateTimeField(allow_null=True)
    is_new = f.BooleanField(help_text="false: the first receipt, told again")


ASKS: dict[str, Any] = {
    "member": "mem_3f8k2m9pq7wxz",
    "lines": [{"sku": "TEA-01", "unit_cents": 6800, "quantity": 2}],
    "store": "HERE",
    "channel": "store",
}
ASKS_REDEMPTION = ASKS | {"coupons": ["cpn_3f8k2m9pq7wxz"], "reference": "TILL-3-000187"}
_SOLD = {"line": 1, "list_cents": 15600, "price_cents": 13600, "saved_cents": 3000, "to_pay_cents": 10600}
QUOTE_EXAMPLE = {
    "list_cents": 15600,
    "total_cents": 13600,
    "saved_cents": 3000,
    "is_proven": True,
    "more_cents": 0,
    "lines": [
        _SOLD | {
            "rules": [{"kind": "member", "id": "prc_3f8k2m9pq7wxz", "name": "会员日", "until": "2026-11-29T17:00:00+08:00"}],
            "hints": [{"code": "price_ends", "message": "此价还有1小时59分。"}],
        },
    ],
    "offers": [
        {
            "coupon": "cpn_3f8k2m9pq7wxz", "name": "满100减30", "level": "order", "is_usable": True, "reason": None,
            "saved_cents": 3000, "worth_cents": 0, "best_cents": 3000, "ends_at": "2026-12-31T00:00:00+08:00",
        },
        {
            "coupon": "cpn_7hq2c0m4tz9ba", "name": "满200减80", "level": "order", "is_usable": False,
            "reason": {"code": "coupon_min_spend", "message": "再买¥64.00可用。", "missing_cents": 6400},
            "saved_cents": 0, "worth_cents": 0, "best_cents": None, "ends_at": "2026-12-31T00:00:00+08:00",
        },
    ],
}  # fmt: skip
REDEMPTION_EXAMPLE = {
    "id": "rdm_3f8k2m9pq7wxz", "state": "done", "reference": "TILL-3-000187", "member": "mem_3f8k2m9pq7wxz",
    "saved_cents": 3000, "goods": [_SOLD], "at": AT, "reserved_until": None, "done_at": AT, "undone_at": None, "is_new": True,
    "coupons": [
        {"coupon": "cpn_3f8k2m9pq7wxz", "name": "满100减30", "level": "order", "saved_cents": 3000, "worth_cents": 0,
         "lines": [{"line": 1, "saved_cents": 3000}]},
    ],
}  # fmt: skip
RESERVED = REDEMPTION_EXAMPLE | {"state": "reserved", "done_at": None, "reserved_until": "2026-11-29T15:15:21+08:00"}


def basket(given: dict[str, Any], who: Shopper, *, store: str = "", channel: str = "") -> Put:
    return shopper.basket_of(
        [_asked(one) for one in given["lines"]],
        moment=clock.now(),
        shopper=who,
        store=store,
        channel=given.get("channel") or channel,
        shipping_cents=given.get("shipping_cents", 0),
        is_vouched=given.get("is_vouched", False),
    )


def _asked(one: dict[str, Any]) -> Asked:
    """A line that says neither its price nor a SKU is refused with `price_unknown` where prices are looked up."""
    return Asked(
        one.get("unit_cents"), one.get("quantity", 1), one.get("sku", ""), is_special=one.get("is_special", False)
    )


def quote(found: Quote, put: Put) -> dict[str, Any]:
    lines = put_lines.of(found, put)
    return {
        "list_cents": sum(one.list_cents for one in lines),
        "total_cents": found.goods_cents,
        "saved_cents": found.saved_cents,
        "is_proven": found.is_proven,
        "more_cents": found.more_cents,
        "lines": [_line(one) for one in lines],
        "offers": [_offer(one) for one in found.offers],
    }


def _line(one: put_lines.Told) -> dict[str, Any]:
    rules = [
        {
            "kind": rule.kind,
            "id": rule.id and ids.encode(BUNDLE if rule.kind == "bundle" else PRICE, rule.id),
            "name": rule.name,
            "until": shapes.at(rule.until),
        }
        for rule in one.rules
    ]
    hints = [{"code": hint.code, "message": price_words.hint(hint)} for hint in one.hints]
    return _sold(one.number, one.list_cents, one.cents, one.saved_cents) | {"rules": rules, "hints": hints}


def _sold(number: int, listed: int, cents: int, saved: int) -> dict[str, Any]:
    return {
        "line": number,
        "list_cents": listed,
        "price_cents": cents,
        "saved_cents": saved,
        "to_pay_cents": cents - saved,
    }


def _offer(one: Offer) -> dict[str, Any]:
    return {
        "coupon": ids.encode(COUPON, one.held.id),
        "name": one.held.name,
        "level": one.held.terms.level,
        "is_usable": one.is_usable,
        "reason": _reason(one.reason) if one.reason else None,
        "saved_cents": one.alone,
        "worth_cents": one.worth_cents,
        "best_cents": one.best.cents if one.best else None,
        "ends_at": shapes.at(one.held.ends_at),
    }


def _reason(reason: Reason) -> dict[str, Any]:
    facts = reason.facts
    return {"code": reason.code, "message": said(reason.code, facts), "missing_cents": facts.get("missing_cents")}


def redemption(made: Receipt) -> dict[str, Any]:
    return {
        "id": ids.encode(REDEMPTION, made.id),
        "state": made.state,
        "reference": made.reference,
        "member": ids.encode(shapes.MEMBER, made.member_id),
        "saved_cents": made.saved_cents,
        "coupons": [_redeemed(one) for one in made.used],
        "goods": [_sold(one.number, one.list_cents, one.cents, one.saved_cents) for one in made.sold],
        "at": shapes.at(made.at),
        "reserved_until": shapes.at(made.reserved_until),
        "done_at": shapes.at(made.done_at),
        "undone_at": shapes.at(made.undone_at),
        "is_new": made.is_new,
    }


def _redeemed(one: Used) -> dict[str, Any]:
    return {
        "coupon": ids.encode(COUPON, one.coupon_id),
        "name": one.name,
        "level": one.level,
        "saved_cents": one.cents,
        "worth_cents": one.worth_cents,
        "lines": [{"line": number, "saved_cents": cents} for number, cents in one.lines.items()],
    }
