"""The hand-over at the counter: scan or type a code, see what it is and for whom, give it out.

Every screen has one form: a typed code is looked up, an empty one hands over what the screen shows. So a scanner that sends Enter
never gives out one gift while it reads the code of another.
"""

from dataclasses import dataclass
from math import ceil
from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from apps.console import exchange_life, scope
from apps.core.errors import DomainError, Forbidden
from apps.members import selectors as members
from apps.points import mall
from apps.points.mall_errors import ExchangeOver, PickUpElsewhere, PickUpUnknown, TooManyGuesses
from apps.points.models import Exchange
from apps.stores.models import Staff, Store

PERMISSION = "points.hand_over"
SALT, SEEN_FOR = "points.hand-over", 600  # seconds for which a look holds
State = Exchange.State


@dataclass(frozen=True)
class No:
    """A red screen: what is the matter, why, and what to do now. `code` is for whoever helps from afar."""

    title: str
    why: str
    now: str
    code: str
    status: int = 409


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    at = _counter(request)
    code, ticket = request.POST.get("code", "").replace("\0", "").strip(), request.POST.get("ticket", "")
    try:
        if code:
            return _looked_up(request, code, at=at)
        if ticket:
            return _handed(request, ticket, at=at)
    except DomainError as refusal:
        return _refused(request, _words(refusal))
    return _screen(request, "counter/hand_over.html", {})


def _looked_up(request: HttpRequest, code: str, *, at: mall.Counter) -> HttpResponse:
    seen = mall.look_up(code=code, at=at)
    if seen.state != State.READY:
        return _refused(request, _over(seen.exchange, seen.state))
    facts = {
        **_facts(seen.exchange),
        "ticket": signing.dumps([seen.exchange.pk, request.user.pk], salt=SALT),
        "until": exchange_life.last_day(seen.exchange.expires_at) if seen.exchange.expires_at else "",
    }
    return _screen(request, "counter/hand_over_ready.html", facts)


def _handed(request: HttpRequest, ticket: str, *, at: mall.Counter) -> HttpResponse:
    try:
        exchange_id, user_id = signing.loads(ticket, salt=SALT, max_age=SEEN_FOR)
    except (signing.BadSignature, ValueError):
        exchange_id = user_id = None
    if exchange_id is None or user_id != request.user.pk:
        return _refused(request, _stale())
    taken = mall.hand_over_seen(exchange_id=exchange_id, at=at)
    if not taken.is_new:
        return _refused(request, _over(taken.exchange, State.DONE))
    return _screen(request, "counter/hand_over_done.html", _facts(taken.exchange))


def _counter(request: HttpRequest) -> mall.Counter:
    """Who works in a store stands in it; who may see all stores may name the one they stand in. Raises Forbidden."""
    access = request.access  # type: ignore[attr-defined]
    who = {"staff_id": access.staff_id, "guesser": f"staff:{access.staff_id}"}
    if access.reach(PERMISSION) == "all":
        return mall.Counter(store_id=scope.of(request, permission=PERMISSION).chosen, **who)
    if access.store_id is None:
        raise Forbidden
    return mall.Counter(store_id=access.store_id, **who)


def _facts(row: Exchange) -> dict[str, Any]:
    return {"row": row, "member": row.member, "phone": members.masked_phone(row.member_id)}


def _screen(request: HttpRequest, template: str, facts: dict[str, Any], *, status: int = 200) -> HttpResponse:
    access = request.access  # type: ignore[attr-defined]
    where = scope.of(request, permission=PERMISSION)
    is_free = access.reach(PERMISSION) == "all"
    store_id = where.chosen if is_free else access.store_id
    shown = {
        "stores": where.options if is_free else (),
        "store": Store.objects.filter(pk=store_id).first() if store_id else None,
        "clerk": Staff.objects.get(pk=access.staff_id),
        "query": f"?store={where.chosen}" if where.chosen else "",
    }
    answer = render(request, template, {**shown, **facts}, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


def _refused(request: HttpRequest, no: No) -> HttpResponse:
    return _screen(request, "counter/hand_over_no.html", {"no": no}, status=no.status)


def _words(refusal: DomainError) -> No:
    if isinstance(refusal, PickUpUnknown):
        now = _("Read it again, letter by letter. The member finds it under “My exchanges”.")
        return No(_("No such code"), _("Nobody waits under this code."), now, refusal.code, 404)
    if isinstance(refusal, PickUpElsewhere):
        now = _("It stays ready there. Here it cannot be handed over.")
        return No(_("Another store"), str(refusal), now, refusal.code)
    if isinstance(refusal, TooManyGuesses):
        minutes = ceil(int(str(refusal.facts["retry_after"])) / 60)
        now = ngettext("Go on in %(n)s minute.", "Go on in %(n)s minutes.", minutes) % {"n": minutes}
        return No(_("Too many codes"), str(refusal), now, refusal.code, 429)
    if isinstance(refusal, ExchangeOver):
        return _stale()
    raise refusal


def _stale() -> No:
    why = _("This screen stood too long, or the exchange has changed meanwhile.")
    return No(_("Scan it again"), why, _("Nothing was handed over."), "look_expired")


def _over(row: Exchange, state: str) -> No:
    """A code that was good once."""
    day = exchange_life.last_day(row.expires_at) if row.expires_at else ""
    if state == State.DONE:
        return No(
            _("Already handed over"), _receipt(row), _("Hand nothing over a second time."), "already_handed_over", 200
        )
    if state == State.LAPSED:
        kept = _("The points are lost, as the offer said.") if row.reward.forfeits_points else _("The points go back.")
        why = _("It was to be picked up by %(day)s.") % {"day": day}
        return No(_("Too late"), why, kept, "exchange_over:lapsed")
    now = _("The points went back. The member can exchange again.")
    return No(_("Cancelled"), _("This exchange was cancelled."), now, "exchange_over:cancelled")


def _receipt(row: Exchange) -> str:
    """The first hand-over: what, when, where, by whom."""
    where = [row.handed_store.name] if row.handed_store else []
    who = [row.handed_by.name] if row.handed_by else []
    return " · ".join([exchange_life.at(row.settled_at), *where, *who])
