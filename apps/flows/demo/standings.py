"""Tiers of the demo: the growth of a year of purchases comes along like that of any member who moves in, in one statement."""

from datetime import datetime

from django.db import connection

from apps.flows.demo.state import SOURCE
from apps.points import ladders, openings
from apps.points.openings import Taken

_BRING = """
insert into members_opening (member_id, kind, key, amount, source, line, created_at)
select o.member_id, 'growth', '', sum(o.total_cents - o.refunded_cents)::bigint / 100, %(source)s, 0, %(now)s
from orders_order o where o.source = %(source)s and o.status <> 'cancelled' and o.paid_at > %(now)s - interval '12 months'
  and o.paid_at <= %(now)s
group by o.member_id having sum(o.total_cents - o.refunded_cents) >= 100 order by o.member_id
on conflict do nothing
"""


def bring(*, now: datetime) -> Taken:
    """One growth point per yuan of the last twelve months, and everybody on their tier. Again: a no-op."""
    ladders.install_defaults()
    with connection.cursor() as cursor:
        cursor.execute(_BRING, {"source": SOURCE, "now": now})
    return openings.take(moment=now)
