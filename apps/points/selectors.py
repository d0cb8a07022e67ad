"""Reads of the books for others. What has run out by `moment` is not counted, whether the sweep has been there or not."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from apps.core import clock
from apps.points.models import Entry


@dataclass(frozen=True)
class Totals:
    """What other apps may know about a member's account. `next_expiry_at` is the end of the first lot to run out, with
    `next_expiry` points in it; None and 0 when nothing does."""

    balance: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0
    earned_total: int = 0
    is_frozen: bool = False
    next_expiry_at: datetime | None = None
    next_expiry: int = 0

    @property
    def last_day(self) -> date | None:
        """The last shop day on which `next_expiry` counts."""
        return clock.local_date(self.next_expiry_at - timedelta(microseconds=1)) if self.next_expiry_at else None


_TOTALS = """
select case when a.next_due_at <= %(moment)s then coalesce(l.usable, 0)::bigint else a.balance end, a.pending, a.held, a.debt,
       a.earned_total, a.is_frozen, l.ends, coalesce(l.first, 0)::bigint
from points_account a join points_currency c on c.id = a.currency_id
left join lateral (
    select sum(o.remaining)::bigint as usable, min(o.expires_at) as ends,
           (sum(o.remaining) filter (where o.expires_at = o.first_end))::bigint as first
    from (select remaining, expires_at, min(expires_at) over () as first_end from points_lot
          where account_id = a.id and remaining > 0 and activated_at is not null
            and (expires_at is null or expires_at > %(moment)s)) o
) l on true
where a.member_id = %(member)s and c.key = %(currency)s
"""


def totals(*, member_id: int, currency: str = "points", moment: datetime | None = None) -> Totals:
    """The account as of now; a member without one has nothing. Pending points that fell due count once they were settled."""
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, {"member": member_id, "currency": currency, "moment": moment or clock.now()})
        row = cursor.fetchone()
    return Totals(*row) if row else Totals()


def find(*, member_id: int, source: str, currency: str = "points") -> Entry | None:
    """The line that a source wrote."""
    return Entry.objects.filter(account__member_id=member_id, account__currency__key=currency, source=source).first()


@dataclass(frozen=True)
class Waiting:
    """Points that are not usable yet: from the beginning of the shop day `on` on, or, where that is not known, once their order is
    received and `days` more are over (None: what they wait for is no order). `by`: the last shop day on which that must happen."""

    points: int
    on: date | None
    days: int | None
    by: date | None


_WAITING = """
select sum(l.remaining)::bigint, (l.due_at at time zone 'Asia/Shanghai')::date as day,
       case when l.due_at is null and v.definition #>> '{pending,kind}' = 'fact'
            then coalesce((v.definition #>> '{pending,days}')::int, 0) end as days,
       case when l.due_at is null then ((l.lapse_at - interval '1 microsecond') at time zone 'Asia/Shanghai')::date end as last
from points_lot l join points_account a on a.id = l.account_id join points_currency c on c.id = a.currency_id
join points_entry e on e.id = l.entry_id left join points_ruleversion v on v.id = e.version_id
where a.member_id = %s and c.key = 'points' and l.remaining > 0 and l.activated_at is null
group by 2, 3, 4 order by 2, 4, 3 limit %s
"""


def waiting(*, member_id: int, limit: int) -> list[Waiting]:
    """What the pending points wait for, the nearest day first."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [member_id, limit])
        return [Waiting(*row) for row in cursor.fetchall()]


# The last valid day of a lot is the day before the first moment it is void.
_EXPIRING = """
select ((l.expires_at - interval '1 microsecond') at time zone 'Asia/Shanghai')::date as last_day, sum(l.remaining)::bigint
from points_lot l join points_account a on a.id = l.account_id join points_currency c on c.id = a.currency_id
where a.member_id = %(member)s and c.key = %(currency)s and l.remaining > 0 and l.activated_at is not null
  and l.expires_at > %(moment)s and l.expires_at <= coalesce(%(until)s::timestamptz, 'infinity')
group by 1 order by 1
"""


def expiring(
    *, member_id: int, currency: str = "points", until: datetime | None = None, moment: datetime | None = None
) -> list[tuple[date, int]]:
    """How many points have which last valid day (shop time), first to end first; only those over by `until`, None: all that end."""
    facts: dict[str, Any] = {"member": member_id, "currency": currency, "moment": moment or clock.now(), "until": until}
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRING, facts)
        return cursor.fetchall()
