"""What dropping an unpaid order sets off: points that were to pay for it are free again, and so are its coupons."""

from apps.core import clock
from apps.coupons import redeeming
from apps.events.models import Event
from apps.points import takebacks


def free_points(event: Event) -> None:
    takebacks.cancel_order(order_id=event.payload["order_id"], moment=clock.now())


def free_coupons(event: Event) -> None:
    redeeming.free_order(order_id=event.payload["order_id"], moment=clock.now())
