"""Every no of the counter: a title to be read from an arm's length, and what to do now. Why stands in the error itself.

The one table: a refusal that is not in it shows its own sentence under "That did not work".
"""

from dataclasses import dataclass
from datetime import date, datetime
from math import ceil

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.core import clock
from apps.core.errors import DomainError

Text = str | Promise


@dataclass(frozen=True)
class Reason:
    title: Text
    now: Text


CODES: dict[str, Reason] = {
    # the member and their code
    "member_code_expired": Reason(
        gettext_lazy("Code too old"), gettext_lazy("Ask the member to refresh their code, then scan it.")
    ),
    "member_code_used": Reason(
        gettext_lazy("Code used"), gettext_lazy("Each code works once. Ask the member to refresh it.")
    ),
    "member_code_invalid": Reason(
        gettext_lazy("No member code"), gettext_lazy("Ask the member to open their card and scan again.")
    ),
    "member_not_active": Reason(
        gettext_lazy("Not active"), gettext_lazy("Take the sale in without the card. The service desk can help.")
    ),
    "member_seen_over": Reason(
        gettext_lazy("Scan again"), gettext_lazy("Ten minutes have passed. Ask for the member's code once more.")
    ),
    "member_unknown": Reason(gettext_lazy("No such member"), gettext_lazy("Check the number, or add a new member.")),
    "scan_unknown": Reason(
        gettext_lazy("Not ours"), gettext_lazy("Scan the member's code, a pick-up code, or the receipt.")
    ),
    "picture_unreadable": Reason(
        gettext_lazy("Nothing to read"), gettext_lazy("Hold the code flat and in the light, or type its digits.")
    ),
    "own_card": Reason(gettext_lazy("Your own card"), gettext_lazy("A colleague must take this sale in.")),
    # the sale
    "receipt_used": Reason(
        gettext_lazy("Receipt used"), gettext_lazy("Check the number. Nothing was taken in a second time.")
    ),
    "receipt_invalid": Reason(
        gettext_lazy("Receipt number?"), gettext_lazy("Type it as it is printed, or scan the receipt.")
    ),
    "receipt_elsewhere": Reason(gettext_lazy("Another store"), gettext_lazy("That store takes its own receipts in.")),
    "amount_out_of_bounds": Reason(gettext_lazy("Check the amount"), gettext_lazy("Type it anew, in yuan.")),
    "goods_unknown": Reason(
        gettext_lazy("Unknown goods"),
        gettext_lazy("Type what they cost as the amount. A receipt's number can be typed."),
    ),
    "goods_too_many": Reason(gettext_lazy("Too many goods"), gettext_lazy("Take them in as two sales.")),
    "price_unknown": Reason(
        gettext_lazy("No price"), gettext_lazy("Take these goods off the list and type what they cost.")
    ),
    "prices_moved": Reason(gettext_lazy("Other prices"), gettext_lazy("Look at the sum once more, then take it in.")),
    "sale_in_future": Reason(
        gettext_lazy("Wrong time"), gettext_lazy("Set this till's clock right, then take the sale in again.")
    ),
    "sale_too_old": Reason(gettext_lazy("Too late"), gettext_lazy("The office can add it with the receipt.")),
    "sale_unsigned": Reason(
        gettext_lazy("Not accepted"), gettext_lazy("Take the sale in again, with the member's code.")
    ),
    "shift_cap": Reason(
        gettext_lazy("Limit reached"),
        gettext_lazy("A colleague takes this sale in. A manager can have the limit raised."),
    ),
    "member_too_often": Reason(
        gettext_lazy("Too often"), gettext_lazy("Ask your manager to have a look at these purchases.")
    ),
    "key_reused": Reason(
        gettext_lazy("Done before"), gettext_lazy("Go on to the next one. Nothing was taken in twice.")
    ),
    # points
    "code_needed": Reason(gettext_lazy("Code needed"), gettext_lazy("Ask the member to show their code, and scan it.")),
    "points_insufficient": Reason(
        gettext_lazy("Too few points"), gettext_lazy("Use fewer, or take the sale in without points.")
    ),
    "points_account_frozen": Reason(
        gettext_lazy("Points frozen"), gettext_lazy("Take the sale in without points. The service desk can help.")
    ),
    "points_too_many": Reason(gettext_lazy("Too many points"), gettext_lazy("Use fewer points for this sale.")),
    "points_spend_limit": Reason(gettext_lazy("Too many points"), gettext_lazy("Use fewer points for this sale.")),
    # coupons
    "coupon_not_found": Reason(
        gettext_lazy("No such coupon"),
        gettext_lazy("Scan it again. It may be somebody else's: only its owner can use it."),
    ),
    "coupon_closed": Reason(gettext_lazy("Too late"), gettext_lazy("Choose another one, or none.")),
    "coupon_not_open": Reason(gettext_lazy("Not yet"), gettext_lazy("Choose another one, or none.")),
    "coupon_out_of_stock": Reason(gettext_lazy("All claimed"), gettext_lazy("Choose another one, or none.")),
    "coupon_limit_reached": Reason(
        gettext_lazy("Has enough of these"),
        gettext_lazy("The paper stays good for somebody else. Choose another one, or none."),
    ),
    "coupon_given": Reason(gettext_lazy("Given away"), gettext_lazy("The friend who took it can use it.")),
    "coupon_recalled": Reason(gettext_lazy("Recalled"), gettext_lazy("Choose another one, or none.")),
    "coupon_expired": Reason(gettext_lazy("Not valid"), gettext_lazy("Choose another one, or none.")),
    "coupon_not_started": Reason(gettext_lazy("Not yet"), gettext_lazy("Choose another one, or none.")),
    "coupon_already_redeemed": Reason(gettext_lazy("Used before"), gettext_lazy("Choose another one, or none.")),
    "coupon_reserved": Reason(gettext_lazy("Reserved"), gettext_lazy("Choose another one, or none.")),
    "coupon_frozen": Reason(gettext_lazy("Stopped"), gettext_lazy("Choose another one, or none.")),
    "coupon_wrong_member": Reason(gettext_lazy("Somebody else's"), gettext_lazy("Choose another one, or none.")),
    "coupon_wrong_store": Reason(gettext_lazy("Not here"), gettext_lazy("Choose another one, or none.")),
    "coupon_wrong_group": Reason(gettext_lazy("Group members only"), gettext_lazy("Choose another one, or none.")),
    "coupon_wrong_tier": Reason(gettext_lazy("Another tier"), gettext_lazy("Choose another one, or none.")),
    "coupon_wrong_channel": Reason(gettext_lazy("Not here"), gettext_lazy("Choose another one, or none.")),
    "coupon_wrong_segment": Reason(gettext_lazy("For others"), gettext_lazy("Choose another one, or none.")),
    "coupon_first_order_only": Reason(gettext_lazy("First order only"), gettext_lazy("Choose another one, or none.")),
    "coupon_min_quantity": Reason(
        gettext_lazy("Too little"), gettext_lazy("Add what is missing, or choose another one.")
    ),
    "coupon_wrong_time": Reason(gettext_lazy("Not now"), gettext_lazy("Choose another one, or none.")),
    "coupon_special_price": Reason(gettext_lazy("List prices only"), gettext_lazy("Choose another one, or none.")),
    "coupon_price_better": Reason(gettext_lazy("The price saves more"), gettext_lazy("Choose another one, or none.")),
    "coupon_unknown_goods": Reason(gettext_lazy("Do the goods fit?"), gettext_lazy("Look, then choose it anew.")),
    "coupon_no_match": Reason(gettext_lazy("Does not fit"), gettext_lazy("Choose another one, or none.")),
    "coupon_min_spend": Reason(gettext_lazy("Too little"), gettext_lazy("Add what is missing, or choose another one.")),
    "coupon_no_effect": Reason(
        gettext_lazy("Saves nothing"), gettext_lazy("It stays good. Take the sale in without it.")
    ),
    "coupon_not_stackable": Reason(gettext_lazy("Not together"), gettext_lazy("Use one of them.")),
    "coupon_budget_spent": Reason(gettext_lazy("Used up"), gettext_lazy("Choose another one, or none.")),
    # gifts
    "pick_up_code_unknown": Reason(
        gettext_lazy("No such code"), gettext_lazy("Read it again. The member finds it under “My exchanges”.")
    ),
    "pick_up_elsewhere": Reason(gettext_lazy("Another store"), gettext_lazy("It stays ready there. Hand nothing out.")),
    "exchange_over": Reason(
        gettext_lazy("Already over"), gettext_lazy("Hand nothing out. The member sees why under “My exchanges”.")
    ),
    "already_handed_over": Reason(
        gettext_lazy("Already handed over"), gettext_lazy("Hand nothing over a second time.")
    ),
    # undoing
    "undo_needs_manager": Reason(
        gettext_lazy("A manager's PIN"), gettext_lazy("A manager of this store enters their PIN.")
    ),
    "undo_over": Reason(gettext_lazy("Already undone"), gettext_lazy("Nothing more is to be done.")),
    # people and tills
    "pin_wrong": Reason(gettext_lazy("Wrong PIN"), gettext_lazy("Try again. A manager can set a new one.")),
    "pin_tries": Reason(gettext_lazy("Too many tries"), gettext_lazy("Wait a little, or let a manager set a new PIN.")),
    "rate_limited": Reason(gettext_lazy("Too many tries"), gettext_lazy("Wait a little, then go on.")),
    "code_wrong": Reason(gettext_lazy("Wrong code"), gettext_lazy("Ask the member to read it out once more.")),
    "code_expired": Reason(gettext_lazy("Code too old"), gettext_lazy("Send a new one.")),
    "phone_invalid": Reason(gettext_lazy("Check the number"), gettext_lazy("Type all eleven digits.")),
}


