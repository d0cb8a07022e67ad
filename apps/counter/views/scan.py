"""A scan, typed digits or a picture: whose code it is, and what the member may use on this sale."""

from django.http import HttpRequest, HttpResponse

from apps.catalog import barcodes
from apps.catalog import selectors as catalog
from apps.core.errors import DomainError
from apps.counter import (
    amounts,
    basket,
    choices,
    door,
    drawn,
    frames,
    presented,
    reasons,
    scans,
    screens,
    showing,
    tickets,
)
from apps.counter.errors import AlreadyHandedOver, GoodsUnknown, PictureUnreadable, ScanUnknown
from apps.counter.views import goods
from apps.coupons import codes
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Coupon
from apps.flows import own_cards, shopper
from apps.flows.bought import Bought
from apps.flows.checkout import Desk
from apps.members import selectors as members
from apps.members.errors import MemberCodeInvalid
from apps.members.names import half_hidden
from apps.points import mall
from apps.points.mall_errors import ExchangeOver, PickUpUnknown
from apps.points.models import Exchange
from apps.stores import shifts


@screens.act
def scan(request: HttpRequest) -> HttpResponse:
    """By the shape of the text, and by whose strip is on the screen. What may be a receipt's number goes back to the till."""
    return _taken(request, scans.plain(screens.posted(request, "text")))


@screens.act
def picture(request: HttpRequest) -> HttpResponse:
    """A frame of the camera, or a photo: the code in it. A frame without one is answered 204, for the next comes soon."""
    upload = request.FILES.get("picture")
    found = frames.read(upload.read(frames.MOST_BYTES + 1)) if upload else ""
    if found:
        shifts.touch(request.shift)  # type: ignore[attr-defined]
        return _taken(request, scans.plain(found))
    if request.POST.get("is_frame"):
        return HttpResponse(status=204)
    raise PictureUnreadable


@screens.act
def tail(request: HttpRequest) -> HttpResponse:
    """The end of a phone number: one member of this store is shown, several are offered by their half-hidden names. More than four
    signs: a whole phone, or the number of a card."""
    desk = door.desk(request)
    text = scans.plain(screens.posted(request, "text"))
    if len(text) > 4:
        card = scans.by_card(text, desk=desk, is_alone=True)
        return shown(request, card or scans.by_phone(text, desk=desk), is_present=False)
    found = scans.by_tail(text, desk=desk)
    if len(found) == 1:
        return shown(request, found[0], is_present=False)
    cards = [members.card(member_id) for member_id in found]
    rows = [
        (tickets.for_member(desk=desk, member_id=member_id, is_present=False), half_hidden(card.nickname) or card.member_no)
        for member_id, card in zip(found, cards, strict=True)
    ]  # fmt: skip
    return screens.part(request, "_choose.html", {"rows": rows}, place="view")


@screens.act
def chosen(request: HttpRequest) -> HttpResponse:
    seen = tickets.member(screens.posted(request, "ticket", 400), desk=door.desk(request))
    return shown(request, seen.member_id, is_present=seen.is_present)


@screens.act
def offers(request: HttpRequest) -> HttpResponse:
    """What may be used, anew: the amount was typed after the scan."""
    desk = door.desk(request)
    ticket = screens.posted(request, "ticket", 400)
    seen = tickets.member(ticket, desk=desk)
    wished = amounts.whole(screens.posted(request, "wished"))
    facts = drawn.offers(request, seen, bought=basket.of(request), wished=wished)
    return screens.part(request, "_offers.html", facts, place="offers")


def _taken(request: HttpRequest, text: str) -> HttpResponse:
    desk, kind, invalid = door.desk(request), scans.kind(text), None
    if kind == "member":
        try:
            read = showing.read(text, desk=desk)
        except MemberCodeInvalid as refusal:
            invalid = refusal
        else:
            return shown(request, read.member_id, is_present=True, wished=showing.wished(read))
    if card := scans.by_card(text, desk=desk, is_alone=not screens.posted(request, "ticket", 400)):
        return shown(request, card, is_present=False)
    if invalid and not codes.is_shaped(text):
        raise invalid
    if kind == "phone":
        return shown(request, scans.by_phone(text, desk=desk), is_present=False)
    return _thing(request, text, kind)


