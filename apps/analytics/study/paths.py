"""The ways people went: contacts before an order, and the channels or categories of a member's first orders.

`contacts`: by the day on which the order was paid, and its store; its last four contacts at most, made from the rows of attribution.
`channels`, `categories`: by the day of the member's first kept order and the home store; up to the third order, of members whose first
lies within a year. The category of an order is that of its dearest line, 0: none.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum

from apps.analytics.lists import select
from apps.analytics.models import PathDay, StudyMark
from apps.analytics.reach import Stores, within
from apps.core import clock
from apps.orders.selectors import KEPT_ORDERS

NAME = "paths"
LOCK = 7_490_319
DAYS, FIRST_ORDERS = 92, 365  # days back: of contacts, of first orders
CONTACTS, ORDERS = 4, 3
BREAK = ">"
_DAY = "({at} at time zone 'Asia/Shanghai')::date"

_CONTACTS = f"""
select c.order_id, min(c.paid_at) as at, min(c.store_id) as store_id,
       string_agg(c.kind || ':' || c.channel, '{BREAK}' order by c.nth) as path,
       sum(c.last_cents)::bigint as cents, null::bigint as member_id
from (
    select k.*, count(*) over (partition by k.order_id) as n from analytics_ordercredit k
    where k.paid_at >= %(start)s and k.paid_at < %(end)s
) c where c.nth > c.n - {CONTACTS} group by 1
"""
_FIRST = f"""
select f.member_id as order_id, f.at, m.home_store_id as store_id, string_agg({{step}}, '{BREAK}' order by n.place) as path,
       sum(n.net_cents)::bigint as cents, f.member_id
from (
    select s.member_id, s.first_order_at as at from segments_memberstats s
    where s.first_order_at >= %(start)s and s.first_order_at < %(end)s and s.first_order_at <= %(moment)s
) f join members_member m on m.id = f.member_id and m.merged_into_id is null
cross join lateral (
    select k.*, row_number() over (order by k.paid_at, k.id) as place from ({KEPT_ORDERS} and o.member_id = f.member_id) k
    order by k.paid_at, k.id limit {ORDERS}
) n {{more}}
group by 1, 2, 3, 6
"""
_CATEGORY = """
left join lateral (
    select p.category_id from orders_line l left join catalog_product p on p.id = l.product_id
    where l.order_id = n.id order by l.total_cents desc, l.line_no limit 1
) g on true
"""
WAYS: dict[str, str] = {
    "contacts": _CONTACTS,
    "channels": _FIRST.format(step="n.channel", more=""),
    "categories": _FIRST.format(step="coalesce(g.category_id, 0)::text", more=_CATEGORY),
}
_COUNT = f"""
insert into analytics_pathday (name, "on", store_id, path, count, cents)
select %(name)s, {_DAY.format(at="r.at")}, coalesce(r.store_id, 0), left(r.path, 200), count(*), sum(r.cents)
from ({{rows}}) r group by 2, 3, 4
"""
_LIST = """
select r.at, r.cents, coalesce(r.member_id, o.member_id) as member_id, m.member_no, m.nickname, h.name as store
from ({rows}) r left join orders_order o on r.member_id is null and o.id = r.order_id
join members_member m on m.id = coalesce(r.member_id, o.member_id) left join stores_store h on h.id = r.store_id
where left(r.path, 200) = %(path)s and (%(stores)s::bigint[] is null or r.store_id = any(%(stores)s::bigint[]))
order by r.at desc, r.order_id limit %(most)s
"""


@transaction.atomic
def refresh(*, moment: datetime) -> int:
    """Everything anew, after attribution: each night, and where nothing was counted yet. Returns rows written."""
    last, written = clock.local_date(moment), 0
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute("delete from analytics_pathday")
        for name, rows in WAYS.items():
            back = DAYS if name == "contacts" else FIRST_ORDERS
            values: dict[str, Any] = {
                "name": name, "moment": moment, "start": clock.day_start(last - timedelta(days=back - 1)), "end": clock.day_end(last),
            }  # fmt: skip
            cursor.execute(_COUNT.format(rows=rows), values)
            written += cursor.rowcount
    StudyMark.objects.update_or_create(pk=NAME, defaults={"as_of": moment})
    return written


def found(
    name: str, *, store_ids: Stores, first: date | None = None, last: date | None = None
) -> dict[str, tuple[int, int]]:
    """Path → (orders or members, 分), on these days or on all that are kept."""
    rows = within(PathDay.objects.filter(name=name), store_ids)
    if first and last:
        rows = rows.filter(on__range=(first, last))
    return {
        path: (count, cents) for path, count, cents in rows.values_list("path").annotate(n=Sum("count"), c=Sum("cents"))
    }


def days(
    name: str, *, path: str, store_ids: Stores, first: date | None = None, last: date | None = None
) -> dict[date, int]:
    """How many of each day, the newest first."""
    rows = within(PathDay.objects.filter(name=name, path=path), store_ids)
    if first and last:
        rows = rows.filter(on__range=(first, last))
    return dict(rows.values_list("on").annotate(n=Sum("count")).order_by("-on"))


def listed(name: str, *, path: str, on: date, store_ids: Stores, moment: datetime, most: int) -> list[dict[str, Any]]:
    """Those of one day, newest first. `moment`: when they were counted."""
    values = {
        "moment": moment, "start": clock.day_start(on), "end": clock.day_end(on), "path": path, "most": most,
        "stores": None if store_ids is None else list(store_ids),
    }  # fmt: skip
    return select.rows(_LIST.format(rows=WAYS[name]), values)
