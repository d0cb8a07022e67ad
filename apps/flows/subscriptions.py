"""Which steps run after which fact, in order. This table is the whole wiring."""

from collections.abc import Callable

from apps.events.models import Event
from apps.flows import (
    coupon_low_stock,
    coupon_rewards,
    identity_conflict,
    journey_entered,
    member_erased,
    member_merged,
    member_registered,
    members_imported,
    one_welcome,
    order_cancelled,
    order_paid,
    order_received,
    order_refunded,
    personalisation_off,
    privacy,
    reward_exchanged,
    tier_moves,
)

Step = Callable[[Event], None]

STEPS: dict[str, tuple[Step, ...]] = {
    "order.paid": (
        order_paid.reward,
        order_paid.progress,
        tier_moves.reassess,
        order_paid.refresh,
        journey_entered.enter,
    ),
    "order.refunded": (
        order_refunded.return_coupons,
        order_refunded.take_back,
        coupon_rewards.recall_of_order,
        order_refunded.progress,
        tier_moves.reassess,
        order_refunded.refresh,
        journey_entered.enter,
    ),
    "order.received": (order_received.release, tier_moves.reassess, journey_entered.enter),
    "order.cancelled": (order_cancelled.free_points, order_cancelled.free_coupons),
    "achievement.reached": (coupon_rewards.give,),
    "achievement.taken_back": (coupon_rewards.recall,),
    "task.rewarded": (coupon_rewards.give,),
    "coupon.low_stock": (coupon_low_stock.alert,),
    "members.imported": (members_imported.take_openings, members_imported.take_coupons),
    "member.unionid_conflict": (identity_conflict.join_by_unionid,),
    "member.phone_conflict": (identity_conflict.join_by_phone,),
    "member.came_back": (privacy.close_wish,),
    "member.merged": (
        member_merged.join_points,
        member_merged.progress,
        tier_moves.join,
        member_merged.settle,
        one_welcome.keep_one,
        personalisation_off.stop_for_survivor,
    ),
    "member.registered": (member_registered.reward, member_registered.give_coupons, journey_entered.enter),
    "member.tier_changed": (journey_entered.enter,),
    "member.tier_falling": (journey_entered.enter,),
    "member.erased": (
        member_erased.cancel_exchanges,
        member_erased.drop_points,
        member_erased.recall_coupons,
        member_erased.call_off_followups,
    ),
    "member.personalisation_off": (personalisation_off.stop,),
    "reward.exchanged": (reward_exchanged.give_coupon,),
    "reward.cancelled": (reward_exchanged.recall_coupon,),
    "member.unmerged": (
        member_merged.part_points,
        member_merged.progress_apart,
        tier_moves.part,
        member_merged.refresh_both,
        one_welcome.take_apart,
    ),
}
