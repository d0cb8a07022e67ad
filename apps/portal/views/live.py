"""The schedule of live streams: what is on this week, one tap to be reminded, a piece put aside to try on in a store."""

from datetime import date
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.catalog import selectors as catalog
from apps.catalog import words
from apps.catalog.pricing import Buyer
from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound
from apps.flows import shopper as shoppers
from apps.livestream import joining, selectors
from apps.livestream.models import Product, Reservation, Stream
from apps.portal import sessions, shell
from apps.portal.shell import Facts
from apps.stores.models import Store

STREAM, PRODUCT, PIECE, STORE = "liv", "lvp", "lvr", "sto"
LONGEST_TOKEN = 40


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Day by day; what is over stands at the end."""
    moment = clock.now()
    rows = list(selectors.schedule(moment=moment))
    asked = selectors.reminded(member_id=_me(request))
    parts = selectors.products(stream_ids=[row.pk for row in rows])
    shown = [_shown(row, asked, parts.get(row.pk, [])) for row in rows]
    days: dict[date, list[dict[str, Any]]] = {}
    for one in shown:
        if not one["is_over"]:
            days.setdefault(clock.local_date(one["row"].starts_at), []).append(one)
    mine = selectors.put_aside(member_id=_me(request))[:20]
    facts: Facts = {
        "days": list(days.items()),
        "over": [one for one in reversed(shown) if one["is_over"]],
        "pieces": [{"row": row, "id": ids.encode(PIECE, row.pk)} for row in mine],
        "today": clock.local_date(moment),
    }
    return shell.page(request, "portal/live.html", facts, at="home")


@require_POST
def remind(request: HttpRequest, stream: str) -> HttpResponse:
    """On, or off again."""
    key = ids.decode(STREAM, stream)
    try:
        if request.POST.get("do") == "off":
            joining.forget(stream_id=key, member_id=_me(request))
            sessions.say(request, _("You will not be reminded of this stream."))
        else:
            joining.remind(stream_id=key, member_id=_me(request))
            sessions.say(request, _("We remind you a day and a quarter of an hour before it begins."))
    except DomainError as refusal:
        sessions.say(request, str(refusal))
    return redirect("portal:live")


@require_http_methods(["GET", "HEAD", "POST"])
def reserve(request: HttpRequest, product: str) -> HttpResponse:
    """Which store, which day. The form's token is its source: sent twice, it is one piece."""
    row = Product.objects.select_related("stream", "product").filter(pk=ids.decode(PRODUCT, product)).first()
    if row is None or row.quantity is None:
        raise NotFound
    begins = clock.local_date(row.stream.starts_at)
    first, last = max(begins, clock.local_date(clock.now())), begins + joining.VISIT_WITHIN
    facts: Facts = {
        "row": row,
        "left": row.quantity - row.reserved,
        **_price(request, row.product.sku),
        "stores": [(ids.encode(STORE, one.pk), one.name) for one in Store.objects.filter(is_open=True)],
        "first": first,
        "last": last,
        "chosen": request.POST.get("store", ""),
        "day": request.POST.get("day", "") or f"{first:%Y-%m-%d}",
        "token": request.POST.get("token", "")[:LONGEST_TOKEN] or uuid4().hex,
    }
    status = 200
    if request.method == "POST":
        try:
            _reserve(request, row, facts)
        except DomainError as refusal:
            facts["problem"], status = str(refusal), refusal.status
        else:
            sessions.say(request, _("A piece is put aside for you. Show your member code in the store."))
            return redirect("portal:live")
    return shell.page(request, "portal/live_reserve.html", facts, at="home", status=status)


@require_POST
def give_back(request: HttpRequest, piece: str) -> HttpResponse:
    try:
        joining.settle(
            reservation_id=ids.decode(PIECE, piece), state=Reservation.State.CANCELLED, member_id=_me(request)
        )
    except DomainError as refusal:
        sessions.say(request, str(refusal))
    else:
        sessions.say(request, _("The piece is free for others again."))
    return redirect("portal:live")


def _reserve(request: HttpRequest, row: Product, facts: Facts) -> None:
    try:
        day = date.fromisoformat(facts["day"])
    except ValueError:
        day = date.min
    if not facts["chosen"]:
        raise NotFound
    joining.reserve(
        product_id=row.pk, member_id=_me(request), store_id=ids.decode(STORE, facts["chosen"]), visit_on=day,
        source=f"portal:{_me(request)}:{facts['token']}",
    )  # fmt: skip


def _price(request: HttpRequest, sku: str) -> Facts:
    """What this member pays for it online, and why; nothing where the catalogue has no price."""
    buyer = Buyer(clock.now(), is_member=True, tier=shoppers.shopper_of(_me(request)).tier)
    found = catalog.shown([sku], buyer=buyer)
    return {"price": found[0], "price_said": words.rule(found[0].rule)} if found else {}


def _shown(row: Stream, asked: set[int], parts: list[Product]) -> dict[str, Any]:
    limited = [one for one in parts if one.quantity is not None]
    return {
        "row": row,
        "id": ids.encode(STREAM, row.pk),
        "is_live": row.state == Stream.State.LIVE,
        "is_over": row.state == Stream.State.ENDED,
        "is_reminded": row.pk in asked,
        "names": [one.product.name for one in parts if one.quantity is None],
        "limited": [
            {"name": one.product.name, "left": (one.quantity or 0) - one.reserved, "id": ids.encode(PRODUCT, one.pk)}
            for one in limited
        ],
    }


def _me(request: HttpRequest) -> int:
    return int(request.member.member_id)  # type: ignore[attr-defined]
