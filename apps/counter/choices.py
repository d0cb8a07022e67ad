"""What a member may use on the sale that stands on the screen: coupons by what they save, then points; and why others do not count."""

from dataclasses import dataclass, replace
from datetime import datetime

from apps.core import clock
from apps.coupons import words
from apps.coupons.basket import Shopper
from apps.coupons.errors import REASONS
from apps.coupons.quote import Offer as Quoted
from apps.flows import bought as basket
from apps.flows import checkout, shopper
from apps.flows.bought import Bought
from apps.flows.checkout import Desk
from apps.points import selectors, spend_limits

SHOWN, SHOWN_CLOSED, STEPS = 4, 3, 4
UNKNOWN_GOODS = "coupon_unknown_goods"


@dataclass(frozen=True)
class Choice:
    """Coupons that go together. `ids`: joined by commas. `is_best` of all; `is_chosen` already. `is_to_vouch`: the clerk looks whether
    the goods fit."""

    title: str
    detail: str
    cents: int
    ids: str = ""
    is_best: bool = False
    is_chosen: bool = False
    is_to_vouch: bool = False


@dataclass(frozen=True)
class Points:
    """Up to `most` may pay for this sale. `steps`: (points, 分 that they take off), the most first. `per_hundred`: 分 of 100 points."""

    most: int
    per_hundred: int
    steps: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Choices:
    """`closed`: name and reason of coupons that do not count for this sale."""

    open: tuple[Choice, ...] = ()
    points: Points | None = None
    closed: tuple[tuple[str, str], ...] = ()


def of(
    who: Shopper, *, desk: Desk, bought: Bought, is_present: bool, wished: int = 0, moment: datetime | None = None
) -> Choices:
    """Nothing before goods are scanned or an amount is typed, and nothing for who was only looked up by phone. `wished`: the coupon
    that was scanned, or that the member chose: it stands in front, and is chosen unless the clerk has to vouch for it."""
    moment = moment or clock.now()
    put = basket.put(bought, who=who, store_code=desk.store_code, moment=moment)
    cents = put.basket.cents
    if cents <= 1 or not is_present:
        return Choices()
    found = shopper.offers_for(who, put.basket)
    best, off = found.best, cents - found.goods_cents + found.saved_cents  # a coupon may ask for list prices
    choices = [_best(best, off, moment)] if best else []
    choices += [_alone(one, moment) for one in found.offers if one.is_usable and one not in best]
    choices = _in_order(choices, wished)
    unknown = {one.held.id for one in found.offers if one.reason and one.reason.code == UNKNOWN_GOODS}
    if unknown:
        vouched = shopper.offers_for(who, replace(put.basket, is_vouched=True))
        choices += [
            _alone(one, moment, is_to_vouch=True) for one in vouched.offers if one.is_usable and one.held.id in unknown
        ]
        choices.sort(key=lambda one: not (one.is_to_vouch and one.ids == str(wished)))
    closed = [one for one in found.offers if one.reason and one.held.id not in unknown]
    return Choices(
        open=tuple(choices[:SHOWN]),
        points=_points(who.member_id, cents - off, moment),
        closed=tuple(dict.fromkeys((one.held.name, _why(one)) for one in closed))[:SHOWN_CLOSED],
    )


def _in_order(choices: list[Choice], wished: int) -> list[Choice]:
    """The wish first and chosen; without one that counts, the best."""
    is_wish = [str(wished) in one.ids.split(",") for one in choices]
    if not any(is_wish):
        return [replace(one, is_chosen=one.is_best) for one in choices]
    wish = replace(choices[is_wish.index(True)], is_chosen=True)
    return [wish, *(one for one, is_it in zip(choices, is_wish, strict=True) if not is_it)]


def _best(offers: tuple[Quoted, ...], cents: int, moment: datetime) -> Choice:
    return Choice(
        title=" + ".join(one.held.name for one in offers),
        detail=_detail(offers[0], moment),
        cents=cents,
        ids=",".join(str(one.held.id) for one in offers),
        is_best=True,
    )


def _alone(offer: Quoted, moment: datetime, *, is_to_vouch: bool = False) -> Choice:
    return Choice(
        title=offer.held.name,
        detail=_detail(offer, moment),
        cents=offer.alone,
        ids=str(offer.held.id),
        is_to_vouch=is_to_vouch,
    )


def _detail(offer: Quoted, moment: datetime) -> str:
    held = offer.held
    until = words.left(starts_at=held.starts_at, ends_at=held.ends_at, moment=moment)
    return " · ".join(text for text in (words.condition(held.terms), str(until.text)) if text)


def _why(offer: Quoted) -> str:
    return str(REASONS[offer.reason.code]) % offer.reason.facts if offer.reason else ""


def _points(member_id: int, cents: int, moment: datetime) -> Points | None:
    totals = selectors.totals(member_id=member_id, moment=moment)
    per_hundred = checkout.points_worth(100)
    if totals.is_frozen or not per_hundred or cents <= 1:
        return None
    room = spend_limits.left(member_id=member_id, order_cents=cents, moment=moment).most
    most = min(totals.balance, (cents - 1) * 100 // per_hundred, totals.balance if room is None else room)
    steps = tuple((amount, amount * per_hundred // 100) for amount in _round(most) if amount * per_hundred >= 100)
    return Points(most, per_hundred, steps) if steps else None


def _round(most: int) -> list[int]:
    """Amounts that are easily said, the most first: below the greatest those that begin with 5, 2 or 1."""
    top = most // 100 * 100 if most >= 100 else most
    ladder = [first * 10**power for power in range(8, 1, -1) for first in (5, 2, 1)]
    return [top, *(step for step in ladder if step < top)][:STEPS]
