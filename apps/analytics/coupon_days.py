"""What coupons did by shop day, kept as a table that the report reads: a view never counts coupons.

A refresh counts anew what moved since the last one: the (day, template) pairs of coupons that were issued, used or given back since, on
the day of their issue and on that of their use. What moves without leaving a time there (a member's home store, a merge) is right after
the next count of everything, which the nightly one is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.analytics.models import CouponMark

LOCK = 7_490_309  # advisory: two counts at once would write the same rows
SLACK = timedelta(hours=1)  # what a transaction that began before the last count may have committed after it

_DAY = "({at} at time zone 'Asia/Shanghai')::date"
_MOVED = f"""
with used as (
    select u.template_id, c.issued_at, u.done_at from coupons_use u join coupons_coupon c on c.id = u.coupon_id
    where u.done_at >= %(since)s or u.undone_at >= %(since)s
)
select {_DAY.format(at="issued_at")} as day, template_id from coupons_coupon where issued_at >= %(since)s and member_id is not null
union select {_DAY.format(at="issued_at")}, template_id from used
union select {_DAY.format(at="done_at")}, template_id from used where done_at is not null
"""
_EMPTY = """
delete from analytics_couponday d using unnest(%(days)s::date[], %(templates)s::bigint[]) p (day, template)
where d."on" = p.day and d.template_id = p.template
"""
_PAIRS = """
join unnest(%(days)s::date[], %(templates)s::bigint[]) p (day, template) on p.template = {of}.template_id
 and {at} >= p.day::timestamp at time zone 'Asia/Shanghai' and {at} < (p.day + 1)::timestamp at time zone 'Asia/Shanghai'
"""
# What an act's basket cost counts for its first coupon only where a store's or all sales are added up (`once_cents`).
_COUNT = f"""
insert into analytics_couponday ("on", template_id, store_id, staff_id, channel, origin,
    issued, kept, used, saved_cents, borne_cents, sales_cents, once_cents)
select day, template_id, coalesce(store_id, 0), coalesce(staff_id, 0), channel, origin,
       sum(issued), sum(kept), sum(used), sum(saved), sum(borne), sum(basket), sum(once)
from (
    select {_DAY.format(at="c.issued_at")} as day, c.template_id, coalesce(c.store_id, m.home_store_id) as store_id,
           null::bigint as staff_id, c.channel, c.origin, 1 as issued, (c.state = 'used')::int as kept,
           0 as used, 0 as saved, 0 as borne, 0 as basket, 0 as once
    from coupons_coupon c {{of_issue}} join members_member m on m.id = c.member_id
    union all
    select {_DAY.format(at="u.done_at")}, u.template_id, u.store_id, u.staff_id, c.channel, c.origin, 0, 0, 1,
           u.saved_cents, u.store_cents, u.basket_cents,
           case when exists (select from coupons_use e where e.source = u.source and e.state = 'done' and e.id < u.id) then 0
                else u.basket_cents end
    from coupons_use u {{of_use}} join coupons_coupon c on c.id = u.coupon_id
    where u.state = 'done'
) facts group by 1, 2, 3, 4, 5, 6
"""
_ALL = _COUNT.format(of_issue="", of_use="")
_SOME = _COUNT.format(of_issue=_PAIRS.format(of="c", at="c.issued_at"), of_use=_PAIRS.format(of="u", at="u.done_at"))


@dataclass(frozen=True)
class Counted:
    """`pairs`: days × templates that were counted anew; None: everything."""

    pairs: int | None


@transaction.atomic
def refresh(*, moment: datetime, whole: bool = False) -> Counted:
    """Bring the table up to `moment`; readers see it before or after, never between. The first count, and `whole`, is of everything."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        last = CouponMark.objects.values_list("as_of", flat=True).first()
        if whole or last is None:
            cursor.execute("delete from analytics_couponday")
            cursor.execute(_ALL)
            counted = Counted(None)
        else:
            counted = _some(cursor, since=last - SLACK)
    CouponMark.objects.update_or_create(pk=1, defaults={"as_of": moment})
    return counted


def _some(cursor: Any, *, since: datetime) -> Counted:
    cursor.execute(_MOVED, {"since": since})
    pairs = cursor.fetchall()
    values = {"days": [day for day, _of in pairs], "templates": [of for _day, of in pairs]}
    cursor.execute(_EMPTY, values)
    cursor.execute(_SOME, values)
    return Counted(len(pairs))


def as_of() -> datetime | None:
    """Up to when the table counts; None: nothing was counted yet."""
    return CouponMark.objects.values_list("as_of", flat=True).first()
