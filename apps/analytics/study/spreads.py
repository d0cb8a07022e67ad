"""How orders and members are spread: by value, number of orders, gap, recency, and days on which they were active.

Classes are fixed, so that stores and days add up: `EDGES` holds the lower edges; the last class has no end.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Sum

from apps.analytics.keyset import Page
from apps.analytics.lists import select
from apps.analytics.lists.select import Conditions
from apps.analytics.models import Spread, StudyMark
from apps.analytics.reach import Stores, within
from apps.core import clock
from apps.orders.selectors import KEPT_ORDERS

NAME = "spreads"
LOCK = 7_490_316
DAYS = 92  # of orders
ACTIVE_DAYS = 28
NAMES = ("value", "orders", "gap", "rfm", "active")  # of `Spread`
EDGES: dict[str, tuple[int, ...]] = {
    "value": (0, 5_000, 10_000, 20_000, 30_000, 50_000, 80_000, 120_000, 200_000, 500_000),  # 分
    "orders": (1, 2, 3, 4, 5, 6, 8, 11, 21),
    "gap": (0, 8, 15, 31, 46, 61, 91, 121, 181),  # whole days, the median of a member
    "recency": (0, 15, 31, 61, 91, 121, 181, 271, 366),  # whole days since the last order
    "active": (0, 1, 2, 4, 8, 15),  # of 28 days, those with an event or a message read
}


def _class(value: str, name: str) -> str:
    """The place of a value among the classes, as SQL."""
    return f"width_bucket({value}, array[{', '.join(str(edge) for edge in EDGES[name])}]::numeric[]) - 1"


_DAY = "({at} at time zone 'Asia/Shanghai')::date"
_SINCE = "floor(extract(epoch from %(moment)s - s.last_order_at) / 86400)::numeric"
_VALUES = f"""
select 'value', {_DAY.format(at="k.paid_at")}, coalesce(k.store_id, 0), {_class("k.net_cents", "value")}, 0, count(*), sum(k.net_cents)
from ({KEPT_ORDERS} and o.paid_at >= %(start)s) k group by 2, 3, 4
"""
_BUYERS = """
select '{name}', %(on)s, coalesce(m.home_store_id, 0), {x}, {y}, count(*), sum(s.net_cents)
from segments_memberstats s join members_member m on m.id = s.member_id and m.merged_into_id is null
where s.orders > 0 and s.last_order_at <= %(moment)s and {only} group by 3, 4, 5
"""
# Who was active on how many days, and whether they bought in the same days: y 1.
_ACTIVE = f"""
select 'active', %(on)s, coalesce(m.home_store_id, 0), {_class("coalesce(a.days, 0)", "active")},
       case when s.last_order_at >= %(active)s then 1 else 0 end, count(*), 0
