"""Keeps the tables of `study_models`: what may still move is counted anew each hour, everything each night.

A month is counted whole, so a repeat changes nothing. Refunds and late orders of earlier months are right after the next night.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.analytics.models import StudyMark
from apps.core import clock
from apps.orders.selectors import KEPT_ORDERS

KIND, WHOLE = "analytics.study", "analytics.study_whole"
LOCK = 7_490_313
COHORTS, HOURS, CELLS = "cohorts", "hours", "cells"
SPANS = (28, 91)  # days over which moves between groups are told
BACK = 3  # days whose hours may still move
_ZONE = "at time zone 'Asia/Shanghai'"
_MONTH = f"date_trunc('month', {{at}} {_ZONE})::date"

_COHORTS = f"""
insert into analytics_cohortmonth (cohort, month, store_id, members, orders, net_cents)
select {_MONTH.format(at="s.first_order_at")}, {_MONTH.format(at="k.paid_at")}, coalesce(m.home_store_id, 0),
       count(distinct k.member_id), count(*), sum(k.net_cents)
from ({KEPT_ORDERS} and o.paid_at >= %(start)s) k
join segments_memberstats s on s.member_id = k.member_id and s.first_order_at <= k.paid_at
join members_member m on m.id = k.member_id
group by 1, 2, 3
"""
_HOURS = f"""
insert into analytics_hourfigure ("on", hour, store_id, orders, paid_cents)
select (o.paid_at {_ZONE})::date, extract(hour from o.paid_at {_ZONE})::int, coalesce(o.store_id, 0), count(*), sum(o.total_cents)
from orders_order o where o.paid_at >= %(start)s and o.paid_at <= %(moment)s and o.status <> 'cancelled'
group by 1, 2, 3
"""
# The group of a day is the last score change by then; who has none since keeps it.
_CELLS = """
insert into analytics_cellmove ("on", days, before, after, store_id, members)
select %(on)s, %(days)s, coalesce(b.cell, ''), s.cell, coalesce(m.home_store_id, 0), count(*)
from segments_memberstats s join members_member m on m.id = s.member_id and m.merged_into_id is null
left join lateral (
    select c.cell from segments_scorechange c where c.member_id = s.member_id and c.on <= %(then)s order by c.on desc limit 1
) b on true
where s.cell <> '' or coalesce(b.cell, '') <> ''
group by 3, 4, 5
"""


@transaction.atomic
def refresh(*, moment: datetime, whole: bool = False) -> dict[str, int]:
    """Readers see the tables before or after, never between. The first count is of everything. Returns rows written."""
    today = clock.local_date(moment)
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        known = set(StudyMark.objects.values_list("name", flat=True))
        months = None if whole or COHORTS not in known else _month_before(today)
        days = None if whole or HOURS not in known else today - timedelta(days=BACK - 1)
        rows = _replace(cursor, "analytics_cohortmonth", "month", _COHORTS, since=months, moment=moment)
        rows += _replace(cursor, "analytics_hourfigure", '"on"', _HOURS, since=days, moment=moment)
        _mark(COHORTS, moment)
        _mark(HOURS, moment)
        if whole or CELLS not in known:
            rows += _cells(cursor, today=today)
            _mark(CELLS, moment)
    return {"rows": rows}


def as_of(name: str) -> datetime | None:
    return StudyMark.objects.filter(pk=name).values_list("as_of", flat=True).first()


def _replace(cursor: Any, table: str, column: str, statement: str, *, since: date | None, moment: datetime) -> int:
    since = since or date(2000, 1, 1)
    cursor.execute(f"delete from {table} where {column} >= %s", [since])
    cursor.execute(statement, {"start": clock.day_start(since), "moment": moment})
    return int(cursor.rowcount)


def _cells(cursor: Any, *, today: date) -> int:
    cursor.execute("delete from analytics_cellmove")
    written = 0
    for days in SPANS:
        cursor.execute(_CELLS, {"on": today, "days": days, "then": today - timedelta(days=days)})
        written += cursor.rowcount
    return written


def _month_before(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def _mark(name: str, moment: datetime) -> None:
    StudyMark.objects.update_or_create(pk=name, defaults={"as_of": moment})
