"""Giving points to another member: who and how many, then what it will cost, then the gift."""

import secrets

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from apps.core.errors import DomainError, NotFound
from apps.points import giving, selectors
from apps.portal import sessions, shell
from apps.portal.shell import Facts
from apps.portal.views import step_up

SALT, HELD_FOR = "points.give", 900  # seconds for which a look at the receiver holds


@require_http_methods(["GET", "HEAD", "POST"])
@step_up.needed
def page(request: HttpRequest) -> HttpResponse:
    """The ticket of the second step names giver, receiver, amount and gift: sent twice, it happens once."""
    member_id = request.member.member_id  # type: ignore[attr-defined]
    terms = giving.terms(member_id=member_id)
    if terms is None:
        raise NotFound
    facts: Facts = {
        "terms": terms,
        "totals": selectors.totals(member_id=member_id),
        "who": request.POST.get("who", "").replace("\0", "").strip()[:40],
        "amount": request.POST.get("amount", "").strip()[:12],
    }
    if request.method != "POST":
        return shell.page(request, "portal/give.html", facts)
    if ticket := request.POST.get("ticket", ""):
        return _given(request, facts, ticket)
    return _asked(request, facts)


def _asked(request: HttpRequest, facts: Facts) -> HttpResponse:
    """Everything that can be known before is said before anybody confirms."""
    giver, terms = request.member.member_id, facts["terms"]  # type: ignore[attr-defined]
    amount = int(facts["amount"]) if facts["amount"].isascii() and facts["amount"].isdigit() else 0
    cost = amount + terms.fee(amount)
    if amount <= 0:
        return _again(request, facts, amount_error=_("Enter how many points, such as 100."))
    if terms.left_today is not None and cost > terms.left_today:
        text = _("Today only %(left)s more points may be given away, fee included.")
        return _again(request, facts, amount_error=text % {"left": f"{terms.left_today:,}"})
    if cost > facts["totals"].balance:
        return _again(request, facts, amount_error=_("You have not enough points for that."))
    try:
        receiver = giving.find(giver_id=giver, text=facts["who"])
    except DomainError as refusal:
        return _again(request, facts, who_error=str(refusal), status=refusal.status)
    ticket = signing.dumps([giver, receiver.member_id, amount, secrets.token_hex(8)], salt=SALT)
    facts |= {"receiver": receiver, "ticket": ticket, "points": amount, "fee": terms.fee(amount), "cost": cost}
    facts["after"] = facts["totals"].balance - cost
    return shell.page(request, "portal/give_confirm.html", facts)


def _given(request: HttpRequest, facts: Facts, ticket: str) -> HttpResponse:
    try:
        giver, receiver, amount, token = signing.loads(ticket, salt=SALT, max_age=HELD_FOR)
    except (signing.BadSignature, ValueError):
        giver = receiver = amount = token = None
    if giver != request.member.member_id:  # type: ignore[attr-defined]
        return _again(request, facts, trouble=_("This took too long. Nothing was given; begin again."))
    try:
        giving.give(giver_id=giver, receiver_id=receiver, amount=amount, token=token)
    except DomainError as refusal:
        return _again(request, facts, trouble=str(refusal), status=refusal.status)
    told = ngettext("%(n)s point given away.", "%(n)s points given away.", amount) % {"n": f"{amount:,}"}
    sessions.say(request, told)
    return redirect("portal:points")


def _again(request: HttpRequest, facts: Facts, *, status: int = 422, **errors: str) -> HttpResponse:
    return shell.page(request, "portal/give.html", {**facts, **errors}, status=status)
