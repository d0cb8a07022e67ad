"""Why a rule gives nothing, or less: stable codes with a sentence each."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TEXTS: dict[str, Promise] = {
    "rule_inactive": _("The rule is paused or was never published."),
    "already_awarded": _("This has been rewarded before."),
    "not_paid": _("The order is not paid."),
    "refunded": _("The order was given back whole."),
    "nothing_paid": _("The order cost no money."),
    "member_gone": _("The member has left or is blocked."),
    "outside_window": _("The day lies outside the rule's time."),
    "wrong_weekday": _("The rule does not count on this day of the week."),
    "wrong_month_day": _("The rule does not count on this day of the month."),
    "not_birthday": _("It is not the member's birthday or birthday month."),
    "wrong_tier": _("The rule is for other tiers."),
    "wrong_store": _("The rule is for other stores."),
    "wrong_channel": _("The rule is for other channels."),
    "wrong_product": _("The rule is for other products."),
    "wrong_category": _("The rule is for other categories."),
    "wrong_properties": _("The event has other properties than the rule asks for."),
    "below_minimum": _("The total lies below the rule's minimum."),
    "not_first_order": _("It is not the member's first order."),
    "times_reached": _("The member has had this as often as the rule allows."),
    "cap_reached": _("The rule's limit is used up."),
    "cut_by_cap": _("Cut down to what the rule's limit leaves."),
    "rejected_by_cap": _("Above the rule's limit, so nothing is given."),
    "max_balance": _("Cut down: the balance may not rise higher."),
    "better_multiplier": _("Another multiplier gives more on this line."),
    "nothing_to_multiply": _("No points by amount to multiply."),
    "rounded_to_nothing": _("Too small an amount for one point."),
    "out_of_bounds": _("The result is beyond all reason; nothing is given."),
    "tier_multiplier": _("With the multiplier of the member's tier."),
    "tier_birthday": _("The birthday points of the member's tier."),
}


def text(code: str) -> str:
    """The sentence in the user's language; "" for no reason."""
    return str(TEXTS[code]) if code else ""
