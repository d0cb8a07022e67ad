"""A coupon's code under the scanner: looked up for the member on the screen only, so that nothing can be learnt of other people's."""

from datetime import datetime

from apps.core import clock, letters
from apps.counter.tickets import Member
from apps.coupons import codes, redeeming
from apps.coupons.basket import Shopper
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Coupon
from apps.coupons.quote import Chosen, together
from apps.flows import bought as basket
from apps.flows import counter_rules, shopper
from apps.flows.bought import Bought
from apps.flows.checkout import Desk
from apps.flows.checkout_errors import MemberAbsent
from apps.members import selectors as members

ORIGIN = "till"


def coupon(text: str, *, seen: Member, desk: Desk) -> Coupon | None:
    """The member's coupon under this code; one that nobody had becomes theirs. None: it is no coupon's code.

    A code that does not exist and one that is somebody else's are refused alike, and ten of these end it for ten minutes: see
    `codes.enter`. Raises CouponRefused, TooManyCodes; MemberAbsent when the member did not show their code.
    """
    found = _own(text, seen.member_id)
    if found is None and not codes.is_shaped(text):
        return None
    if not seen.is_present:
        raise MemberAbsent
    if found is None:
        who = shopper.shopper_of(seen.member_id)
        codes.enter(shopper=who, text=text, device=f"device:{desk.device_id}", origin=ORIGIN)
        found = _own(text, seen.member_id)
    return found


def require_usable(row: Coupon, *, who: Shopper, desk: Desk, bought: Bought, moment: datetime | None = None) -> None:
    """What speaks against it on this sale; of one that nothing is known of yet, the amount does not. Raises CouponRefused."""
    moment = moment or clock.now()
    if bought == Bought():
        bought = Bought(counter_rules.read().most_cents)
    put = basket.put(bought, who=who, store_code=desk.store_code, moment=moment, is_vouched=True)
    helds = shopper.within_budgets(redeeming.helds([row], moment=moment), member_id=who.member_id, basket=put.basket)
    found = together(helds, who, put.basket)
    if not isinstance(found, Chosen):
        _held, reason = found
        raise CouponRefused(reason.code, **reason.facts)


def _own(text: str, member_id: int) -> Coupon | None:
    rows = Coupon.objects.select_related("template", "version").filter(member__in=members.family(member_id))
    return rows.filter(code__in={text, letters.typed(text)}).first()
