"""Coupons that an achievement or a task gives: issued when it is reached, recalled when it is taken back, the same one once more when
it is reached again. So going round in a circle never brings a second coupon; one that was used meanwhile stays used."""

import structlog

from apps.core import clock
from apps.coupons import issuing, keeping
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Template
from apps.events.models import Event
from apps.members import selectors as members
from apps.orders.models import Order
from apps.points import achievements, awards

log = structlog.get_logger("siyu.coupons")


def give(event: Event) -> None:
    """What cannot be issued (stopped, all gone, no such coupon) is left out: the points stay."""
    said = event.payload
    if _is_over(event):
        return
    template_id = Template.objects.filter(key=said["coupon_key"]).values_list("pk", flat=True).first()
    if keeping.restore_source(source=said["source"]):
        return
    try:
        issuing.issue(
            member_id=members.current_id(said["member_id"]), template_id=template_id or 0, source=said["source"],
            channel=issuing.Channel.TASK, origin=said["origin"], moment=clock.now(),
        )  # fmt: skip
    except CouponRefused as refused:
        log.warning("coupons.achievement_not_issued", source=said["source"], code=refused.code)


def recall(event: Event) -> None:
    """The achievement was taken back."""
    if not achievements.stands(attainment_id=event.payload["attainment_id"]):
        keeping.recall_source(source=event.payload["source"], note="")


def recall_of_order(event: Event) -> None:
    """The task that the order did is undone with it."""
    order_id = event.payload["order_id"]
    if _is_given_back(order_id):
        for source in awards.coupon_sources(order_id=order_id):
            keeping.recall_source(source=source, note="")


def _is_over(event: Event) -> bool:
    """Taken back since: told late, or delivered beside."""
    if event.name == achievements.REACHED:
        return not achievements.stands(attainment_id=event.payload["attainment_id"])
    order_id = event.payload["order_id"]
    return order_id is not None and _is_given_back(order_id)


def _is_given_back(order_id: int) -> bool:
    order = Order.objects.get(pk=order_id)
    return order.refunded_cents >= order.total_cents
