"""What a refund sets off, top to bottom.

`return_coupons` makes the coupons of an order that was given back whole usable again; a part that is given back leaves them used: what
was paid for it already lacks its share of the saving. `take_back` takes points and growth back as far as the order was given back,
and returns points that paid for it; `progress` counts achievements anew, and takes back what is no longer reached;
`refresh` takes the money out of the stats; a stage that changes by it is a correction and triggers no care.
"""

from apps.core import clock
from apps.coupons import redeeming
from apps.events.models import Event
from apps.members import selectors as members
from apps.orders.models import Order
from apps.points import achievements, awards
from apps.segments import refresh as stats


def return_coupons(event: Event) -> None:
    order = Order.objects.get(pk=event.payload["order_id"])
    if order.refunded_cents >= order.total_cents:
        redeeming.free_order(order_id=order.pk, moment=clock.now())


def take_back(event: Event) -> None:
    awards.settle_refund(refund_id=event.payload["refund_id"], moment=clock.now())


def progress(event: Event) -> None:
    achievements.for_order(order_id=event.payload["order_id"], moment=clock.now())


def refresh(event: Event) -> None:
    stats.refresh_members(member_ids=[members.current_id(event.payload["member_id"])], moment=clock.now())
