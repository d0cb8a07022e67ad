"""Reads of the books for others. What has run out by `moment` is not counted, whether the sweep has been there or not."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

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
select case when a.next_due_at <= %(moment)s then coalesce(l.usable, 0) else a.balance end, a.pending, a.held, a.debt, a.earned_total,
       a.is_frozen, l.ends, coalesce(l.first, 0)
from points_account a join points_currency c on c.id = a.currency_id
left join lateral (
    select sum(o.remaining) as usable, min(o.expires_at) as ends,
           sum(o.remaining) filter (where o.expires_at = o.first_end) as first
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
