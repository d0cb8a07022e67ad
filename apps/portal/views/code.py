"""The member code on the member's phone: shown, renewed before its end, and what came of it."""

from datetime import datetime
from hashlib import blake2b

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from apps.activity import bars, qr
from apps.core import clock, ids
from apps.core.errors import DomainError
from apps.coupons import wallet
from apps.coupons.models import Coupon
from apps.flows import code_results
from apps.members import member_codes
from apps.members import selectors as members
from apps.portal import shell
from apps.portal.shell import Facts

CODE, COUPON = "mcd", "cpn"
NARROW = 2  # groups of the digits in one line of a narrow phone


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """A fresh code at each look; `?coupon=` is one that the member means to use."""
    facts: Facts = {"me": members.card(_me(request)), **_shown(request)}
    response = shell.page(request, "portal/code.html", facts, at="home", status=429 if "refusal" in facts else 200)
    response["Cache-Control"] = "no-store"  # a page that comes back from memory would show a code of before
    return response


@require_safe
def following(request: HttpRequest) -> HttpResponse:
    """The next code, for the page that is open."""
    facts = _shown(request)
    if "refusal" in facts:
        return shell.private(HttpResponse(status=429))
    response = shell.part(request, "portal/_code_now.html", facts)
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def result(request: HttpRequest) -> HttpResponse:
    """`?code=` is the first code the page has shown. 204 until one is read, 304 while nothing more came of it."""
    shown_id = ids.decode(CODE, request.GET.get("code", ""))
    found = code_results.result(shown_id=shown_id, member_id=_me(request), language=get_language() or "")
    if found is None:
        return HttpResponse(status=204)
    answer = shell.part(request, "portal/_code_read.html", {"result": found})
    answer["ETag"] = f'"{blake2b(answer.content, digest_size=12).hexdigest()}"'
    return get_conditional_response(request, etag=answer["ETag"], response=answer) or answer


def _shown(request: HttpRequest) -> Facts:
    """What the page needs to count by itself: how long, from the answer on, whatever its own clock says."""
    moment = clock.now()
    coupon = _chosen(request, moment)
    wish = f"coupon:{coupon.pk}" if coupon else ""
    try:
        shown = member_codes.show(member_id=_me(request), wish=wish, moment=moment)
    except DomainError as refusal:
        return {"refusal": str(refusal)}
    groups = member_codes.grouped(shown.code)
    return {
        "shown": shown,
        "coupon": coupon,
        "lines": [groups[:NARROW], groups[NARROW:]],
        "qr": qr.svg(shown.code, quiet=0),
        "bars": bars.svg(shown.code),
        "until": f"{clock.local(shown.valid_until):%H:%M:%S}",
        "life_ms": round((shown.valid_until - moment).total_seconds() * 1000),
        "refresh_ms": round((shown.refresh_at - moment).total_seconds() * 1000),
    }


def _chosen(request: HttpRequest, moment: datetime) -> Coupon | None:
    """One of their own that counts, or none: what a page of before says is no reason to show no code."""
    try:
        return wallet.one(
            member_id=_me(request), coupon_id=ids.decode(COUPON, request.GET.get("coupon", "")), moment=moment
        )
    except DomainError:
        return None


def _me(request: HttpRequest) -> int:
    return request.member.member_id  # type: ignore[attr-defined]
