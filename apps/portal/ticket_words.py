"""Tickets in a member's words: what happened, what they may do, what a refund will do."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext, pgettext_lazy

from apps.coupons.models import Coupon
from apps.flows.refund_ticket import Outcome
from apps.points.models import Currency, Tier
from apps.tickets import life
from apps.tickets.member_view import Step
from apps.tickets.models import Ticket

HAPPENED: dict[str, Promise] = {
    "take_up": pgettext_lazy("for the member", "We are on it"),
    "ask": pgettext_lazy("for the member", "We need a word from you"),
    "withdraw": pgettext_lazy("for the member", "Withdrawn"),
    "merge": pgettext_lazy("for the member", "Joined with another request of yours"),
    "close": pgettext_lazy("for the member", "Closed"),
    "reopen": pgettext_lazy("for the member", "Opened again"),
    "refuse": pgettext_lazy("for the member", "We could not do this"),
    "accept": pgettext_lazy("for the member", "Agreed: please send it back"),
    "receive": pgettext_lazy("for the member", "It has come back to us"),
    "send_back": pgettext_lazy("for the member", "We look at it once more"),
    "send": pgettext_lazy("for the member", "On its way to you"),
    "deliver": pgettext_lazy("for the member", "It is with you"),
    "offer": pgettext_lazy("for the member", "We offer you a solution"),
    "agree": pgettext_lazy("for the member", "You agreed"),
    "disagree": pgettext_lazy("for the member", "You did not agree"),
    "resolve": pgettext_lazy("for the member", "Answered"),
    "refund": pgettext_lazy("for the member", "The money went back"),
}
MOVES: dict[str, Promise] = {
    "withdraw": pgettext_lazy("by the member", "Withdraw the request"),
    "agree": pgettext_lazy("by the member", "I agree"),
    "disagree": pgettext_lazy("by the member", "This does not help"),
    "deliver": pgettext_lazy("by the member", "I have it"),
    "reopen": pgettext_lazy("by the member", "It is not solved: open it again"),
    "close": pgettext_lazy("by the member", "It is solved"),
}
STATES: dict[str, Promise] = {
    life.NEW: pgettext_lazy("for the member", "Sent"),
    life.WORKING: pgettext_lazy("for the member", "In work"),
    life.WAITING: pgettext_lazy("for the member", "Your turn"),
    life.OFFERED: pgettext_lazy("for the member", "Your turn"),
    life.RETURNING: pgettext_lazy("for the member", "Send it back"),
    life.ARRIVED: pgettext_lazy("for the member", "With us"),
    life.SENDING: pgettext_lazy("for the member", "On its way to you"),
    life.RESOLVED: pgettext_lazy("for the member", "Done"),
    life.CLOSED: pgettext_lazy("for the member", "Closed"),
    life.WITHDRAWN: pgettext_lazy("for the member", "Withdrawn"),
    life.MERGED: pgettext_lazy("for the member", "Joined with another"),
}
KINDS: dict[str, Promise] = {
    life.REFUND: pgettext_lazy("for the member", "Money back, and I keep or never got it"),
    life.RETURN: pgettext_lazy("for the member", "Send it back for the money"),
    life.EXCHANGE: pgettext_lazy("for the member", "Another size, colour or piece"),
    life.REPAIR: pgettext_lazy("for the member", "Have it repaired"),
    life.COMPLAINT: pgettext_lazy("for the member", "Something went wrong, and we should know"),
    life.QUESTION: pgettext_lazy("for the member", "Ask us something"),
}


def title(step: Step) -> str:
    if step.act == "opened":
        return _("You sent this") if step.side == life.MEMBER else _("We wrote it down for you")
    if step.act != "said":
        return str(HAPPENED[step.act])
    if step.side == life.MEMBER:
        return _("You wrote")
    return _("%(name)s of our service wrote") % {"name": step.who} if step.who else _("Our service wrote")


def state(ticket: Ticket) -> str:
    return str(STATES[ticket.state])


def tone(ticket: Ticket) -> str:
    """The chip's colour; its words say the same."""
    if ticket.state in life.PAUSED:
        return "soon"
    return "brand" if ticket.ended_at is None else ""


def moves(names: list[str]) -> list[tuple[str, str]]:
    """(code, words), what goes on before what gives up."""
    return [(name, str(MOVES[name])) for name in sorted(names, key=lambda name: name == "withdraw")]


def outcome(seen: Outcome) -> dict[str, Any]:
    """Points by currency, coupons and tiers of a refund as rows that have names."""
    currencies = {row.key: row for row in Currency.objects.filter(key__in=seen.points)}
    tiers = {row.key: row for row in Tier.objects.filter(key__in=[seen.tier_before, seen.tier_after])}
    rows = Coupon.objects.filter(pk__in=[*seen.coupons_back, *seen.coupons_gone]).select_related("template")
    coupons = {row.pk: row.template for row in rows}
    return {
        "cents": seen.refunded_cents,
        "points": [(currencies[key], abs(points), points < 0) for key, points in seen.points.items()],
        "coupons_back": [coupons[key] for key in seen.coupons_back],
        "coupons_gone": [coupons[key] for key in seen.coupons_gone],
        "tier_before": tiers.get(seen.tier_before),
        "tier_after": tiers.get(seen.tier_after),
        "tier_moves": seen.tier_before != seen.tier_after,
    }


def stars() -> list[tuple[int, str]]:
    words = (
        pgettext("stars", "awful"), pgettext("stars", "bad"), pgettext("stars", "fair"), pgettext("stars", "good"),
        pgettext("stars", "great"),
    )  # fmt: skip
    return list(enumerate(words, start=1))
