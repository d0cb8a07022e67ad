"""How a round of the weekly routine went: every step from the live code to the till, who came all the way, the groups' share."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from apps.flows.models import LiveWeek

LASTS = timedelta(days=7)  # after the stream: when what was claimed is used
# Each: members who did it in the round, in the order in which it is done. `people` counts those too whom we do not know as members.
_STEPS: tuple[tuple[str, str], ...] = (
    (
        "came",
        """select c.id as who, c.member_id from community_follow f join community_contact c on c.id = f.contact_id
           where f.code_id = %(code)s and f.since_at between %(since)s and %(until)s""",
    ),
    (
        "joined",
        """select m.id as who, c.member_id from community_groupmember m join community_group g on g.id = m.group_id
           left join community_contact c on c.id = m.contact_id
           where g.key = any(%(groups)s) and not m.is_staff and m.left_at is null""",
    ),
    (
        "asked",
        "select member_id as who, member_id from livestream_subscription where stream_id = %(stream)s and ended_at is null",
    ),
    (
        "reminded",
        """select member_id as who, member_id from care_touch
           where starts_with(occurrence, 'live:' || %(stream)s || ':') and state in ('sent', 'delivered')""",
    ),
    ("watched", "select member_id as who, member_id from livestream_viewer where stream_id = %(stream)s"),
    (
        "claimed",
        """select member_id as who, member_id from coupons_coupon
           where template_id = %(template)s and member_id is not null and state <> 'recalled'""",
    ),
    (
        "booked",
        """select b.member_id as who, b.member_id from bookings_booking b join bookings_slot s on s.id = b.slot_id
           join bookings_offer o on o.id = s.offer_id
           where o.service_id = %(service)s and o.store_id = any(%(stores)s) and b.state <> 'cancelled'
             and b.made_at between %(since)s and %(until)s""",
    ),
    (
        "tried",
        """select b.member_id as who, b.member_id from bookings_booking b join bookings_slot s on s.id = b.slot_id
           join bookings_offer o on o.id = s.offer_id
           where o.service_id = %(service)s and o.store_id = any(%(stores)s) and b.state = 'arrived'
             and b.made_at between %(since)s and %(until)s""",
    ),
    (
        "redeemed",
        """select member_id as who, member_id from coupons_use
           where template_id = %(template)s and state = 'done' and store_id is not null""",
    ),
)
KEYS = tuple(key for key, _statement in _STEPS)
_COUNTED = (
    "select count(distinct x.who), array_agg(distinct x.member_id) filter (where x.member_id is not null) from ({}) x"
)
_SALES = """
select count(*), coalesce(sum(o.total_cents - o.refunded_cents), 0)::bigint from livestream_sale s
join orders_order o on o.id = s.order_id where s.stream_id = %(stream)s
"""
# The groups' share: what their members bought from the beginning of the stream on, of what all members bought.
_SHARE = """
select coalesce(sum(o.total_cents - o.refunded_cents), 0)::bigint,
       coalesce(sum(o.total_cents - o.refunded_cents) filter (where exists (
           select from community_contact c join community_groupmember m on m.contact_id = c.id and m.left_at is null
           join community_group g on g.id = m.group_id and g.key = any(%(groups)s) where c.member_id = o.member_id)), 0)::bigint
from orders_order o where o.paid_at between %(began)s and %(until)s and o.status <> 'cancelled'
"""


@dataclass(frozen=True)
class Step:
    """`people` did it; `through`: members among them who did every step before it too. A step without any counts for no way through."""

    key: str
    people: int
    through: int


@dataclass(frozen=True)
class Report:
    """Money in 分. `share`: of the groups' members in all net sales of the round, None while nothing was sold."""

    steps: tuple[Step, ...]
    orders: int
    net_cents: int
    all_cents: int
    group_cents: int
    since: datetime
    until: datetime

    @property
    def share(self) -> float | None:
        return self.group_cents / self.all_cents if self.all_cents else None


def report(week: LiveWeek, *, moment: datetime) -> Report:
    """As it stands at `moment`; the round ends a week after the stream."""
    stream = week.stream
    until = min(moment, (stream.finished_at or stream.ends_at) + LASTS)
    values: dict[str, Any] = {  # WeCom tells whole seconds
        "code": week.live_code_id, "stream": stream.pk, "template": week.template_id, "service": week.service_id,
        "groups": week.groups, "stores": week.stores, "since": week.created_at.replace(microsecond=0), "until": until,
        "began": stream.began_at or stream.starts_at,
    }  # fmt: skip
    orders, net_cents = _row(_SALES, values)
    all_cents, group_cents = _row(_SHARE, values)
    return Report(_steps(week, values), orders, net_cents, all_cents, group_cents, week.created_at, until)


def _steps(week: LiveWeek, values: dict[str, Any]) -> tuple[Step, ...]:
    """Where no live code belongs to the round, the way begins in the groups."""
    way: set[int] | None = None
    found = []
    for key, statement in _STEPS:
        people, ids = _row(_COUNTED.format(statement), values)
        if key == "came" and week.live_code_id is None:
            continue
        way = set(ids or ()) if way is None else way & set(ids or ())
        found.append(Step(key, people, len(way)))
    return tuple(found)


def _row(statement: str, values: dict[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()
