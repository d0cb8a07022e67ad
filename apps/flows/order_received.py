"""What the arrival of an order sets off: points that waited for it become usable."""

from apps.core import clock
from apps.events.models import Event
from apps.points import takebacks


def release(event: Event) -> None:
    takebacks.release_order(order_id=event.payload["order_id"], fact=event.name, moment=clock.now())
