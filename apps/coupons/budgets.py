"""Ceilings of a template, counted at every use in one statement. Each counter's row is held from here to the caller's commit."""

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


def _values(coupon: Coupon, cents: int, moment: datetime, store_id: int | None) -> list[Any]:
    return [coupon.template_id, coupon.member_id, store_id, cents, moment]