from members_member m left join segments_memberstats s on s.member_id = m.id
left join (
    select member_id, count(distinct day) as days from (
        select e.member_id, {_DAY.format(at="e.occurred_at")} as day from activity_event e
        where e.member_id is not null and e.occurred_at >= %(active)s and e.occurred_at <= %(moment)s
        union
        select i.member_id, {_DAY.format(at="i.read_at")} from gateways_inboxmessage i
        where i.read_at >= %(active)s and i.read_at <= %(moment)s
    ) each group by 1
) a on a.member_id = m.id
where m.merged_into_id is null and m.joined_at <= %(active)s group by 3, 4, 5
"""
# What these come to on the day, kept for the house's months: by store, and 0 for all.
_ENGAGED = """
insert into analytics_dailyfigure (name, store_id, "on", value, as_of)
select v.name, a.store, %(on)s, v.n, %(moment)s
from (
    select case when grouping(store_id) = 1 then 0 else store_id end as store, coalesce(sum(count) filter (where x > 0), 0) as some,
           sum(count) as every
    from analytics_spread where name = 'active'
    group by grouping sets ((store_id), ()) having grouping(store_id) = 1 and count(*) > 0 or store_id > 0
) a cross join lateral (values ('engaged.members', a.some), ('engaged.all', a.every)) v (name, n)
on conflict (name, store_id, "on") do update set value = excluded.value, as_of = excluded.as_of
"""
_ALL = (
    _VALUES,
    _BUYERS.format(name="orders", x=_class("s.orders", "orders"), y=0, only="true"),
    _BUYERS.format(
        name="gap", x=_class("floor(s.gap_median_days)::numeric", "gap"), y=0, only="s.gap_median_days is not null"
    ),
    _BUYERS.format(name="rfm", x=_class(_SINCE, "recency"), y=_class("s.orders", "orders"), only="true"),
    _ACTIVE,
)


@transaction.atomic
def refresh(*, moment: datetime) -> int:
    """Everything anew: each night, and where nothing was counted yet. Returns rows written."""
    on = clock.local_date(moment)
    values: dict[str, Any] = {
        "moment": moment, "on": on, "start": clock.day_start(on - timedelta(days=DAYS - 1)), "active": _active_from(on),
    }  # fmt: skip
    written = 0
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute("delete from analytics_spread where name = any(%s)", [list(NAMES)])
        for statement in _ALL:
            cursor.execute(
                f'insert into analytics_spread (name, "on", store_id, x, y, count, cents) {statement}', values
            )
            written += cursor.rowcount
        cursor.execute(_ENGAGED, values)
    StudyMark.objects.update_or_create(pk=NAME, defaults={"as_of": moment})
    return written


def _active_from(on: date) -> datetime:
    """28 whole shop days before the day of the count."""
    return clock.day_start(on - timedelta(days=ACTIVE_DAYS))


def found(
    name: str, *, store_ids: Stores, first: date | None = None, last: date | None = None
) -> dict[tuple[int, int], tuple[int, int]]:
    """(x, y) → (count, 分): of orders paid on these days, else of members as they were counted last."""
    rows = Spread.objects.filter(name=name)
    if first and last:
        rows = rows.filter(on__range=(first, last))
    sums = within(rows, store_ids).values_list("x", "y").annotate(n=Sum("count"), c=Sum("cents"))
    return {(x, y): (count, cents) for x, y, count, cents in sums}


def counted_on(name: str) -> date | None:
    on: date | None = Spread.objects.filter(name=name).aggregate(on=Max("on"))["on"]
    return on


_ORDERS = f"""
select c.id, c.paid_at as at, c.net_cents as cents, 1 as n, o.order_no, m.id as member_id, m.member_no, m.nickname, h.name as store
from ({KEPT_ORDERS.replace("%(moment)s", "%s")} and o.paid_at >= %s and o.paid_at < %s) c
join orders_order o on o.id = c.id join members_member m on m.id = o.member_id left join stores_store h on h.id = o.store_id
"""
_MEMBERS = """
select m.id, m.member_no, m.nickname, h.name as store, s.last_order_at as at, s.orders as n, s.net_cents as cents
from segments_memberstats s join members_member m on m.id = s.member_id left join stores_store h on h.id = m.home_store_id
"""


def orders(*, x: int, first: date, last: date, store_ids: Stores, as_of: datetime, cursor: str) -> Page:
    """Of one class of value, newest first."""
    conditions = Conditions(values=[as_of, as_of, clock.day_start(first), clock.day_end(last)])
    _between(conditions, "c.net_cents", "value", x)
    if store_ids is not None:
        conditions.add("c.store_id = any(%s)", list(store_ids))
    return select.page(
        _ORDERS, conditions=conditions, sort=[("c.paid_at", "at", datetime), ("c.id", "id", int)], cursor=cursor
    )


def members(name: str, *, x: int, y: int, store_ids: Stores, as_of: datetime, cursor: str) -> Page:
    """Of one class of "orders", "gap" or "rfm"; who bought last first."""
    conditions = Conditions()
    conditions.add("m.merged_into_id is null and s.orders > 0 and s.last_order_at <= %s", as_of)
    if name == "orders":
        _between(conditions, "s.orders", "orders", x)
    elif name == "gap":
        _between(conditions, "floor(s.gap_median_days)", "gap", x)
    else:
        edges = EDGES["recency"]
        conditions.add(
            "s.last_order_at > %s - make_interval(days => %s)", as_of, edges[x + 1] if x + 1 < len(edges) else 36_500
        )
        conditions.add("s.last_order_at <= %s - make_interval(days => %s)", as_of, edges[x])
        _between(conditions, "s.orders", "orders", y)
    if store_ids is not None:
        conditions.add("m.home_store_id = any(%s)", list(store_ids))
    return select.page(
        _MEMBERS, conditions=conditions, sort=[("s.last_order_at", "at", datetime), ("m.id", "id", int)], cursor=cursor
    )


def _between(conditions: Conditions, value: str, name: str, place: int) -> None:
    edges = EDGES[name]
    conditions.add(f"{value} >= %s", edges[place])
    if place + 1 < len(edges):
        conditions.add(f"{value} < %s", edges[place + 1])
