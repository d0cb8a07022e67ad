"""Where a member's taste has moved: shares of categories in what they spend, the last 90 shop days against the 270 before.

The rule field `category_drift` asks the same of everybody (`language.measures.drift`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from apps.core import clock
from apps.orders.selectors import KEPT_ORDERS
from apps.segments.language.measures import DRIFT_BEFORE, DRIFT_NOW

LEAST = 20  # points of 100; less is chance
MOST = 3


@dataclass(frozen=True)
class Drift:
    """Shares in percent, whole."""

    category: str
    before: int
    now: int


def of_member(*, member_id: int, moment: datetime) -> list[Drift]:
    """The greatest changes, the greatest first; none of who bought nothing in one of the two stretches."""
    today = clock.local_date(moment)
    edge, start = (today - timedelta(days=days - 1) for days in (DRIFT_NOW, DRIFT_NOW + DRIFT_BEFORE))
    with connection.cursor() as cursor:
        cursor.execute(
            _SHARES,
            {"member": member_id, "moment": moment, "edge": clock.day_start(edge), "start": clock.day_start(start)},
        )
        found = [Drift(name, round(before), round(now)) for name, before, now in cursor.fetchall()]
    moved = [one for one in found if abs(one.now - one.before) >= LEAST]
    return sorted(moved, key=lambda one: (-abs(one.now - one.before), one.category))[:MOST]


_SHARES = f"""
with bought as (
    select k.paid_at >= %(edge)s as is_now, p.category_id, sum(l.total_cents - l.refunded_cents) as cents
    from ({KEPT_ORDERS} and o.member_id = %(member)s and o.paid_at >= %(start)s) k join orders_line l on l.order_id = k.id
    left join catalog_product p on p.id = l.product_id
    where l.total_cents > l.refunded_cents group by 1, 2
), whole as (
    select sum(cents) filter (where is_now) as now, sum(cents) filter (where not is_now) as before from bought
)
select c.name, coalesce(100 * sum(b.cents) filter (where not b.is_now) / w.before, 0),
       coalesce(100 * sum(b.cents) filter (where b.is_now) / w.now, 0)
from bought b join catalog_category c on c.id = b.category_id cross join whole w
where w.now > 0 and w.before > 0 group by c.name, w.now, w.before
"""
