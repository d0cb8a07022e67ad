"""A coupon handed to one member by staff: within the operator's limits at once, above them by a second person, at every door.

Limits are a brand setting by role, in 分 of what the coupons save at most: `each` for one, `day` for all of one person in a shop day. A
coupon whose saving has no bound is over every limit. Stock, limit per member and the stop hold as ever.
"""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.core import approvals, audit, clock, reasons
from apps.core.errors import NotFound, ValidationFailed
from apps.core.models import Approval
from apps.coupons import costs, issuing
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Coupon, Template
from apps.stores import limits as limits_by_role
from apps.stores.models import Role, Staff

KIND = "coupons.hand_out"
SETTING = "coupons.hand_out_limits"
LIMITS: dict[str, dict[str, int]] = {
    Role.ADMIN: {"each": 50_000, "day": 500_000},
    Role.MARKETER: {"each": 20_000, "day": 200_000},
    Role.REGION_MANAGER: {"each": 20_000, "day": 100_000},
    Role.MANAGER: {"each": 10_000, "day": 50_000},
    Role.AGENT: {"each": 5_000, "day": 30_000},
}


@dataclass(frozen=True)
class Wish:
    """`source` names the request ("console:<key>"): the same again is the same coupon, or the same question."""

    member_id: int
    template_id: int
    reason: str
    source: str


@dataclass(frozen=True)
class Outcome:
    """Either it is done (`issued`), or it waits for a second person (`approval_id`)."""

    issued: issuing.Issued | None = None
    approval_id: int | None = None


def limits(role: str) -> dict[str, int]:
    """`each` and `day` of a role; 0 where everything takes a second person."""
    return limits_by_role.by_day(SETTING, role=role)


def handed_today(*, staff_id: int) -> int:
    """分 that the coupons this person handed out alone since midnight in the shop can save. One without a bound took two anyway."""
    since = clock.day_start(clock.local_date(clock.now()))
    mine = Coupon.objects.filter(issued_at__gte=since, channel=Coupon.Channel.STAFF, staff_id=staff_id)
    rows = mine.exclude(source__startswith=f"{KIND}:").select_related("version")
    return sum(costs.most_saved(row.version.terms) or 0 for row in rows)


@transaction.atomic
def hand_out(*, wish: Wish, staff: Staff) -> Outcome:
    """Do it, or ask for a second person. Raises CouponRefused, ValidationFailed (without a reason), NotFound.

    Two wishes of one person at once are judged one after the other, so their sum cannot slip past the limit of the day.
    """
    reason = reasons.said(wish.reason)
    if not reason:
        error = {"pointer": "/reason", "code": "required", "message": str(_("Say why, in a few words."))}
        raise ValidationFailed(errors=[error])
    limits_by_role.take_turn(KIND, staff_id=staff.pk)
    asked = Approval.objects.filter(source=f"{KIND}:{wish.source}").first()
    if asked is not None:
        return Outcome(approval_id=asked.pk)
    if _is_within(wish, staff):
        return Outcome(issued=_issue(wish.member_id, wish.template_id, wish.source, staff, reason))
    params = {"member_id": wish.member_id, "template_id": wish.template_id, "staff_id": staff.pk, "source": wish.source}
    asked = approvals.ask(
        kind=KIND,
        source=f"{KIND}:{wish.source}",
        params=params,
        reason=reason,
        user_id=staff.user_id or 0,
        store_id=staff.store_id,
    )
    return Outcome(approval_id=asked.pk)


def _is_within(wish: Wish, staff: Staff) -> bool:
    """A repeat of what was done within the limits is answered as such, even where the limit is reached by now."""
    row = Template.objects.select_related("version").filter(pk=wish.template_id).first()
    if row is None:
        raise NotFound
    if row.version is None:
        raise CouponRefused("coupon_not_found")
    if Coupon.objects.filter(source=wish.source).exists():
        return True
    most, allowed = costs.most_saved(row.version.terms), limits(staff.role)
    return most is not None and most <= allowed["each"] and handed_today(staff_id=staff.pk) + most <= allowed["day"]


def _issue(member_id: int, template_id: int, source: str, staff: Staff, reason: str) -> issuing.Issued:
    by = issuing.By(staff_id=staff.pk, store_id=staff.store_id)
    done = issuing.issue(
        member_id=member_id, template_id=template_id, source=source, channel=Coupon.Channel.STAFF, by=by
    )
    if done.is_new:
        facts = {"member": member_id, "template": template_id, "reason": reason}
        audit.record("coupon.handed_out", object_type="coupon", object_id=done.coupon_id, after=facts)
    return done


def _run(asked: Approval) -> None:
    """What a second person's agreement does."""
    approvals.require_open(asked)
    said, staff = asked.params, Staff.objects.get(pk=asked.params["staff_id"])
    _issue(said["member_id"], said["template_id"], f"{KIND}:{said['source']}", staff, asked.reason)


limits_by_role.declare_by_day(SETTING, default=LIMITS, most=10**11)
approvals.register(KIND, run=_run, permission="coupons.hand_out_agree", title=_("Coupon by hand"))
