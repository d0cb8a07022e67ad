"""Ceilings of a template, counted at every use in one statement. Each counter's row is held from here to the caller's commit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from apps.coupons.errors import CouponRefused
from apps.coupons.models import Coupon


def take(*, coupon: Coupon, cents: int, moment: datetime, store_id: int | None = None) -> None:
    """Count one use that saves so many 分 in every budget of the coupon's template. Raises CouponRefused (coupon_budget_spent) when
    one does not suffice: nothing is counted then. In a transaction with the use; online uses do not count in budgets per store."""
    with connection.cursor() as cursor:
        cursor.execute("select coupons_spend(%s, %s, %s, %s, %s)", _values(coupon, cents, moment, store_id))
        if not cursor.fetchone()[0]:
            raise CouponRefused("coupon_budget_spent")


def give_back(*, coupon: Coupon, cents: int, moment: datetime, store_id: int | None = None) -> None:
    """Undo a `take` with the same values, `moment` that of the taking; once per taking, which the caller sees to."""
    with connection.cursor() as cursor:
        cursor.execute("select coupons_unspend(%s, %s, %s, %s, %s, null)", _values(coupon, cents, moment, store_id))


def rooms(*, template_ids: Sequence[int], member_id: int, store: str, moment: datetime) -> dict[int, int]:
    """By template what one more use by this member in this store (its code, "" online) may save at most, -1 where none is left.
    Templates without a ceiling are missing. Read without a lock: only `take` decides."""
    values: dict[str, Any] = {"templates": list(template_ids), "member": member_id, "store": store, "moment": moment}
    with connection.cursor() as cursor:
        cursor.execute(_ROOMS, values)
        return dict(cursor.fetchall())


_ROOMS = """
select * from (
    select b.template_id, min(case when b.of = 'cents' then b.most - coalesce(s.amount, 0) when s.amount >= b.most then -1 end) as room
      from coupons_budget b
      cross join lateral coupons_budget_key(b.per, %(member)s, (select id from stores_store where code = %(store)s), %(moment)s) k(key)
      left join coupons_spent s on s.budget_id = b.id and s.key = k.key
     where b.template_id = any(%(templates)s) and (b.since <= %(moment)s) is not false and k.key is not null
     group by b.template_id
) r where r.room is not null
"""


def _values(coupon: Coupon, cents: int, moment: datetime, store_id: int | None) -> list[Any]:
    return [coupon.template_id, coupon.member_id, store_id, cents, moment]
