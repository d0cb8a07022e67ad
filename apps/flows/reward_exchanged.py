"""A reward of the mall that is a coupon: issued when it was paid for, recalled when the exchange is called off."""

import structlog

from apps.core import clock
from apps.coupons import issuing, keeping
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Template
from apps.events.models import Event
from apps.members import selectors as members
from apps.points import mall

log = structlog.get_logger("siyu.coupons")


def give_coupon(event: Event) -> None:
    """What cannot be issued (stopped, all gone, no such coupon) is not charged: the points go back."""
    said = event.payload
    if not said.get("coupon_key"):
        return
    template_id = Template.objects.filter(key=said["coupon_key"]).values_list("pk", flat=True).first()
    try:
        issuing.issue(
            member_id=members.current_id(said["member_id"]), template_id=template_id or 0, source=_source(event),
            channel=issuing.Channel.MALL, origin=said["reward"], moment=clock.now(),
        )  # fmt: skip
    except CouponRefused as refused:
        log.warning("coupons.reward_not_issued", exchange_id=said["exchange_id"], code=refused.code)
        mall.call_off(exchange_id=said["exchange_id"], moment=clock.now())


def recall_coupon(event: Event) -> None:
    keeping.recall_source(source=_source(event), note="")


def _source(event: Event) -> str:
    return f"exchange:{event.payload['exchange_id']}"
