"""A member's coupons: the wallet, the centre where there is more, and a code that came on paper."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.activity import codes as tracked
from apps.core import clock, ids, requests
from apps.core.errors import DomainError
from apps.coupons import budgets, codes, wallet, words
from apps.coupons import centre as centres
from apps.coupons import terms as grammar
from apps.coupons.centre import Offer
from apps.coupons.errors import REASONS
from apps.coupons.models import Coupon, Gift, Template, Use
from apps.flows import coupon_claim
from apps.flows import shopper as shoppers
from apps.points.models import Tier
from apps.portal import anonymous, sessions, shell
from apps.portal.shell import Facts
from apps.portal.views.stores import found_near

COUPON, OFFER = "cpn", "cpt"
PAGE = 50
TICKING = timedelta(hours=1)  # within it the seconds are counted on the page
KINDS: tuple[wallet.Kind, ...] = ("usable", "used", "over")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The wallet; `?show=used` and `?show=over` are its other two pockets."""
    moment, member_id = clock.now(), _me(request)
    shown = next((kind for kind in KINDS if kind == request.GET.get("show")), KINDS[0])
    after = request.GET.get("after", "")
    found, following = wallet.page(
        member_id=member_id, kind=shown, after=_after(after, member_id, moment), limit=PAGE, moment=moment
    )
    facts: Facts = {
        "shown": shown,
        "counts": {kind: wallet.count(member_id=member_id, kind=kind, moment=moment) for kind in KINDS},
        "rows": told(found, moment=moment),
        "older": ids.encode(COUPON, found[-1].pk) if following else "",
        "may_claim": centres.has_any(moment),
    }
    return shell.page(request, "portal/coupons.html", facts, at="coupons")


@require_safe
def centre(request: HttpRequest) -> HttpResponse:
    return _centre(request)


@require_POST
def claim(request: HttpRequest) -> HttpResponse:
    """One tap. The form's token is its source, so that two taps are one claim. Who came by a tracked code is counted under it."""
    template_id, moment = ids.decode(OFFER, request.POST.get("offer", "")), clock.now()
    source = f"centre:{_me(request)}:{request.POST.get('token', '')[:40] or uuid4().hex}"
    try:
        origin = tracked.source_of(anonymous.of(request), otherwise="portal")
        row, issued = coupon_claim.claim(
            member_id=_me(request), template_id=template_id, source=source, origin=origin, moment=moment
        )
    except DomainError as refusal:
        return _centre(request, problem=str(refusal), status=refusal.status)
    if issued.is_new:
        sessions.say(request, _("“%(name)s” is yours.") % {"name": row.shown_name})
    return redirect("portal:coupons")


@require_POST
def enter(request: HttpRequest) -> HttpResponse:
    """A code from paper, a parcel, a partner."""
    moment, text = clock.now(), request.POST.get("code", "")[:60]
    where = {"address": requests.origin().address, "device": anonymous.of(request)}
    try:
        codes.enter(shopper=shoppers.shopper_of(_me(request), moment=moment), text=text, **where)
    except DomainError as refusal:
        facts = {"problem": str(refusal), "typed": text}
        return _centre(request, status=refusal.status, **facts)
    sessions.say(request, _("The coupon is in your wallet."))
    return redirect("portal:coupons")


@require_http_methods(["GET", "HEAD", "POST"])
def stores(request: HttpRequest, coupon: str) -> HttpResponse:
    """Where one coupon counts; nearest first when the button sent a position."""
    row = wallet.one(member_id=_me(request), coupon_id=ids.decode(COUPON, coupon))
    only = grammar.parse(row.version.terms).stores
    return found_near(request, codes=sorted(only) or None, coupon=row)


