"""Bringing friends: the member's code and poster, what it brings, who came by it; and the page on which a friend lands."""

import secrets
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from apps.activity import codes, qr
from apps.core import brand
from apps.core.errors import DomainError
from apps.coupons.models import Template
from apps.members import selectors as members
from apps.members.names import half_hidden
from apps.portal import anonymous, sessions, shell
from apps.portal.shell import Facts
from apps.referral import commissions, selectors, services
from apps.referral import poster as posters
from apps.referral.errors import ReferralOff
from apps.referral.models import Credit, Program

SHOWN = 50


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    member_id, terms = _me(request), services.program()
    rows = [_friend(row) for row in selectors.friends_of(member_id)[:SHOWN]]
    money = commissions.standing(member_id)
    facts: Facts = {
        "terms": terms, "rows": rows, "gains": selectors.gains(member_id), "money": money, "token": secrets.token_hex(8),
        "has_money": bool(terms.is_on and terms.first_permille) or any(vars(money).values()),
        "may_withdraw": money.free >= max(terms.least_withdrawal_cents, 1), "share": f"{terms.first_permille / 10:g}",
        "withdrawals": list(commissions.withdrawals_of(member_id)[:10]),
    }  # fmt: skip
    if terms.is_on:
        link = _link(request, member_id)
        facts |= {
            "link": link,
            "picture": qr.svg(link),
            "mine": promised(terms),
            "theirs": promised(terms, friend=True),
        }
    return shell.page(request, "portal/invite.html", facts, at="me")


@require_safe
def poster(request: HttpRequest) -> HttpResponse:
    """A whole picture to keep and send. Raises ReferralOff."""
    member_id, terms = _me(request), services.program()
    if not terms.is_on:
        raise ReferralOff
    name = half_hidden(members.profile(member_id).nickname)
    words = posters.Words(
        brand=brand.name(),
        title=_("Come along"),
        lines=tuple(promised(terms, friend=True)),
        name=_("%(name)s invites you") % {"name": name} if name else _("A friend invites you"),
        hint=_("Scan the code to join"),
    )
    answer = HttpResponse(posters.svg(link=_link(request, member_id), words=words), content_type="image/svg+xml")
    return shell.private(answer)


@require_safe
def code(request: HttpRequest) -> HttpResponse:
    """The code alone as PNG, for whoever prints it. Raises ReferralOff."""
    if not services.program().is_on:
        raise ReferralOff
    return shell.private(HttpResponse(posters.png(_link(request, _me(request))), content_type="image/png"))


@require_POST
def withdraw(request: HttpRequest) -> HttpResponse:
    """All that is free. The form's token makes it once, however often it is sent."""
    member_id, token = _me(request), request.POST.get("token", "")[:32]
    try:
        commissions.withdraw(
            member_id=member_id, cents=commissions.standing(member_id).free, source=f"portal:{member_id}:{token}",
            least=services.program().least_withdrawal_cents,
        )  # fmt: skip
    except DomainError as refusal:
        sessions.say(request, str(refusal))
    else:
        sessions.say(request, _("Asked for. We pay it out and note it here."))
    return redirect("portal:invite")


@require_safe
def invited(request: HttpRequest) -> HttpResponse:
    """Where the code leads. Whose it was is known by the browser's own random id, and said by a masked name."""
    source = codes.source_of(anonymous.of(request), otherwise="")
    invitation = selectors.invitation(source.removeprefix("code:")) if source else None
    terms = services.program()
    name = half_hidden(invitation.member.nickname) if invitation else ""
    facts: Facts = {"terms": terms, "name": name, "theirs": promised(terms, friend=True)}
    return shell.page(request, "portal/invited.html", facts)


def promised(terms: Program, *, friend: bool = False) -> list[str]:
    """What one of the two gets, in words."""
    points, key = (terms.friend_points, terms.friend_coupon) if friend else (terms.points, terms.coupon)
    found = [ngettext("%(n)s point", "%(n)s points", points) % {"n": f"{points:,}"}] if points else []
    coupon = Template.objects.filter(key=key).first() if key else None
    return found + ([_("the coupon “%(name)s”") % {"name": coupon.shown_name}] if coupon else [])


def _friend(row: Credit) -> dict[str, Any]:
    return {"row": row, "name": half_hidden(row.friend.nickname) or _("Member"), "counts": row.stage == "kept"}


def _link(request: HttpRequest, member_id: int) -> str:
    return codes.link(services.invite(member_id=member_id).code.slug, base=request.build_absolute_uri("/"))


def _me(request: HttpRequest) -> int:
    return int(request.member.member_id)  # type: ignore[attr-defined]
