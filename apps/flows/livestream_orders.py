"""An order was paid: the stream that brought it, if one did. A coupon claimed in a stream says it surest, whenever it is used; then the
stream's code; then having watched what was bought, within a day."""

from apps.coupons.models import Use
from apps.events.models import Event
from apps.livestream import sales
from apps.livestream.models import Window
from apps.orders.models import Order


def attribute(event: Event) -> None:
    order = Order.objects.get(pk=event.payload["order_id"])
    if order.paid_at is None:
        return
    stream_id = _by_coupon(order)
    found = (stream_id, sales.How.COUPON) if stream_id else sales.traced(order, sales.around(order.paid_at))
    if found:
        sales.attribute(order_id=order.pk, stream_id=found[0], how=found[1], at=order.paid_at)


def _by_coupon(order: Order) -> int | None:
    """The stream during which a coupon that paid for the order was claimed."""
    uses = Use.objects.filter(order=order, state__in=[Use.State.DONE, Use.State.RESERVED])
    for key, issued_at in uses.values_list("template__key", "coupon__issued_at"):
        for row in Window.objects.filter(coupon=key).select_related("stream").order_by("-stream__began_at"):
            if row.covers(issued_at):
                return row.stream_id
    return None
