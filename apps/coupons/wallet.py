"""A member's coupons as they see them: usable, used, over. Whether one counts is decided by its days, not by the sweep."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from django.db.models import Q, QuerySet

from apps.core import clock
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Coupon, Entry

Kind = Literal["usable", "used", "over"]
Key = list[Any]
State = Coupon.State


def page(
    *, member_id: int, kind: Kind, after: Key | None = None, limit: int = 20, moment: datetime | None = None
) -> tuple[list[Coupon], Key | None]:
    """Coupons with template and version at hand, and the key to pass as `after` for the next; None at the end. One query.

    usable: ends soonest first, those that begin later among them; used (and given away): newest first; over (run out, recalled): last
    ended first.
    """
    rows = _of(member_id, kind, moment or clock.now()).select_related("template", "version")
    if kind == "usable":
        rows = rows.order_by("ends_at", "pk")
        rows = rows.filter(Q(ends_at__gt=after[0]) | Q(ends_at=after[0], pk__gt=after[1])) if after else rows
    else:
        rows = rows.order_by("-ends_at", "-pk")
        rows = rows.filter(Q(ends_at__lt=after[0]) | Q(ends_at=after[0], pk__lt=after[1])) if after else rows
    found = list(rows[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return found[:limit], [last.ends_at, last.pk] if last else None


def usable(*, member_id: int, moment: datetime | None = None, limit: int = 500) -> list[Coupon]:
    """All that may count now or later, for a quote."""
    return page(member_id=member_id, kind="usable", limit=limit, moment=moment)[0]


def one(*, member_id: int, coupon_id: int, moment: datetime | None = None) -> Coupon:
    """One that may count now or later. Raises CouponRefused (coupon_not_found)."""
    row = (
        _of(member_id, "usable", moment or clock.now())
        .select_related("template", "version")
        .filter(pk=coupon_id)
        .first()
    )
    if row is None:
        raise CouponRefused("coupon_not_found")
    return row


def count(*, member_id: int, kind: Kind = "usable", moment: datetime | None = None) -> int:
    return _of(member_id, kind, moment or clock.now()).count()


def history(*, coupon_id: int) -> Sequence[Entry]:
    """What happened to it since its issue, oldest first."""
    return list(Entry.objects.filter(coupon_id=coupon_id).select_related("by", "use__store").order_by("pk"))


def _of(member_id: int, kind: Kind, moment: datetime) -> QuerySet[Coupon]:
    mine = Coupon.objects.filter(member_id=member_id)
    if kind == "usable":
        return mine.filter(state__in=[State.READY, State.RESERVED], ends_at__gt=moment)
    if kind == "used":
        return mine.filter(state__in=[State.USED, State.GIVEN])
    return mine.filter(
        Q(state__in=[State.EXPIRED, State.RECALLED]) | Q(state__in=[State.READY, State.RESERVED], ends_at__lte=moment)
    )
