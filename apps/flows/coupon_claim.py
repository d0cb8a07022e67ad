"""A member takes a coupon from the centre, by whichever door."""

from datetime import datetime

from apps.core import clock
from apps.coupons import centre, gate
from apps.coupons.errors import CouponRefused
from apps.coupons.issuing import Issued
from apps.coupons.models import Template
from apps.flows import shopper


def claim(
    *, member_id: int, template_id: int, source: str, origin: str, moment: datetime | None = None
) -> tuple[Template, Issued]:
    """A flash sale's gate is asked before anything is looked up of the member. Raises CouponRefused, coupon_closed for what the centre
    does not show; and as `issuing.claim`."""
    moment = moment or clock.now()
    row = centre.shown(template_id, moment)
    if row is None:
        raise CouponRefused("coupon_closed")
    gate.refuse(template=row, member_id=member_id, source=source, moment=moment)
    who = shopper.shopper_of(member_id, moment=moment)
    return row, gate.claim(shopper=who, template=row, source=source, origin=origin, moment=moment)