def told(found: Sequence[Coupon], *, moment: datetime) -> list[dict[str, Any]]:
    """Each coupon with its card, its time left, and what became of it. Five queries however many."""
    if not found:
        return []
    known = words.names([grammar.parse(row.version.terms) for row in found], tiers=_tiers())
    keys = [row.pk for row in found]
    uses = {
        use.coupon_id: use
        for use in Use.objects.filter(coupon__in=keys, state=Use.State.DONE).select_related("store", "order")
    }
    dry = _dry(found, moment)
    offered = set(Gift.objects.filter(coupon__in=keys, state=Gift.State.OPEN).values_list("coupon_id", flat=True))
    return [
        {
            "coupon": row,
            "public_id": ids.encode(COUPON, row.pk),
            "card": words.card(row.version.terms, known),
            "left": _left(row, moment),
            "ticks": _seconds(row.ends_at, moment),
            "use": uses.get(row.pk),
            "is_offered": row.pk in offered,
            "why_not": _why_not(row, dry),
            "may_give": row.may_be_given and row.state == Coupon.State.READY,
        }
        for row in found
    ]


def _dry(found: Sequence[Coupon], moment: datetime) -> set[int]:
    """Templates whose budgets are used up for this member wherever they go; a store's own is known at its till."""
    keys, member_id = list({row.template_id for row in found}), found[0].member_id or 0
    rooms = budgets.rooms(template_ids=keys, member_id=member_id, store="", moment=moment)
    return {key for key, room in rooms.items() if room <= 0}


def _why_not(row: Coupon, dry: set[int]) -> str:
    """Why one that is theirs and in time does not count all the same; "" where it does."""
    if row.template.state == Template.State.STOPPED:
        return str(REASONS["coupon_frozen"])
    return str(REASONS["coupon_budget_spent"]) if row.template_id in dry else ""


def _centre(request: HttpRequest, *, problem: str = "", status: int = 200, typed: str = "") -> HttpResponse:
    moment = clock.now()
    found = centres.offers(shopper=shoppers.shopper_of(_me(request), moment=moment), moment=moment)
    known = words.names([one.terms for one in found], tiers=_tiers())
    facts: Facts = {
        "rows": [_offered(one, known, moment) for one in found],
        "problem": problem,
        "typed": typed,
    }
    return shell.page(request, "portal/coupon_centre.html", facts, at="coupons", status=status)


def _offered(one: Offer, known: words.Names, moment: datetime) -> dict[str, Any]:
    assert one.template.version is not None  # noqa: S101 - the centre shows what was published
    opens_at = one.template.opens_at
    return {
        "offer": one,
        "public_id": ids.encode(OFFER, one.template.pk),
        "card": words.card(one.template.version.terms, known),
        "why_not": "" if one.is_coming else str(REASONS.get(one.why_not, "")),
        "token": uuid4().hex,
        "opens_at": opens_at if one.is_coming else None,
        "opens_in": _seconds(opens_at, moment) if one.is_coming else None,
        "closes_in": _seconds(one.template.closes_at, moment) if one.template.is_flash and not one.why_not else None,
    }


def _left(row: Coupon, moment: datetime) -> words.Left | None:
    if row.starts_at is None or row.ends_at is None or row.ends_at <= moment:
        return None
    return words.left(starts_at=row.starts_at, ends_at=row.ends_at, moment=moment)


def _seconds(end: datetime | None, moment: datetime) -> int | None:
    """Until then, when it is less than an hour: what a page counts down by itself."""
    return int((end - moment).total_seconds()) if end and timedelta(0) < end - moment < TICKING else None


def _after(asked: str, member_id: int, moment: datetime) -> list[Any] | None:
    if not asked:
        return None
    row = Coupon.objects.filter(member_id=member_id, pk=ids.decode(COUPON, asked)).first()
    return [row.ends_at, row.pk] if row else None


def _tiers() -> dict[str, str]:
    is_english = (get_language() or "").startswith("en")
    rows = Tier.objects.order_by("rank").values_list("key", "name", "name_en")
    return {key: (english if is_english and english else name) for key, name, english in rows}


def _me(request: HttpRequest) -> int:
    return request.member.member_id  # type: ignore[attr-defined]