def _thing(request: HttpRequest, text: str, kind: scans.Kind) -> HttpResponse:
    """Goods, a coupon, a gift to be picked up, or a receipt. Without a member on the screen a coupon's code is only known by its
    shape."""
    if found := catalog.on_the_counter(text):
        return goods.put_in(request, found)
    desk, ticket = door.desk(request), screens.posted(request, "ticket", 400)
    if ticket and (answer := _coupon(request, text, tickets.member(ticket, desk=desk), desk)):
        return answer
    is_coupon = not ticket and codes.is_shaped(text)
    if kind == "gift":
        try:
            return _gift(request, text)
        except PickUpUnknown:
            if not (ticket or is_coupon):
                raise
    if is_coupon:
        return screens.part(
            request, "_coupon.html", {"text": text, "masked": codes.masked(text)}, place="view", sound="seen"
        )
    if not kind:
        raise ScanUnknown
    if barcodes.read(text) and catalog.has_barcodes():
        raise GoodsUnknown
    answer = HttpResponse(status=204)
    answer["X-Receipt"] = text
    return answer


def _coupon(request: HttpRequest, text: str, seen: tickets.Member, desk: Desk) -> HttpResponse | None:
    """Chosen for the sale on the screen; what speaks against it is said with what else there is. None: no coupon's code."""
    bought, who = basket.of(request), shopper.shopper_of(seen.member_id)
    try:
        found = presented.coupon(text, seen=seen, desk=desk)
        if found is None:
            return None
        presented.require_usable(found, who=who, desk=desk, bought=bought)
    except CouponRefused as refusal:
        others = choices.of(who, desk=desk, bought=bought, is_present=seen.is_present).open
        return screens.no(request, refusal, other=others[0] if others else None)
    facts = drawn.offers(request, seen, bought=bought, who=who, wished=found.pk) | {"held": found}
    return screens.part(request, "_offers.html", facts, place="offers", sound="seen")


def shown(request: HttpRequest, member_id: int, *, is_present: bool, wished: int = 0) -> HttpResponse:
    """The strip of a member, with what they may use; a coupon that was scanned before is looked up now. Raises OwnCardShown."""
    desk, seen = door.desk(request), tickets.Member(member_id, is_present)
    own_cards.refuse(staff_id=desk.staff_id, member_id=member_id)
    bought = basket.of(request)
    held, refused = _scanned_before(request, seen, desk, bought)
    return drawn.member(request, seen, bought=bought, wished=wished, held=held, refused=refused)


def _scanned_before(
    request: HttpRequest, seen: tickets.Member, desk: Desk, bought: Bought
) -> tuple[Coupon | None, reasons.No | None]:
    """The coupon whose code the till sent along, or why not: the member's code is used up by now, so this is no red screen."""
    text = scans.plain(screens.posted(request, "coupon"))
    if not text:
        return None, None
    try:
        found = presented.coupon(text, seen=seen, desk=desk)
        if found is not None:
            who = shopper.shopper_of(seen.member_id)
            presented.require_usable(found, who=who, desk=desk, bought=bought)
    except DomainError as refusal:
        return None, reasons.of(refusal)
    return found, None


def _gift(request: HttpRequest, text: str) -> HttpResponse:
    desk = door.desk(request)
    at = mall.Counter(store_id=desk.store_id, staff_id=desk.staff_id, guesser=f"device:{desk.device_id}")
    found = mall.look_up(code=text, at=at)
    if found.state == "done":
        return _handed_before(request, found.exchange, desk)
    if found.state != "ready":
        raise ExchangeOver(state=found.state)
    card = members.card(found.exchange.member_id)
    facts = {
        "row": found.exchange,
        "name": half_hidden(card.nickname) or card.member_no,
        "tail": card.masked_phone[-4:],
        "ticket": tickets.for_gift(desk=desk, exchange_id=found.exchange.pk),
    }
    return screens.part(request, "_gift.html", facts, place="view", sound="seen")


def _handed_before(request: HttpRequest, row: Exchange, desk: Desk) -> HttpResponse:
    """Red; where it was handed over in this store, that can be taken back."""
    ticket = ""
    if row.handed_store_id == desk.store_id and row.settled_at is not None:
        ticket = tickets.for_handed(desk=desk, exchange_id=row.pk, at=row.settled_at)
    return screens.no(request, AlreadyHandedOver(), handed=ticket)
