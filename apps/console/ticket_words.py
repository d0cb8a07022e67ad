"""Moves, acts and refunds of tickets in words."""

from typing import Any

from django.utils.translation import get_language, pgettext_lazy

from apps.console import coupon_words
from apps.coupons.models import Coupon
from apps.flows.refund_ticket import Outcome
from apps.points.models import Currency, Tier

MOVES = {
    "take_up": pgettext_lazy("ticket move", "Begin work"),
    "ask": pgettext_lazy("ticket move", "Wait for the member"),
    "answer": pgettext_lazy("ticket move", "The member answered"),
    "withdraw": pgettext_lazy("ticket move", "Withdraw it"),
    "merge": pgettext_lazy("ticket move", "Merge it"),
    "close": pgettext_lazy("ticket move", "Close it"),
    "reopen": pgettext_lazy("ticket move", "Open it again"),
    "refuse": pgettext_lazy("ticket move", "Refuse it"),
    "accept": pgettext_lazy("ticket move", "Accept it: the goods come back"),
    "receive": pgettext_lazy("ticket move", "The goods have come"),
    "send_back": pgettext_lazy("ticket move", "Not as agreed: back to work"),
    "send": pgettext_lazy("ticket move", "Send it to the member"),
    "deliver": pgettext_lazy("ticket move", "The member has it"),
    "offer": pgettext_lazy("ticket move", "Offer a solution"),
    "agree": pgettext_lazy("ticket move", "The member agreed"),
    "disagree": pgettext_lazy("ticket move", "The member did not agree"),
    "resolve": pgettext_lazy("ticket move", "It is answered"),
    "refund": pgettext_lazy("ticket move", "Money back"),
}
ACTS = {
    **MOVES,
    "opened": pgettext_lazy("ticket act", "Opened"),
    "changed": pgettext_lazy("ticket act", "Changed"),
    "given": pgettext_lazy("ticket act", "Given out"),
    "taken": pgettext_lazy("ticket act", "Taken"),
    "spared": pgettext_lazy("ticket act", "Given on: whoever had it is away"),
    "took_in": pgettext_lazy("ticket act", "Took in another ticket"),
    "gave_off": pgettext_lazy("ticket act", "A part became a ticket of its own"),
    "split_off": pgettext_lazy("ticket act", "Split off another ticket"),
    "amends": pgettext_lazy("ticket act", "Made good"),
    "amends_back": pgettext_lazy("ticket act", "What it was made good with was taken back"),
    "linked": pgettext_lazy("ticket act", "Linked with another ticket"),
    "unlinked": pgettext_lazy("ticket act", "No longer linked"),
    "warned": pgettext_lazy("ticket act", "A promise is near"),
    "missed": pgettext_lazy("ticket act", "A promise was missed"),
    "raised": pgettext_lazy("ticket act", "Still late: told further up"),
    "escalated": pgettext_lazy("ticket act", "To the manager"),
}


def outcome(seen: Outcome) -> dict[str, Any]:
    """What a refund will do, by the names that the brand has given."""
    currencies = {row.key: name_of(row) for row in Currency.objects.filter(key__in=seen.points)}
    tiers = {row.key: name_of(row) for row in Tier.objects.filter(key__in=[seen.tier_before, seen.tier_after])}
    keys = [*seen.coupons_back, *seen.coupons_gone]
    coupons = {
        row.pk: coupon_words.name_of(row.template)
        for row in Coupon.objects.filter(pk__in=keys).select_related("template")
    }
    return {
        "cents": seen.refunded_cents,
        "points": [(currencies[key], points) for key, points in seen.points.items()],
        "coupons_back": [coupons[key] for key in seen.coupons_back],
        "coupons_gone": [coupons[key] for key in seen.coupons_gone],
        "tier_moves": seen.tier_before != seen.tier_after,
        "tier_before": tiers.get(seen.tier_before, ""),
        "tier_after": tiers.get(seen.tier_after, ""),
    }


def name_of(row: Any) -> str:
    """Of a currency or a tier, in the reader's language; "" for none."""
    if row is None:
        return ""
    return str(row.name_en if get_language() == "en" and row.name_en else row.name)
