"""Taking a sale in, now or later from the queue of a till without network; undoing it; handing out a gift."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from apps.catalog.errors import PriceUnknown
from apps.core import clock
from apps.core.errors import DomainError
from apps.counter import amounts, basket, door, reasons, scans, screens, showing, tickets
from apps.counter.errors import AlreadyHandedOver, SaleUnsigned
from apps.flows import bought, checkout
from apps.flows import gift_undo as gift_undo_story
from apps.flows.bought import Bought
from apps.flows.checkout import Desk, Sale, Taken
from apps.flows.checkout_errors import KeyReused, PricesMoved
from apps.flows.models import Checkout
from apps.members import selectors as members
from apps.members.names import half_hidden
from apps.points import mall
from apps.stores import pins, tills
from apps.stores.errors import PinWrong
from apps.stores.models import Shift

UNDO_SECONDS = int(checkout.UNDO_WITHIN.total_seconds())
_MANAGERS = (checkout.UndoNeedsManager, PinWrong)  # after a wrong PIN the next one is typed in the same place


@screens.act
def pay(request: HttpRequest) -> HttpResponse:
    desk = door.desk(request)
    seen = tickets.member(screens.posted(request, "ticket", 400), desk=desk)
    shown = screens.posted(request, "shown")
    sale = Sale(
        key=screens.posted(request, "key", 64),
        member_id=seen.member_id,
        receipt=scans.plain(screens.posted(request, "receipt", 80)).upper(),
        bought=basket.of(request),
        shown_cents=amounts.whole(shown) if shown else None,
        points=amounts.whole(screens.posted(request, "points")),
        coupons=tuple(sorted({amounts.whole(text) for text in screens.posted(request, "coupons").split(",") if text})),
        is_vouched=request.POST.get("vouched") == "1",
        is_present=seen.is_present,
    )
    taken = checkout.pay(desk=desk, sale=sale)
    is_settled = checkout.follow(order_id=taken.checkout.order_id)
    return _done(request, taken, is_settled=is_settled)


@screens.act
def undo(request: HttpRequest) -> HttpResponse:
    """With the PIN of a manager once the clerk may not do it alone."""
    desk = door.desk(request)
    checkout_id = amounts.whole(screens.posted(request, "checkout"))
    try:
        undone = checkout.undo(checkout_id=checkout_id, desk=desk, manager_id=_manager(request, desk))
    except _MANAGERS as refusal:
        return _ask_manager(request, refusal, desk, path="undo", name="checkout", value=checkout_id)
    refund_id = undone.checkout.order.refunds.order_by("-pk").values_list("pk", flat=True).first()
    checkout.follow(order_id=refund_id or 0, fact="order.refunded")
    facts = {"row": undone.checkout, "is_new": undone.is_new}
    return screens.part(request, "_undone.html", facts, place="result", sound="ok")


@screens.act
def hand_over(request: HttpRequest) -> HttpResponse:
    desk = door.desk(request)
    at = mall.Counter(store_id=desk.store_id, staff_id=desk.staff_id, guesser=f"device:{desk.device_id}")
    exchange_id = tickets.gift(screens.posted(request, "ticket", 400), desk=desk)
    taken = mall.hand_over_seen(exchange_id=exchange_id, at=at)
    if not taken.is_new:
        raise AlreadyHandedOver
    row = taken.exchange
    card = members.card(row.member_id)
    facts = {
        "row": row,
        "name": half_hidden(card.nickname) or card.member_no,
        "handed": tickets.for_handed(desk=desk, exchange_id=row.pk, at=row.settled_at or clock.now()),
        "undo_seconds": UNDO_SECONDS,
    }
    return screens.part(request, "_handed.html", facts, place="result", sound="ok")


@screens.act
def gift_undo(request: HttpRequest) -> HttpResponse:
    """A gift that was handed out by mistake waits again. Alone or with the PIN of a manager, as sales are undone."""
    desk, ticket = door.desk(request), screens.posted(request, "ticket", 400)
    exchange_id, handed_at = tickets.handed(ticket, desk=desk)
    try:
        taken = gift_undo_story.undo(
            exchange_id=exchange_id, handed_at=handed_at, desk=desk, manager_id=_manager(request, desk)
        )
    except _MANAGERS as refusal:
        return _ask_manager(request, refusal, desk, path="gift-undo", name="ticket", value=ticket)
    return screens.part(request, "_taken_back.html", {"row": taken.exchange}, place="result", sound="ok")


def _manager(request: HttpRequest, desk: Desk) -> int | None:
    """Whose PIN was entered. Raises PinWrong, TooManyPins."""
    if not request.POST.get("pin"):
        return None
    manager = pins.check(
        staff_id=amounts.whole(screens.posted(request, "staff")), pin=screens.posted(request, "pin"),
        device_id=desk.device_id, store_id=desk.store_id, permission=pins.OVERRIDE,
    )  # fmt: skip
    return manager.pk


def _ask_manager(
    request: HttpRequest, refusal: DomainError, desk: Desk, *, path: str, name: str, value: object
) -> HttpResponse:
    managers = pins.people(store_id=desk.store_id, permission=pins.OVERRIDE)
    return screens.no(request, refusal, managers=managers, path=path, name=name, value=value)


@require_POST
def later(request: HttpRequest) -> JsonResponse:
    """One sale that the till kept while its network was away: {"is_kept", "code", "title"}; repeatable by its key.

    The text is signed by the till's own key and names the shift in which it was taken in, so nobody has to be at the till now.
    """
    try:
        taken = _from_queue(request)
    except DomainError as refusal:
        words = reasons.of(refusal)
        retry = refusal.is_retryable
        return JsonResponse(
            {"is_kept": False, "code": words.code, "title": words.title, "why": words.why, "retry": retry}
        )
    checkout.follow(order_id=taken.checkout.order_id, patience=0)
    return JsonResponse({"is_kept": True, "code": "", "title": "", "why": "", "retry": False})


def _from_queue(request: HttpRequest) -> Taken:
    text, device_id = request.POST.get("text", "")[: basket.SENT + 2_000], door.till_id(request)
    if not tills.is_signed(device_id=device_id, text=text, signature=screens.posted(request, "signature", 200)):
        raise SaleUnsigned
    try:
        item: dict[str, Any] = json.loads(text)
        at = clock.parse(str(item["at"]))
        shift_id, key, ticket = int(item["shift"]), str(item["key"]), str(item.get("ticket", ""))[:400]
        code = scans.plain(str(item.get("code", "")))
        receipt, cents = scans.plain(str(item["receipt"])).upper(), amounts.cents(str(item["amount"]))
        goods = basket.read(str(item.get("goods", ""))[: basket.SENT])
        goods_cents = amounts.whole(str(item.get("goods_cents", ""))) if goods else 0
    except (ValueError, KeyError, TypeError):
        raise SaleUnsigned from None
    desk = _desk_of(request, shift_id, at)
    earlier = Checkout.objects.filter(key=key).values_list("order__member_id", flat=True).first()
    with transaction.atomic():  # a sale that is refused leaves the member's code unused
        member_id = earlier or _member_of(code, ticket, desk=desk, at=at)
        sale = Sale(key, member_id, receipt, Bought(cents + goods_cents), is_present=True, scanned_at=at)
        if not goods:
            return checkout.pay(desk=desk, sale=sale)
        try:
            return checkout.pay(
                desk=desk, sale=replace(sale, bought=Bought(cents, goods), shown_cents=cents + goods_cents)
            )
        except (PricesMoved, PriceUnknown, KeyReused):  # what was collected counts, whatever the goods cost by now
            return checkout.pay(desk=desk, sale=sale)


def _desk_of(request: HttpRequest, shift_id: int, at: datetime) -> Desk:
    """The shift that the till says it was: one of this till that was open then."""
    till = request.till  # type: ignore[attr-defined]
    row = Shift.objects.filter(pk=shift_id, device_id=till.device_id, began_at__lte=at + checkout.SKEW).first()
    if row is None or (row.ended_at is not None and row.ended_at < at - checkout.SKEW):
        raise SaleUnsigned
    return Desk(row.pk, till.device_id, till.store_id, till.store_code, row.staff_id)


def _member_of(code: str, ticket: str, *, desk: Desk, at: datetime) -> int:
    """Whom the till saw while it had its network; else by the code as it was when it was scanned, or by the phone that was typed."""
    if ticket:
        return tickets.member(ticket, desk=desk, moment=at).member_id
    if scans.kind(code) == "phone":
        return scans.by_phone(code, desk=desk)
    return showing.read(code, desk=desk, moment=at).member_id


def _done(request: HttpRequest, taken: Taken, *, is_settled: bool) -> HttpResponse:
    row = taken.checkout
    card = members.card(row.order.member_id)
    lines, special_cents = bought.told(row.order, gross_cents=row.gross_cents)
    facts = {
        "row": row,
        "is_new": taken.is_new,
        "brought": checkout.brought(checkout=row, is_settled=is_settled),
        "name": half_hidden(card.nickname) or card.member_no,
        "lines": lines,
        "special_cents": special_cents,
        "undo_seconds": max(UNDO_SECONDS - int((clock.now() - row.at).total_seconds()), 0),
    }
    return screens.part(request, "_ok.html", facts, place="result", sound="ok")
