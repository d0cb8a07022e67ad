"""Why a coupon cannot be claimed or used. A code is stable and the same in quotes, refusals and at the counter."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError

REASONS: dict[str, str | Promise] = {
    # using
    "coupon_not_started": _("This coupon counts from %(starts_at)s on."),
    "coupon_expired": _("This coupon ended on %(ended_at)s."),
    "coupon_already_redeemed": _("This coupon was used at %(at)s: %(where)s."),
    "coupon_reserved": _("This coupon is reserved for another order until %(until)s."),
    "coupon_given": _("This coupon was given to a friend."),
    "coupon_recalled": _("This coupon was recalled by the brand."),
    "coupon_frozen": _("This coupon has been stopped by the brand."),
    "coupon_wrong_member": _("This coupon belongs to another member."),
    "coupon_wrong_store": _("This coupon counts in other stores."),
    "coupon_wrong_channel": _("This coupon does not count here."),
    "coupon_wrong_tier": _("This coupon is for other tiers."),
    "coupon_wrong_segment": _("This coupon is for a chosen group of members."),
    "coupon_wrong_group": _("This coupon is for group members only."),
    "coupon_wrong_time": _("This coupon counts at other hours or on other days of the week."),
    "coupon_first_order_only": _("This coupon is for the first order only."),
    "coupon_no_match": _("Nothing in the basket fits this coupon."),
    "coupon_special_price": _("This coupon counts at list prices only: what fits it has a special price."),
    "coupon_price_better": _("The special price saves more than this coupon, which does not go with it."),
    "coupon_unknown_goods": _("Whether the goods fit this coupon is not known: look, and confirm."),
    "coupon_min_spend": _("Spend %(missing)s more to use this coupon."),
    "coupon_min_quantity": _("Take %(missing)s more to use this coupon."),
    "coupon_no_effect": _("This coupon would save nothing here, so it is not used up."),
    "coupon_not_stackable": _("This coupon does not count together with the others."),
    "coupon_budget_spent": _("What was set aside for this coupon is used up for now."),
    # claiming
    "coupon_not_open": _("To be claimed from %(opens_at)s on."),
    "coupon_closed": _("The time for claiming is over."),
    "coupon_out_of_stock": _("All claimed."),
    "coupon_limit_reached": _("You have as many of these as one member may."),
    "coupon_not_giftable": _("This coupon cannot be given away."),
    "coupon_own_gift": _("This is your own coupon: the link is for a friend."),
    "coupon_member_gone": _("This membership has ended."),
    "coupon_not_found": _("There is no such coupon."),
}


_CODES = list(REASONS)
CLAIMING = tuple(code for code in _CODES[_CODES.index("coupon_not_open") : -1] if code != "coupon_member_gone")
USING = (*_CODES[: _CODES.index("coupon_not_open")], "coupon_not_found")  # why a coupon cannot be used


def said(code: str, facts: Mapping[str, object]) -> str:
    """A reason in the present language."""
    text = str(REASONS[code])
    return text % facts if "%(" in text else text


class CouponRefused(DomainError):
    """`code` is a key of REASONS; `facts` as its text names them."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(**facts)
        self.code = code
        self.title = REASONS[code]
        self.status = 404 if code == "coupon_not_found" else 409


class ActReused(DomainError):
    """The same source with other coupons, for another member, or another kind of act."""

    code = "coupon_act_reused"
    status = 422
    title = _("This act was recorded before, with other coupons.")


class ReservationOver(DomainError):
    code = "coupon_reservation_over"
    title = _("This reservation is over: the coupons are free again.")


class NotRedeemed(DomainError):
    """A cancel of what is redeemed (roll it back), or a roll-back of what is not."""

    code = "coupon_not_redeemed"
    title = _("This does not go with the state of the redemption: %(state)s.")
