"""A scan, typed digits or a picture: whose code it is, and what the member may use on this sale."""

from django.http import HttpRequest, HttpResponse

from apps.counter import amounts, choices, door, frames, scans, screens, showing, strip, tickets
from apps.counter.errors import AlreadyHandedOver, PictureUnreadable, ScanUnknown
from apps.flows import own_cards
from apps.members import selectors as members
from apps.members.names import half_hidden
from apps.points import mall
from apps.points.mall_errors import ExchangeOver


@screens.act
def scan(request: HttpRequest) -> HttpResponse:
    """By the shape of the text. What may be a receipt's number goes back to the till, which knows whether it waits for one."""
    return _taken(request, scans.plain(screens.posted(request, "text")))


@screens.act
def picture(request: HttpRequest) -> HttpResponse:
    """A frame of the camera, or a photo: the code in it. A frame without one is answered 204, for the next comes soon."""
    upload = request.FILES.get("picture")
    found = frames.read(upload.read(frames.MOST_BYTES + 1)) if upload else ""
    if found:
        return _taken(request, scans.plain(found))
    if request.POST.get("is_frame"):
        return HttpResponse(status=204)
    raise PictureUnreadable


@screens.act
def tail(request: HttpRequest) -> HttpResponse:
    """The end of a phone number: one member of this store is shown, several are offered by their half-hidden names."""
    desk = door.desk(request)
    text = scans.plain(screens.posted(request, "text"))
    if len(text) > 4:
        return shown(request, scans.by_phone(text, desk=desk), is_present=False)
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
    cents = amounts.cents(screens.posted(request, "amount"))
    found = choices.of(seen.member_id, desk=desk, cents=cents, is_present=seen.is_present)
    return screens.part(request, "_offers.html", {"offers": found, "cents": cents, "seen": seen}, place="offers")


def _taken(request: HttpRequest, text: str) -> HttpResponse:
    desk = door.desk(request)
    match scans.kind(text):
        case "member":
            return shown(request, showing.member_of(text, desk=desk), is_present=True)
        case "gift":
            return _gift(request, text)
        case "phone":
            return shown(request, scans.by_phone(text, desk=desk), is_present=False)
        case "receipt":
            answer = HttpResponse(status=204)
            answer["X-Receipt"] = text
            return answer
    raise ScanUnknown


def shown(request: HttpRequest, member_id: int, *, is_present: bool) -> HttpResponse:
    """The strip of a member, with what they may use. Raises OwnCardShown."""
    desk = door.desk(request)
    own_cards.refuse(staff_id=desk.staff_id, member_id=member_id)
    cents = amounts.cents(screens.posted(request, "amount"))
    facts = {
        "member": strip.of(member_id, store_id=desk.store_id),
        "ticket": tickets.for_member(desk=desk, member_id=member_id, is_present=is_present),
        "seen": tickets.Member(member_id, is_present),
        "offers": choices.of(member_id, desk=desk, cents=cents, is_present=is_present),
        "cents": cents,
    }
    return screens.part(request, "_member.html", facts, place="view", sound="seen")


def _gift(request: HttpRequest, text: str) -> HttpResponse:
    desk = door.desk(request)
    at = mall.Counter(store_id=desk.store_id, staff_id=desk.staff_id, guesser=f"device:{desk.device_id}")
    found = mall.look_up(code=text, at=at)
    if found.state != "ready":
        raise AlreadyHandedOver if found.state == "done" else ExchangeOver(state=found.state)
    card = members.card(found.exchange.member_id)
    facts = {
        "row": found.exchange,
        "name": half_hidden(card.nickname) or card.member_no,
        "tail": card.masked_phone[-4:],
        "ticket": tickets.for_gift(desk=desk, exchange_id=found.exchange.pk),
    }
    return screens.part(request, "_gift.html", facts, place="view", sound="seen")
