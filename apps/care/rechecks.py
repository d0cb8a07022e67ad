"""What may have become of the cause: asked when it is decided, and once more at the moment of sending, in the claim.

SQL over the touch `t` (member_id, occurrence; in the claim decided_at), its version `v` (params), member `m`, their stats `s`.
"""

from typing import NamedTuple

from apps.care import reasons
from apps.care.models import Version

Trigger = Version.Trigger


class Check(NamedTuple):
    """`condition` true: nothing is sent, for `reason`. `asks_who_bought`: it names `bought.since`, which only the claim knows."""

    reason: str
    condition: str
    asks_who_bought: bool = False


def _kept_order(after: str, more: str = "") -> str:
    return f"""exists (
                    select from orders_order o
                    where o.member_id = t.member_id and o.paid_at > {after} and o.paid_at <= %(moment)s
                      and o.status <> 'cancelled' and o.total_cents > o.refunded_cents{more}
                )"""


BOUGHT_SINCE_DECISION = _kept_order("t.decided_at")
_BOUGHT = Check(reasons.BOUGHT, "bought.since", asks_who_bought=True)
_LAST_DAY = "(({at} - interval '1 microsecond') at time zone 'Asia/Shanghai')::date::text"
_POINTS_GONE = f"""not exists (
    select from points_account a join points_currency c on c.id = a.currency_id
    join points_lot l on l.account_id = a.id and l.remaining > 0 and l.activated_at is not null and l.expires_at > %(moment)s
    where a.member_id = t.member_id and c.key = split_part(t.occurrence, ':', 2)
      and {_LAST_DAY.format(at="l.expires_at")} = split_part(t.occurrence, ':', 3)
)"""
_COUPON_GONE = f"""not exists (
    select from coupons_coupon c
    where c.member_id = t.member_id and c.state = 'ready' and c.ends_at > %(moment)s
      and {_LAST_DAY.format(at="c.ends_at")} = split_part(t.occurrence, ':', 2)
      and (coalesce(v.params ->> 'coupon', '') = ''
        or c.template_id in (select x.id from coupons_template x where x.key = v.params ->> 'coupon'))
)"""
_LEFT_AT = "to_timestamp(split_part(t.occurrence, ':', 2)::bigint)"
# The occurrence tells whole seconds: what happened within that second was not later.
_CART_CHANGED = f"""exists (
    select from activity_event e
    where e.member_id = t.member_id and e.occurred_at >= {_LEFT_AT} + interval '1 second' and e.occurred_at <= %(moment)s
      and e.name in ('added_to_cart', 'removed_from_cart', 'checkout_started')
)"""
_OF_CATEGORY = """ and exists (
                        select from orders_line l join catalog_product p on p.id = l.product_id
                        where l.order_id = o.id and l.total_cents > l.refunded_cents
                          and p.category_id = split_part(t.occurrence, ':', 2)::bigint
                      )"""
_DAY_AFTER = "((split_part(t.occurrence, ':', 3)::date + 1)::timestamp at time zone 'Asia/Shanghai')"
_SEGMENT_LEFT = """not exists (
    select from segments_membership b
    where b.member_id = t.member_id and b.segment_id = split_part(t.occurrence, ':', 2)::bigint
)"""

_STEP_LEFT = """not exists (
    select from segments_placement l
    where l.id = split_part(t.occurrence, ':', 2)::bigint and l.left_at is null and l.step = split_part(t.occurrence, ':', 3)
)"""

_STREAM = "from livestream_stream x where x.id = split_part(t.occurrence, ':', 2)::bigint"
_MOVED = f"""not exists (
    select {_STREAM} and x.state in ('planned', 'live')
      and floor(extract(epoch from x.starts_at))::bigint = split_part(t.occurrence, ':', 3)::bigint
)"""
# Quiet hours and slow lines hold a message up: a reminder that comes when the stream has long begun is none.
_BEGUN = f"""exists (
    select {_STREAM} and x.starts_at <= %(moment)s - case split_part(t.occurrence, ':', 4)
        when 'day' then interval '0' else interval '15 minutes' end
)"""
_UNASKED = """not exists (
    select from livestream_subscription b
    where b.stream_id = split_part(t.occurrence, ':', 2)::bigint and b.member_id = t.member_id and b.ended_at is null
)"""
_BOOKING_GONE = """not exists (
    select from bookings_booking b join bookings_slot o on o.id = b.slot_id
    where b.id = split_part(t.occurrence, ':', 2)::bigint and b.state = 'booked' and o.starts_at > %(moment)s
)"""
_GROUP_LEFT = """not exists (
    select from community_groupmember g join community_group r on r.id = g.group_id and r.dismissed_at is null
    where g.id = split_part(t.occurrence, ':', 2)::bigint and g.left_at is null
)"""
_IN_GROUP = """exists (
    select from community_invitation n join community_groupcode k on k.id = n.code_id
    where n.id = split_part(t.occurrence, ':', 2)::bigint and (k.trouble = 'NO_ROOM' or exists (
        select from community_contact c join community_groupmember g on g.contact_id = c.id and g.left_at is null
        join community_group r on r.id = g.group_id and r.dismissed_at is null
        where c.member_id = t.member_id and (g.code_id = k.id or r.chat_id = any(k.chats))))
)"""

CHECKS: dict[str, tuple[Check, ...]] = {
    Trigger.STAGE_ENTERED: (
        Check(
            reasons.STAGE_LEFT,
            "coalesce(s.stage, 'prospect') <> v.params ->> 'stage'"
            " or v.params ->> 'stage' in ('lapsing', 'dormant', 'lost') and bought.since",
            asks_who_bought=True,
        ),
    ),
    Trigger.DAYS_SINCE_ORDER: (_BOUGHT,),
    Trigger.SECOND_PURCHASE: (_BOUGHT,),
    Trigger.JOURNEY: (
        Check(reasons.BOUGHT, "(v.params ->> 'ends_on_order')::boolean and bought.since", asks_who_bought=True),
    ),
    Trigger.POINTS_EXPIRING: (Check(reasons.POINTS_GONE, _POINTS_GONE),),
    Trigger.COUPON_EXPIRING: (Check(reasons.COUPON_GONE, _COUPON_GONE),),
    Trigger.CART_LEFT: (
        Check(reasons.BOUGHT, _kept_order(_LEFT_AT)),
        Check(reasons.CART_CHANGED, _CART_CHANGED),
    ),
    Trigger.REPLENISHMENT_DUE: (Check(reasons.BOUGHT, _kept_order(_DAY_AFTER, _OF_CATEGORY)),),
    Trigger.SEGMENT_ENTERED: (Check(reasons.SEGMENT_LEFT, _SEGMENT_LEFT),),
    Trigger.TRACK_STEP: (Check(reasons.STEP_LEFT, _STEP_LEFT),),
    Trigger.LIVE_REMINDER: (
        Check(reasons.STREAM_MOVED, _MOVED),
        Check(reasons.LATE, _BEGUN),
        Check(reasons.NOT_ASKED, _UNASKED),
    ),
    Trigger.GROUP_JOINED: (Check(reasons.GROUP_LEFT, _GROUP_LEFT),),
    Trigger.GROUP_INVITE: (Check(reasons.IN_GROUP, _IN_GROUP),),
    Trigger.BOOKING_NOTICE: (Check(reasons.BOOKING_GONE, _BOOKING_GONE),),
}


def of_decision(trigger: str) -> list[Check]:
    """Those that planning asks, too."""
    return [check for check in CHECKS.get(trigger, ()) if not check.asks_who_bought]
