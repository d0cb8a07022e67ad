"""Giving a coupon to a friend: a link that is shown once, and the page that it opens."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.core import clock, ids
from apps.core.errors import DomainError
from apps.coupons import gifts, wallet
from apps.coupons.models import Gift
from apps.portal import sessions, shell
from apps.portal.views.coupons import COUPON, told


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, coupon: str) -> HttpResponse:
    """What giving means, then the link: its secret is kept nowhere, so a new one makes the old one void."""
    member_id, key = request.member.member_id, ids.decode(COUPON, coupon)  # type: ignore[attr-defined]
    if request.POST.get("do") == "withdraw":
        gifts.revoke(member_id=member_id, coupon_id=key)
        sessions.say(request, _("The link is void. The coupon stays yours."))
        return redirect("portal:coupons")
    link = ""
    if request.method == "POST":
        token = gifts.offer(member_id=member_id, coupon_id=key)
        link = request.build_absolute_uri(reverse("portal:gift", args=[token]))
    row = wallet.one(member_id=member_id, coupon_id=key)
    facts = {"row": told([row], moment=clock.now())[0], "link": link}
    return shell.page(request, "portal/coupon_gift.html", facts, at="coupons")


@require_http_methods(["GET", "HEAD", "POST"])
def take(request: HttpRequest, token: str) -> HttpResponse:
    """What the friend sees, and one tap that makes it theirs."""
    member_id, problem, status = request.member.member_id, "", 200  # type: ignore[attr-defined]
    seen = gifts.look(token=token)
    if request.method == "POST":
        try:
            gifts.take(member_id=member_id, token=token)
        except DomainError as refusal:
            problem, status = str(refusal), refusal.status
        else:
            sessions.say(request, _("The coupon is in your wallet."))
            return redirect("portal:coupons")
    facts = {
        "row": told([seen.coupon], moment=clock.now())[0],
        "is_open": seen.state == Gift.State.OPEN and seen.giver_id != member_id,
        "is_own": seen.giver_id == member_id,
        "is_mine": seen.taker_id == member_id,
        "state": seen.state,
        "problem": problem,
    }
    return shell.page(request, "portal/gift.html", facts, at="coupons", status=status)
