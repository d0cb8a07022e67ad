"""The points mall and what a member took there."""

from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_safe

from apps.activity import qr
from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound
from apps.core.files import answers
from apps.points import mall, offers, pick_up, selectors
from apps.points.models import Exchange, RewardPicture
from apps.points.offers import Offer
from apps.portal import sessions, shell
from apps.portal.shell import Facts

REWARD, EXCHANGE, STORE = "rwd", "exg", "sto"
PAGE = 20
LONGEST_TOKEN = 40
PICTURE_SECONDS = 365 * 86_400


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """What can be had first, then what is near, then the rest."""
    moment = clock.now()
    found = offers.find(member_id=_me(request), moment=moment)
    facts: Facts = {
        "ready": [one for one in found if one.is_available],
        "others": [one for one in found if not one.is_available],
        "totals": selectors.totals(member_id=_me(request), moment=moment),
    }
    return shell.page(request, "portal/mall.html", facts, at="home")


@require_safe
def reward(request: HttpRequest, reward: str) -> HttpResponse:
    """One reward, with every reason why it is not to be had."""
    return shell.page(request, "portal/reward.html", _facts(request, reward), at="home")


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, reward: str) -> HttpResponse:
    """What it will cost, then the exchange. The form's token is its source: sent twice, it happens once."""
    facts = _facts(request, reward)
    offer: Offer = facts["offer"]
    given = request.POST if request.method == "POST" else request.GET
    store_id = ids.decode(STORE, given["store"]) if given.get("store") else None
    if request.method == "POST":
        return _exchanged(request, facts, store_id=store_id)
    store = next((one for one in offer.stores if one.id == store_id), None)
    if not offer.is_available or (offer.reward.is_store_limited and store is None):
        text = "" if not offer.is_available else _("Choose the store where you want to pick it up.")
        return shell.page(request, "portal/reward.html", {**facts, "problem": text}, at="home", status=422)
    balance = facts["totals"].balance
    more = {"store": store, "token": uuid4().hex, "after": balance - offer.reward.points}
    return shell.page(request, "portal/reward_confirm.html", {**facts, **more}, at="home")


@require_safe
def exchanges(request: HttpRequest) -> HttpResponse:
    """Newest first; `?after=` goes on below one. htmx asks for the rows alone."""
    found = offers.of_member(_me(request))
    after = request.GET.get("after", "")
    if after:
        found = found.filter(pk__lt=ids.decode(EXCHANGE, after))
    rows = list(found[: PAGE + 1])
    facts: Facts = {
        "rows": rows[:PAGE],
        "older": ids.encode(EXCHANGE, rows[PAGE - 1].pk) if len(rows) > PAGE else "",
    }
    if request.headers.get("HX-Request") and after:
        return shell.part(request, "portal/_exchange_rows.html", facts)
    return shell.page(request, "portal/exchanges.html", facts, at="home")


@require_safe
def exchange(request: HttpRequest, exchange: str) -> HttpResponse:
    """One exchange; while it waits in the store, its code."""
    row = _own(request, exchange)
    code = ""
    if row.state == Exchange.State.READY and row.code_sealed:
        code = pick_up.opened(bytes(row.code_sealed), member_id=row.member_id)
    facts: Facts = {"row": row, "code": pick_up.grouped(code), "picture": qr.svg(code) if code else ""}
    return shell.page(request, "portal/exchange.html", facts, at="home")


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, exchange: str) -> HttpResponse:
    row = _own(request, exchange)
    if request.method == "POST":
        mall.cancel(exchange_id=row.pk, by_member=row.member_id)
        sessions.say(request, _("Cancelled. Your points are back."))
    elif row.state in {Exchange.State.AWAITING, Exchange.State.READY} and not row.paid_at:
        return shell.page(request, "portal/exchange_cancel.html", {"row": row}, at="home")
    return redirect("portal:exchange", exchange)


@require_safe
def picture(request: HttpRequest, picture: str) -> HttpResponse:
    """Anybody may see what is on offer. A picture is named by its content, so it may be kept for good."""
    row = RewardPicture.objects.filter(digest=picture).first()
    if row is None:
        raise NotFound
    return answers.picture(bytes(row.content), name="reward.jpg", seconds=PICTURE_SECONDS)


def _exchanged(request: HttpRequest, facts: Facts, *, store_id: int | None) -> HttpResponse:
    token = request.POST.get("token", "")
    if not 0 < len(token) <= LONGEST_TOKEN:  # without one a second sending could not be told from a second exchange
        raise NotFound
    member_id = _me(request)
    shopper = mall.Shopper(member_id=member_id, tier_key=offers.tier_key(member_id))
    source = f"portal:{token}"
    try:
        taken = mall.exchange(shopper=shopper, reward_id=facts["offer"].reward.pk, source=source, store_id=store_id)
    except DomainError as refusal:
        return shell.page(
            request, "portal/reward.html", {**facts, "problem": str(refusal)}, at="home", status=refusal.status
        )
    if taken.is_new:
        sessions.say(request, _said(taken.exchange))
    return redirect("portal:exchange", ids.encode(EXCHANGE, taken.exchange.pk))


def _said(row: Exchange) -> str:
    if row.state == Exchange.State.AWAITING:
        return _("Your points are set aside. Pay to complete the exchange.")
    return pgettext("rewards", "It is yours.")


def _facts(request: HttpRequest, reward: str) -> dict[str, Any]:
    found = offers.one(member_id=_me(request), reward_id=ids.decode(REWARD, reward))
    if found is None:
        raise NotFound
    totals = selectors.totals(member_id=_me(request), currency=found.reward.currency.key)
    return {"offer": found, "reward": found.reward, "totals": totals}


def _own(request: HttpRequest, exchange: str) -> Exchange:
    row = offers.of_member(_me(request)).filter(pk=ids.decode(EXCHANGE, exchange)).first()
    if row is None:
        raise NotFound
    return row


def _me(request: HttpRequest) -> int:
    return request.member.member_id  # type: ignore[attr-defined]
