"""The member's start page: card, what is new, the last order, what is left to do."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.care.cards import selectors as cards
from apps.care.models import Card
from apps.core import clock, ids
from apps.coupons import wallet
from apps.gateways import inbox
from apps.members import minors
from apps.members import selectors as members
from apps.members.models import Consent
from apps.orders import selectors as orders
from apps.points import selectors as points
from apps.portal import agreements, ladders, shell
from apps.portal.shell import Facts
from apps.portal.views.coupons import told

NEWEST = 3
COUPONS = 2


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    member_id = request.member.member_id  # type: ignore[attr-defined]
    me = members.profile(member_id)
    said = members.standings(member_id)
    moment = clock.now()
    coupons, _following = wallet.page(member_id=member_id, kind="usable", limit=COUPONS, moment=moment)
    latest = orders.newest(member_id=member_id, limit=1)
    facts: Facts = {
        "me": me,
        "points": points.totals(member_id=member_id),
        "tier": ladders.view(member_id=member_id),
        "notes": list(inbox.find_for_member(member_id=member_id)[:NEWEST]),
        "coupons": told(coupons, moment=moment),
        "coupon_count": wallet.count(member_id=member_id, moment=moment) if coupons else 0,
        "last_order": latest[0] if latest else None,
        "steps": [*_duties(me, said), *_steps(me, said)],
        "cards": [_card(row) for row in cards.shown_to(member_id=member_id, slot="home", moment=moment)],
    }
    return shell.page(request, "portal/home.html", facts, at="home")


def _card(row: Card) -> dict[str, str]:
    title, text = cards.in_words(row)
    return {
        "title": title,
        "text": text,
        "href": reverse("portal:card", args=[ids.encode(cards.ID, row.pk)]) if row.link else "",
    }


def _duties(me: members.Profile, said: list[members.Standing]) -> list[dict[str, Any]]:
    """What holds messages back until somebody decides."""
    steps = []
    if minors.may_be_child(me.birthday[0]) and minors.standing(me.member_id).is_unguarded:
        steps.append(
            {
                "icon": "people",
                "title": _("Ask a parent or guardian"),
                "text": _("You are under 14. Until one agrees nothing is sent to you."),
                "href": reverse("portal:guardian"),
            }
        )
    if any(line.has_ended for line in said) and agreements.asked_again(me.member_id):
        steps.append(
            {
                "icon": "doc",
                "title": _("Decide again about messages"),
                "text": _("A text has changed. What you allowed before no longer counts."),
                "href": reverse("portal:privacy"),
            }
        )
    return steps


def _steps(me: members.Profile, said: list[members.Standing]) -> list[dict[str, Any]]:
    """What is worth doing, and only while it is not done."""
    steps = []
    if not any(me.birthday):
        steps.append(
            {
                "icon": "cake",
                "title": _("Add your birthday"),
                "text": _("So that we can congratulate you."),
                "href": reverse("portal:profile"),
            }
        )
    asked = {(line.purpose, line.channel) for line in said}
    if not any(channel in {Consent.Channel.SMS, Consent.Channel.INBOX} for _purpose, channel in asked):
        steps.append(
            {
                "icon": "bell",
                "title": _("Choose what you want to hear"),
                "text": _("You have not allowed any message yet. We send none without your word."),
                "href": reverse("portal:privacy"),
            }
        )
    return steps
