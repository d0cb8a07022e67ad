"""Giving a coupon to a friend: a link with a secret, taken once, withdrawn until then. The friend gets a new coupon with the same terms
and days; the giver's stays in its place under the limit per member, so that giving away never opens room for another claim.

The coupon's row is locked before its gift's.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.core import clock
from apps.coupons import issuing, keeping
from apps.coupons.errors import CouponRefused
from apps.coupons.issuing import Issued
from apps.coupons.models import Coupon, Entry, Gift, Template

State = Coupon.State


@dataclass(frozen=True)
class Seen:
    """What the page behind a link shows. `state` as `Gift.state`; a coupon that cannot be taken any more is "revoked".
    `taker_id`: whose it is by now."""

    coupon: Coupon
    giver_id: int
    state: str
    taker_id: int | None = None


@transaction.atomic
def offer(*, member_id: int, coupon_id: int, moment: datetime | None = None) -> str:
    """The secret for a link to one of the member's own coupons. It is shown once; offering again makes the old link void.

    The coupon stays usable by its owner until somebody takes it. Raises CouponRefused (coupon_not_found, coupon_not_giftable, and
    why it does not count any more).
    """
    moment = moment or clock.now()
    row = _own(member_id, coupon_id)
    if not row.may_be_given:
        raise CouponRefused("coupon_not_giftable")
    _check(row, moment)
    _close(row, moment)
    token = secrets.token_urlsafe(18)
    Gift.objects.create(coupon=row, digest=_digest(token), at=moment)
    return token


@transaction.atomic
def take(*, member_id: int, token: str, moment: datetime | None = None) -> Issued:
    """The friend's new coupon; the same member again: the same one. Raises CouponRefused (coupon_not_found, coupon_given when another
    was quicker, coupon_own_gift, coupon_frozen, coupon_expired …)."""
    moment = moment or clock.now()
    coupon_id = Gift.objects.filter(digest=_digest(token)).values_list("coupon_id", flat=True).first()
    row = keeping.locked(coupon_id or 0)
    gift = Gift.objects.select_for_update().get(digest=_digest(token))
    if gift.state == Gift.State.REVOKED:
        raise CouponRefused("coupon_not_found")
    source = f"gift:{gift.pk}"
    if gift.child_id is None:
        if row.member_id == member_id:
            raise CouponRefused("coupon_own_gift")
        _check(row, moment)
        child = _child(row, member_id, source, moment)
        row.state = State.GIVEN
        row.save(update_fields=["state"])
        Entry.objects.create(coupon=row, kind=Entry.Kind.GIVEN, at=moment)
        gift.state, gift.child, gift.settled_at = Gift.State.CLAIMED, child, moment
        gift.save(update_fields=["state", "child", "settled_at"])
        return _told(child, is_new=True)
    child = Coupon.objects.get(pk=gift.child_id)
    if child.member_id != member_id:
        raise CouponRefused("coupon_given")
    return _told(child, is_new=False)


@transaction.atomic
def revoke(*, member_id: int, coupon_id: int, moment: datetime | None = None) -> None:
    """Make the link void. Without one: a no-op. Raises CouponRefused (coupon_given when it was taken, coupon_not_found)."""
    row = _own(member_id, coupon_id)
    if row.state == State.GIVEN:
        raise CouponRefused("coupon_given")
    _close(row, moment or clock.now())


def look(*, token: str, moment: datetime | None = None) -> Seen:
    """Raises CouponRefused (coupon_not_found)."""
    rows = Gift.objects.select_related("coupon__template", "coupon__version", "child")
    gift = rows.filter(digest=_digest(token)).first()
    if gift is None or gift.coupon.member_id is None:
        raise CouponRefused("coupon_not_found")
    state = gift.state
    if state == Gift.State.OPEN and refusal_of(gift.coupon, moment or clock.now()):
        state = Gift.State.REVOKED
    return Seen(gift.coupon, gift.coupon.member_id, state, gift.child.member_id if gift.child else None)


def refusal_of(row: Coupon, moment: datetime) -> CouponRefused | None:
    """Why a coupon (read with its template) cannot change hands now."""
    if row.template.state == Template.State.STOPPED:
        return CouponRefused("coupon_frozen")
    if row.state == State.READY and row.ends_at is not None and row.ends_at <= moment:
        return keeping.over(row)
    return None if row.state == State.READY else keeping.refusal(row)


def _own(member_id: int, coupon_id: int) -> Coupon:
    """Locked."""
    row = keeping.locked(coupon_id)
    if row.member_id != member_id:
        raise CouponRefused("coupon_not_found")
    return row


def _check(row: Coupon, moment: datetime) -> None:
    if refusal := refusal_of(row, moment):
        raise refusal


def _close(row: Coupon, moment: datetime) -> None:
    Gift.objects.filter(coupon=row, state=Gift.State.OPEN).update(state=Gift.State.REVOKED, settled_at=moment)


def _child(row: Coupon, member_id: int, source: str, moment: datetime) -> Coupon:
    return Coupon.objects.create(
        template=row.template, version_id=row.version_id, member_id=member_id, channel=issuing.Channel.GIFT, source=source,
        origin=row.origin, parent=row, issued_at=moment, starts_at=row.starts_at, ends_at=row.ends_at,
    )  # fmt: skip


def _told(child: Coupon, *, is_new: bool) -> Issued:
    assert child.starts_at is not None  # noqa: S101 - a coupon with an owner has days: a constraint
    assert child.ends_at is not None  # noqa: S101
    return Issued(child.pk, child.starts_at, child.ends_at, is_new=is_new)


def _digest(token: str) -> bytes:
    return hashlib.sha256(f"coupon-gift:{token}".encode()).digest()
