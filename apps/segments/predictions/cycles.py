"""When things run out: the days between purchases of a category, the member's own or everybody's, and the day that makes.

Set-wise over the order lines of the last two years, in four statements.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.backends.utils import CursorWrapper

from apps.orders.selectors import KEPT_ORDERS
from apps.segments.predictions.history import ELIGIBLE, at

LOOK_BACK = "730 days"
OWN_GAPS = 2  # so many gaps of one's own, and they count
CATEGORY_GAPS = 30  # so many gaps of all members, and the category has a cycle
REPEATS = 0.2  # the share of buyers who bought again, from which one purchase alone tells of a next one
LONGEST = 365  # days; slower things are no replenishment
LATE, AHEAD = 30, 90  # what is due in this span is kept


@dataclass(frozen=True)
class Cycles:
    categories: int
    due: int


_BOUGHT = f"""
create temp table segments_bought as
select member_id, category_id, day, day - lag(day) over (partition by member_id, category_id order by day) as gap, product_id
from (
    select k.member_id, p.category_id, (k.paid_at at time zone 'Asia/Shanghai')::date as day, max(p.id) as product_id
    from ({KEPT_ORDERS} and o.paid_at > %(moment)s - interval '{LOOK_BACK}') k
    join orders_line l on l.order_id = k.id and l.refunded_cents < l.total_cents
    join catalog_product p on p.id = l.product_id
    where p.category_id is not null
    group by 1, 2, 3
) days
"""
_CATEGORIES = """
create temp table segments_category_fresh as
select b.category_id, percentile_cont(0.5) within group (order by b.gap)::float8 as gap_days, count(b.gap) as gaps,
       count(distinct b.member_id) as members,
       count(distinct b.member_id) filter (where b.gap is not null)::float8 / count(distinct b.member_id) as repeat_share
from segments_bought b group by 1
"""
_KEEP_CATEGORIES = f"""
with gone as (
    delete from segments_categorycycle c
    where not exists (select from segments_category_fresh f where f.category_id = c.category_id and f.gaps >= {CATEGORY_GAPS})
)
insert into segments_categorycycle as c (category_id, gap_days, gaps, members, repeat_share)
select category_id, gap_days, gaps, members, repeat_share from segments_category_fresh where gaps >= {CATEGORY_GAPS}
order by category_id
on conflict (category_id) do update set gap_days = excluded.gap_days, gaps = excluded.gaps, members = excluded.members,
    repeat_share = excluded.repeat_share
where (c.gap_days, c.gaps, c.members, c.repeat_share)
    is distinct from (excluded.gap_days, excluded.gaps, excluded.members, excluded.repeat_share)
"""
_DUE = f"""
create temp table segments_due_again as
with eligible as materialized (select m.id from members_member m where {ELIGIBLE})
select g.*, g.last_on + round(g.gap_days)::int as due_on
from (
    select b.member_id, b.category_id, b.last_on, b.product_id, b.gaps >= {OWN_GAPS} as is_own,
           greatest(case when b.gaps >= {OWN_GAPS} then b.own_gap when c.repeat_share >= {REPEATS} then c.gap_days end, 1) as gap_days
    from (
        select member_id, category_id, max(day) as last_on, (max(array[day - date '2000-01-01', product_id]))[2] as product_id,
               count(gap) as gaps, percentile_cont(0.5) within group (order by gap)::float8 as own_gap
        from segments_bought group by 1, 2
    ) b left join segments_categorycycle c on c.category_id = b.category_id
    where b.gaps >= {OWN_GAPS} or c.repeat_share >= {REPEATS}
) g join eligible e on e.id = g.member_id
where g.gap_days <= {LONGEST}
  and g.last_on + round(g.gap_days)::int between %(today)s::date - {LATE} and %(today)s::date + {AHEAD}
"""
_VALUES = "last_on, gap_days, is_own, due_on, product_id"
_REMOVE = """
delete from segments_membercycle c
where not exists (select from segments_due_again d where d.member_id = c.member_id and d.category_id = c.category_id)
"""
_KEEP_DUE = f"""
insert into segments_membercycle as c (member_id, category_id, {_VALUES})
select member_id, category_id, {_VALUES} from segments_due_again order by member_id, category_id
on conflict (member_id, category_id) do update
set ({_VALUES}) = (excluded.last_on, excluded.gap_days, excluded.is_own, excluded.due_on, excluded.product_id)
where (c.last_on, c.gap_days, c.is_own, c.due_on, c.product_id)
    is distinct from (excluded.last_on, excluded.gap_days, excluded.is_own, excluded.due_on, excluded.product_id)
"""
_TABLES = ("segments_bought", "segments_category_fresh", "segments_due_again")


def refresh(cursor: CursorWrapper, moment: datetime) -> Cycles:
    """Bring both tables of cycles up to the moment; call it in a transaction. Needs no model and no gate."""
    given: dict[str, Any] = at(moment)
    cursor.execute(f"drop table if exists {', '.join(_TABLES)}")
    for statement, table in ((_BOUGHT, _TABLES[0]), (_CATEGORIES, _TABLES[1])):
        cursor.execute(statement, given)
        cursor.execute(f"analyze {table}")
    cursor.execute(_KEEP_CATEGORIES)
    cursor.execute(_DUE, given)
    cursor.execute("analyze segments_due_again")
    cursor.execute(_REMOVE)
    cursor.execute(_KEEP_DUE)
    cursor.execute("select (select count(*) from segments_categorycycle), (select count(*) from segments_due_again)")
    found = Cycles(*cursor.fetchone())
    cursor.execute(f"drop table {', '.join(_TABLES)}")
    return found
