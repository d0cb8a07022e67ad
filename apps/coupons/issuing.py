"""Coupons come out: given by the brand, or claimed by a member. One statement each (`issuing.sql`); a repeat of a `source` answers the
same coupon. Stock and the limit per member hold whatever runs beside.

Whoever issues of several templates in one transaction does so in the order of their ids.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from apps.core import clock, prepared
from apps.core.errors import DomainError
from apps.coupons.basket import Shopper
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Coupon

Channel = Coupon.Channel
UNCOUNTED = frozenset(
    {Channel.MALL, Channel.GIFT, Channel.MOVED}
)  # paid for, or somebody's already: outside the limit per member
_ISSUE = (
    "select outcome, coupon_id, code, starts_at, ends_at, opens_at"
    " from coupons_issue(%s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s)"
)


class SourceReused(DomainError):
    code = "coupon_source_reused"
    title = _("Another coupon was issued for this before.")


@dataclass(frozen=True)
class Issued:
    """`is_new` False: the source had issued it before. `code` "": it lives in the wallet only."""

    coupon_id: int
    starts_at: datetime
    ends_at: datetime
    code: str = ""
    is_new: bool = True


@dataclass(frozen=True)
class By:
    """Through whose hands it went."""

    staff_id: int | None = None
    store_id: int | None = None


@dataclass(frozen=True)
class Told:
    """What `issue_many` did for one member: `outcome` is "done", "again", or a key of `errors.REASONS`."""

    member_id: int
    outcome: str
    coupon_id: int | None


NOBODY = By()


def issue(
    *, member_id: int, template_id: int, source: str, channel: str, origin: str = "", by: By = NOBODY, moment: datetime | None = None
) -> Issued:  # fmt: skip
    """The brand gives a coupon: stock, limit per member and the stop count, claim window and conditions on the member do not.

    Raises CouponRefused (coupon_not_found, coupon_frozen, coupon_closed, coupon_limit_reached, coupon_out_of_stock,
    coupon_member_gone), SourceReused.
    """
    counts = channel not in UNCOUNTED
    values = [member_id, template_id, source, channel, origin, by.store_id, by.staff_id, moment or clock.now()]
    return _call([*values, None, counts])


def claim(
    *, shopper: Shopper, template_id: int, source: str, origin: str = "", moment: datetime | None = None
) -> Issued:
    """A member takes one from the coupon centre. Raises as `issue`, and CouponRefused for window and conditions
    (coupon_not_open, coupon_wrong_tier, coupon_wrong_segment, coupon_wrong_group, coupon_first_order_only)."""
    values = [shopper.member_id, template_id, source, Channel.CENTRE, origin, None, None, moment or clock.now()]
    return _call([*values, about(shopper), True])


def issue_many(
    *, member_ids: Sequence[int], template_id: int, source: str, channel: str, origin: str = "", moment: datetime | None = None
) -> list[Told]:  # fmt: skip
    """The same for many in one statement; each one's source is `source` and their id. What the stock does not suffice for, and who has
    their limit already, is told and left out. A few thousand at a time: they hold the stock until the commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select member_id, outcome, coupon_id from coupons_issue_many(%s::bigint[], %s, %s, %s, %s, %s)",
            [list(member_ids), template_id, source, channel, origin, moment or clock.now()],
        )
        return [Told(*row) for row in cursor.fetchall()]


def about(shopper: Shopper) -> str:
    """What conditions ask of a member, as the database functions read it."""
    return json.dumps(
        {
            "tier": shopper.tier,
            "segments": sorted(shopper.segments),
            "groups": sorted(shopper.groups),
            "orders": shopper.orders,
        }
    )


def answer(outcome: str, found: Sequence[Any], opens_at: datetime | None) -> Issued:
    """What a database function said, or its refusal. `found`: coupon id, code, starts_at, ends_at."""
    if outcome not in ("done", "again"):
        raise refusal(outcome, opens_at=opens_at)
    coupon_id, code, starts_at, ends_at = found
    return Issued(coupon_id, starts_at, ends_at, code or "", is_new=outcome == "done")


def refusal(outcome: str, *, opens_at: datetime | None = None) -> DomainError:
    if outcome == SourceReused.code:
        return SourceReused()
    if outcome == "coupon_not_open" and opens_at is not None:
        return CouponRefused(outcome, opens_at=f"{clock.local(opens_at):%Y-%m-%d %H:%M}")
    return CouponRefused(outcome)


def _call(values: list[Any]) -> Issued:
    outcome, *found, opens_at = prepared.rows(_ISSUE, values)[0]
    return answer(outcome, found, opens_at)
