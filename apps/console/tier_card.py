"""A member's tier as a card: where they stand, what lies ahead in one sentence each, and the latest moves."""

from typing import Any

from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.console.templatetags.console import figure
from apps.core import clock, money
from apps.points import outlook
from apps.points.models import Ladder, Tier, TierChange
from apps.points.outlook import Outlook

MOVES = 5


def of(request: HttpRequest, member_id: int) -> dict[str, Any]:
    """Empty without a ladder, or where the reader may not see points."""
    if not request.access.can("points.view"):  # type: ignore[attr-defined]
        return {}
    ahead = outlook.outlook(member_id=member_id)
    if ahead is None:
        return {}
    is_money = Ladder.objects.filter(basis=Ladder.Basis.SPEND).exists()
    moves = TierChange.objects.filter(member_id=member_id).select_related("before", "after").order_by("-pk")[:MOVES]
    return {
        "tier": {
            "name": named(ahead.tier),
            "ahead": ahead,
            "value": _amount(ahead.value, is_money=is_money),
            "sentences": list(_sentences(ahead, is_money=is_money)),
            "moves": [(move.at, named(move.after), move.get_cause_display()) for move in moves],
            "choices": [(tier.key, named(tier), tier.pk == ahead.tier.pk) for tier in Tier.objects.all()],
            "may_set": request.access.can("points.tiers"),  # type: ignore[attr-defined]
        }
    }


def named(tier: Tier) -> str:
    return tier.name_en if get_language() == "en" else tier.name


def _sentences(ahead: Outlook, *, is_money: bool) -> list[str]:
    found = []
    if ahead.is_locked:
        found.append(_("Set by hand and locked: no assessment changes it."))
    if ahead.coming and ahead.coming_at:
        found.append(_("%(tier)s from %(day)s on.") % {"tier": named(ahead.coming), "day": _day(ahead.coming_at)})
    if ahead.next_tier:
        more = _amount(ahead.missing_to_next, is_money=is_money)
        found.append(_("%(more)s more for %(tier)s.") % {"more": more, "tier": named(ahead.next_tier)})
    if ahead.falls_to and ahead.falls_at:
        found.append(
            _("Falls to %(tier)s on %(day)s unless %(more)s more.")
            % {
                "tier": named(ahead.falls_to),
                "day": _day(ahead.falls_at),
                "more": _amount(ahead.missing_to_keep, is_money=is_money),
            }
        )
    elif ahead.valid_until:
        found.append(_("Safe beyond %(day)s.") % {"day": _day(ahead.valid_until)})
    return found


def _amount(value: int, *, is_money: bool) -> str:
    return money.show(value) if is_money else str(figure(value))


def _day(moment: Any) -> str:
    return date_format(clock.local_date(moment), "DATE_FORMAT")
