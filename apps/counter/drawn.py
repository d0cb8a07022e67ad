"""The screen of a member: strip, goods, what may be used. And the goods alone while nobody has shown a code yet."""

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.core import clock
from apps.counter import amounts, basket, choices, door, reasons, screens, strip, tickets
from apps.counter.views import till
from apps.coupons.basket import Shopper
from apps.coupons.models import Coupon
from apps.flows import shopper
from apps.flows.bought import Bought, Good
from apps.flows.checkout import Desk


def offers(
    request: HttpRequest, seen: tickets.Member, *, bought: Bought, who: Shopper | None = None, wished: int = 0
) -> dict[str, Any]:
    desk = door.desk(request)
    who = who or shopper.shopper_of(seen.member_id)
    found = choices.of(who, desk=desk, bought=bought, is_present=seen.is_present, wished=wished)
    return {"offers": found, "is_empty": bought == Bought(), "seen": seen, "wished": wished}


def member(
    request: HttpRequest,
    seen: tickets.Member,
    *,
    bought: Bought | None = None,
    wished: int = 0,
    held: Coupon | None = None,
    refused: reasons.No | None = None,
) -> HttpResponse:
    """`bought`: None is what the page says. `held`: a coupon that was scanned before; `refused`: why one was not."""
    desk, who = door.desk(request), shopper.shopper_of(seen.member_id)
    bought = bought or basket.of(request)
    facts = offers(request, seen, bought=bought, who=who, wished=held.pk if held else wished) | {
        "member": strip.of(seen.member_id, store_id=desk.store_id),
        "ticket": tickets.for_member(desk=desk, member_id=seen.member_id, is_present=seen.is_present),
        "goods": basket.shown(bought.goods, who=who, desk=desk, moment=clock.now()),
        "held": held,
        "refused": refused,
    }
    return screens.part(request, "_member.html", facts, place="view", sound="no" if refused else "seen")


def with_goods(request: HttpRequest, goods: tuple[Good, ...], *, sound: str = "") -> HttpResponse:
    """The screen that the goods stand on: the member's where the page names one (`strip`), else their own; the first one where none
    are left."""
    desk, text = door.desk(request), screens.posted(request, "strip", 400)
    bought = replace(basket.of(request), goods=goods)
    if text:
        wished = amounts.whole(screens.posted(request, "wished"))
        answer = member(request, tickets.member(text, desk=desk), bought=bought, wished=wished)
    else:
        answer = _alone(request, goods, desk) if goods else till.idle(request)
    answer["X-Goods"], answer["X-Sound"] = "1", sound
    return answer


def _alone(request: HttpRequest, goods: tuple[Good, ...], desk: Desk) -> HttpResponse:
    found = basket.shown(goods, who=None, desk=desk, moment=clock.now())
    return screens.part(request, "_basket.html", {"goods": found}, place="view")
