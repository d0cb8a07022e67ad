"""Which steps run after which fact, in order. This table is the whole wiring."""

from collections.abc import Callable

from apps.events.models import Event
from apps.flows import member_merged, order_paid, order_refunded

Step = Callable[[Event], None]

STEPS: dict[str, tuple[Step, ...]] = {
    "order.paid": (order_paid.refresh,),
    "order.refunded": (order_refunded.refresh,),
    "member.merged": (member_merged.settle,),
    "member.unmerged": (member_merged.refresh_both,),
}
