"""The members and orders behind a box of an analysis, newest first. Members are within the reader's stores, and so are orders."""

from datetime import date, datetime, timedelta

from apps.analytics.keyset import Page
from apps.analytics.lists import select
from apps.analytics.lists.select import Conditions
from apps.analytics.reach import Stores
from apps.analytics.study.reading import next_month
from apps.core import clock
from apps.orders.selectors import KEPT_ORDERS

_ID = [("m.id", "id", int)]
# `n` and `cents`: what they bought in that month. The month's orders are read by their time, nothing else is.
_OF_COHORT = f"""
select m.id, m.member_no, m.nickname, h.name as store, s.first_order_at as at, b.n, b.cents
from (
    select k.member_id, count(*) as n, sum(k.net_cents)::bigint as cents
    from ({KEPT_ORDERS} and o.paid_at >= %(start)s and o.paid_at < %(end)s) k group by 1
) b join segments_memberstats s on s.member_id = b.member_id join members_member m on m.id = b.member_id
left join stores_store h on h.id = m.home_store_id
where s.first_order_at >= %(from)s and s.first_order_at < %(to)s
  and (%(stores)s::bigint[] is null or m.home_store_id = any(%(stores)s::bigint[]))
order by b.cents desc, m.id
"""
_OF_CELLS = """
select m.id, m.member_no, m.nickname, h.name as store, s.last_order_at as at, s.orders as n, s.net_cents as cents
from segments_memberstats s join members_member m on m.id = s.member_id left join stores_store h on h.id = m.home_store_id
left join lateral (
    select c.cell from segments_scorechange c where c.member_id = s.member_id and c.on <= %s order by c.on desc limit 1
) b on true
"""
_OF_HOUR = """
select o.id, o.order_no, o.paid_at as at, o.total_cents as cents, 1 as n, m.id as member_id, m.member_no, m.nickname, h.name as store
from orders_order o join members_member m on m.id = o.member_id left join stores_store h on h.id = o.store_id
"""
_LOCAL = "(o.paid_at at time zone 'Asia/Shanghai')"


def of_cohort(*, cohort: date, month: date, store_ids: Stores, moment: datetime) -> list[dict[str, object]]:
    """Who bought first in `cohort` and (again) in `month`; those who paid most first."""
    values = {
        "moment": moment,
        "start": clock.day_start(month),
        "end": clock.day_start(next_month(month)),
        "from": clock.day_start(cohort),
        "to": clock.day_start(next_month(cohort)),
        "stores": None if store_ids is None else list(store_ids),
    }
    return select.rows(_OF_COHORT, values)


def of_cells(*, before: str, after: str, on: date, days: int, store_ids: Stores, cursor: str) -> Page:
    conditions = Conditions()
    conditions.add("s.cell = %s and coalesce(b.cell, '') = %s and m.merged_into_id is null", after, before)
    if store_ids is not None:
        conditions.add("m.home_store_id = any(%s)", list(store_ids))
    return _page(_OF_CELLS, [on - timedelta(days=days)], conditions, cursor)


def of_hour(
    *, weekday: int, hour: int, first: date, last: date, store_ids: Stores, cursor: str, moment: datetime
) -> Page:
    """`weekday` 1 is Monday."""
    conditions = Conditions()
    conditions.add(
        "o.paid_at >= %s and o.paid_at < %s and o.paid_at <= %s", clock.day_start(first), clock.day_end(last), moment
    )
    conditions.add(
        f"o.status <> 'cancelled' and extract(isodow from {_LOCAL}) = %s and extract(hour from {_LOCAL}) = %s",
        weekday,
        hour,
    )
    if store_ids is not None:
        conditions.add("o.store_id = any(%s)", list(store_ids))
    return select.page(
        _OF_HOUR, conditions=conditions, sort=[("o.paid_at", "at", datetime), ("o.id", "id", int)], cursor=cursor
    )


def _page(sql: str, first: list[object], conditions: Conditions, cursor: str) -> Page:
    """A statement with a parameter before its WHERE."""
    whole = Conditions(parts=list(conditions.parts), values=[*first, *conditions.values])
    return select.page(sql, conditions=whole, sort=_ID, cursor=cursor)
