"""What was known of every buyer at a moment: one pass over the kept orders, nothing later than the moment in it.

A purchase day is a shop day with kept orders; days are counted, not orders, since two receipts of one visit are no two visits.
Refunds count from when they were made. A cancelled order counts as never made: when it was cancelled is not part of what an order is.
"""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.backends.utils import CursorWrapper
from numpy.typing import NDArray

from apps.core import clock
from apps.members import consents, minors
from apps.orders.selectors import KEPT_ORDERS
from apps.segments.predictions import columns

Floats = NDArray[np.float64]
Columns = dict[str, Floats]

LATELY = 90  # days of `recent_days`
# Whose data may be worked with: neither aliases and erased members, nor unguarded children, nor who wants no personalisation.
ELIGIBLE = f"m.merged_into_id is null and m.status <> 'erased' and {consents.PROFILED}"

_DAY = "(paid_at at time zone 'Asia/Shanghai')::date"
# member_id | orders | days: purchase days | span: days from the first to the last | age: days from the first to the moment |
# gaps_squared: sum over the gaps between purchase days | recent_days: purchase days of the last 90 days | recent_orders: orders of
# the last 30 | cents: net money | repeat_cents: of all purchase days but the first
NAMES = (
    "member_id", "orders", "days", "span", "age", "gaps_squared", "recent_days", "recent_orders", "cents", "repeat_cents",
)  # fmt: skip
_HISTORY = f"""
select member_id, count(*) as orders, count(*) filter (where gap is distinct from 0) as days, max(day) - min(day) as span,
       %(today)s::date - min(day) as age, coalesce(sum(gap * gap), 0) as gaps_squared,
       count(*) filter (where gap is distinct from 0 and day > %(today)s::date - {LATELY}) as recent_days,
       count(*) filter (where day > %(today)s::date - 30) as recent_orders,
       sum(net_cents) as cents, coalesce(sum(net_cents) filter (where day > first_day), 0) as repeat_cents
from (
    select member_id, net_cents, day, day - lag(day) over w as gap, first_value(day) over w as first_day
    from (select k.member_id, k.id, k.paid_at, k.net_cents, {_DAY} as day from ({KEPT_ORDERS} {{some}}) k) k
    window w as (partition by member_id order by paid_at, id)
) walked
group by member_id
"""
# Materialized: on tables without planner figures a nested loop would otherwise ask the consents once per pair of rows.
_TAKE = f"""
create temp table {{table}} as
with eligible as materialized (select m.id from members_member m where {ELIGIBLE})
select h.* from ({_HISTORY}) h join eligible e on e.id = h.member_id
"""
# The order of a hash, so that the same members are drawn again and none is drawn for what they bought.
_DRAW = """
create temp table segments_drawn as
select member_id from {table} order by hashint8extended(member_id, 20250101), member_id limit %(most)s
"""
_SOME = " and o.member_id in (select member_id from segments_drawn)"
_LATER = """
select h.member_id, count(distinct (k.paid_at at time zone 'Asia/Shanghai')::date) as bought
from {table} h left join ({kept}) k on k.member_id = h.member_id and k.paid_at > %(start)s
group by h.member_id
"""


def at(moment: datetime) -> dict[str, Any]:
    """Parameters of every statement here. Who may be looked at is judged now, not then."""
    return {"moment": moment, "today": clock.local_date(moment)} | minors.as_of(clock.now())


def settings(cursor: CursorWrapper) -> None:
    """For this transaction: the orders come sorted from their covering index, which the planner thinks dear."""
    cursor.execute("set local work_mem = '64MB'; set local random_page_cost = 1.1; set local jit = off")


def take(cursor: CursorWrapper, table: str, moment: datetime, *, only_drawn: bool = False) -> int:
    """Make a temporary table of everybody's history as of the moment; who had not bought by then is not in it."""
    cursor.execute(f"drop table if exists {table}")
    cursor.execute(_TAKE.format(table=table, some=_SOME if only_drawn else ""), at(moment))
    rows = int(cursor.rowcount)
    cursor.execute(f"analyze {table}")
    return rows


def draw(cursor: CursorWrapper, table: str, *, most: int) -> int:
    """Draw members to learn from; the same ones again, whatever happened since."""
    cursor.execute("drop table if exists segments_drawn")
    cursor.execute(_DRAW.format(table=table), {"most": most})
    rows = int(cursor.rowcount)
    cursor.execute("analyze segments_drawn")
    return rows


def read(cursor: CursorWrapper, table: str, *, first: int | None = None, last: int | None = None) -> Columns:
    """The columns of a table made by `take`, of all members or of ids from `first` to `last`, by member id."""
    part = "" if first is None else " where member_id between %(first)s and %(last)s"
    return columns.read(
        cursor, f"select * from {table}{part} order by member_id", NAMES, {"first": first, "last": last}
    )


def bought_after(cursor: CursorWrapper, table: str, moment: datetime, *, days: int) -> Floats:
    """What came true: purchase days in the days after the moment, for the rows of `read`, in its order."""
    end = moment + timedelta(days=days)
    query = _LATER.format(table=table, kept=KEPT_ORDERS) + "order by member_id"
    given = at(end) | {"start": moment}
    return columns.read(cursor, query, ("member_id", "bought"), given)["bought"]


def first_day(rows: Columns, today: date) -> date:
    return today - timedelta(days=int(rows["age"].max()))


def weeks(rows: Columns) -> tuple[Floats, Floats, Floats]:
    """(x, tx, age) as `bgnbd` wants them."""
    return rows["days"] - 1, rows["span"] / 7, rows["age"] / 7


def repeat_value(rows: Columns) -> Floats:
    """Mean 分 of the purchase days after the first; 0 without."""
    repeats = rows["days"] - 1
    return np.divide(rows["repeat_cents"], repeats, out=np.zeros_like(repeats), where=repeats > 0)