@dataclass(frozen=True)
class No:
    """A red screen. `code` is for whoever helps from afar."""

    title: str
    why: str
    now: str
    code: str
    status: int


def of(refusal: DomainError) -> No:
    """The words of a refusal in the reader's language."""
    known = CODES.get(refusal.code)
    title = str(known.title) if known else _("That did not work")
    now = str(known.now) if known else _("Try again. If it stays, tell your manager the code below.")
    wait = refusal.facts.get("retry_after")
    if wait:
        minutes = ceil(int(str(wait)) / 60)
        now = ngettext("Go on in %(n)s minute.", "Go on in %(n)s minutes.", minutes) % {"n": minutes}
    return No(title, _why(refusal), now, refusal.code, refusal.status)


def _why(refusal: DomainError) -> str:
    at = refusal.facts.get("at")
    if refusal.code == "receipt_used" and at:
        moment = clock.local(datetime.fromisoformat(str(at)))
        return _("It was taken in on %(day)s at %(time)s.") % {"day": f"{moment:%Y-%m-%d}", "time": f"{moment:%H:%M}"}
    if refusal.code == "coupon_expired" and "ended_at" in refusal.facts:
        days = (clock.local_date(clock.now()) - date.fromisoformat(str(refusal.facts["ended_at"]))).days
        ago = ngettext("That was %(n)s day ago.", "That was %(n)s days ago.", days) % {"n": days}
        return f"{refusal} {ago}"
    return str(refusal)
