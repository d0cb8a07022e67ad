"""Which steps run after which fact, in order. This table is the whole wiring."""

from collections.abc import Callable

from apps.events.models import Event
from apps.flows import identity_conflict, member_merged, order_paid, order_refunded, personalisation_off, privacy

Step = Callable[[Event], None]

STEPS: dict[str, tuple[Step, ...]] = {
    "order.paid": (order_paid.refresh,),
    "order.refunded": (order_refunded.refresh,),
    "member.unionid_conflict": (identity_conflict.join_by_unionid,),
    "member.phone_conflict": (identity_conflict.join_by_phone,),
    "member.came_back": (privacy.close_wish,),
    "member.merged": (member_merged.settle, personalisation_off.stop_for_survivor),
    "member.personalisation_off": (personalisation_off.stop,),
    "member.unmerged": (member_merged.refresh_both,),
}
