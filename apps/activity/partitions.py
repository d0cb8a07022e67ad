"""Months of behaviour events: made ahead, dropped when their time is over. A month is a calendar month in Asia/Shanghai.

The running role owns no table; two functions of the owner's do the work, and nothing else.
"""

from datetime import date, datetime

from django.db import connection

from apps.activity.settings import MONTHS_KEPT
from apps.core import brand, clock

AHEAD = 3


def keep(moment: datetime) -> tuple[int, int]:
    """Make the months up to `AHEAD` from now, drop those older than the brand keeps. Returns how many were made and dropped.

    Events that found no month and waited in the default partition are moved into theirs when it is made.
    """
    month = _month(moment)
    with connection.cursor() as cursor:
        made = 0
        for step in range(-1, AHEAD + 1):
            cursor.execute("select activity_make_month(%s)", [_shifted(month, step)])
            made += bool(cursor.fetchone()[0])
        cursor.execute("select activity_drop_months(%s)", [_shifted(month, -brand.read(MONTHS_KEPT))])
        return made, int(cursor.fetchone()[0])


def months() -> list[date]:
    """The months that have a partition of their own, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """select to_date(right(c.relname, 7), 'YYYY_MM') from pg_inherits i join pg_class c on c.oid = i.inhrelid
               where i.inhparent = 'activity_event'::regclass and c.relname ~ '^activity_event_[0-9]{4}_[0-9]{2}$'
               order by 1"""
        )
        return [row[0] for row in cursor.fetchall()]


def months_ahead() -> int:
    """How many months after the present one stand ready without a gap."""
    ready, month = set(months()), _month(clock.now())
    ahead = 0
    while _shifted(month, ahead + 1) in ready:
        ahead += 1
    return ahead


def strayed() -> int:
    """Events without a month of their own; more than 0 means that the months were not made ahead."""
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from activity_event_default")
        return int(cursor.fetchone()[0])


def _month(moment: datetime) -> date:
    return clock.local_date(moment).replace(day=1)


def _shifted(month: date, months: int) -> date:
    number = month.year * 12 + month.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)
