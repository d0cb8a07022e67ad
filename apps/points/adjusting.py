"""Points by hand: within the operator's limits at once, above them by a second person. The limits hold for every door.

Limits are a brand setting by role: `each` for one adjustment, `day` for all of one person in a shop day, both in points and for what
is granted; taking points away needs a reason but has only the `each` limit.
"""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from apps.core import approvals, audit, clock, reasons
from apps.core.models import Approval
from apps.points import services as points
from apps.points.errors import AmountOutOfRange, ReasonMissing
from apps.points.models import Entry, OpeningFile
from apps.stores import limits as limits_by_role
from apps.stores.models import Role, Staff

KIND = "points.adjust"
SETTING = "points.adjust_limits"
LIMITS: dict[str, dict[str, int]] = {
    Role.ADMIN: {"each": 5_000, "day": 20_000},
    Role.MANAGER: {"each": 1_000, "day": 3_000},
    Role.AGENT: {"each": 500, "day": 2_000},
}


@dataclass(frozen=True)
class Wish:
    """One adjustment as asked. `amount` is signed; `source` names the request ("console:<key>")."""

    member_id: int
    amount: int
    reason: str
    source: str
    currency: str = "points"


@dataclass(frozen=True)
class Outcome:
    """Either it is done (`posting`), or it waits for a second person (`approval_id`)."""

    posting: points.Posting | None = None
    approval_id: int | None = None


def limits(role: str) -> dict[str, int]:
    """`each` and `day` of a role; 0 where nothing is allowed without a second person."""
    return limits_by_role.by_day(SETTING, role=role)


def granted_today(*, staff_id: int) -> int:
    """Points that this person granted since midnight in the shop, by hand or by files that nobody else agreed to."""
    since = clock.day_start(clock.local_date(clock.now()))
    lines = Entry.objects.filter(staff_id=staff_id, at__gte=since, kind=Entry.Kind.ADJUST, granted__gt=0)
    files = OpeningFile.objects.filter(handed_by__staff=staff_id, released_at__gte=since, approval=None)
    by_hand = lines.aggregate(total=Sum("granted", default=0))["total"]
    return int(by_hand + files.aggregate(total=Sum(Greatest("points", "growth"), default=0))["total"])


@transaction.atomic
def adjust(*, wish: Wish, staff: Staff) -> Outcome:
    """Do it, or ask for a second person. Raises ReasonMissing, NotEnoughPoints, AmountOutOfRange, SourceReused.

    Two wishes of one person at once are judged one after the other, so their sum cannot slip past the limit of the day.
    """
    reason = reasons.said(wish.reason)
    if not reason:
        raise ReasonMissing
    lock(staff_id=staff.pk)
    asked = Approval.objects.filter(source=f"{KIND}:{wish.source}").first()
    if asked is not None:
        return Outcome(approval_id=asked.pk)
    if not _is_within(wish, staff):
        if not 0 < abs(wish.amount) <= points.MOST:
            raise AmountOutOfRange(most=points.MOST)
        params: dict[str, Any] = {"member_id": wish.member_id, "amount": wish.amount, "currency": wish.currency}
        params |= {"staff_id": staff.pk, "source": wish.source}
        asked = approvals.ask(
            kind=KIND,
            source=f"{KIND}:{wish.source}",
            params=params,
            reason=reason,
            user_id=staff.user_id or 0,
            store_id=staff.store_id,
        )
        return Outcome(approval_id=asked.pk)
    return Outcome(posting=_post(wish, staff_id=staff.pk, store_id=staff.store_id))


def lock(*, staff_id: int) -> None:
    """Judge what one person grants one after the other, until the end of the transaction."""
    limits_by_role.take_turn(KIND, staff_id=staff_id)


def _is_within(wish: Wish, staff: Staff) -> bool:
    allowed = limits(staff.role)
    if _was_done(wish):
        return True
    if abs(wish.amount) > allowed["each"]:
        return False
    return wish.amount < 0 or granted_today(staff_id=staff.pk) + wish.amount <= allowed["day"]


def _was_done(wish: Wish) -> bool:
    """A repeat of what was done within the limits is answered as such, even where the limit is reached by now."""
    return Entry.objects.filter(
        account__member_id=wish.member_id,
        account__currency__key=wish.currency,
        source=wish.source,
        kind=Entry.Kind.ADJUST,
    ).exists()


def _post(wish: Wish, *, staff_id: int, store_id: int | None) -> points.Posting:
    by = points.By(staff_id=staff_id, store_id=store_id, note=wish.reason.strip())
    posting = points.adjust(
        member_id=wish.member_id, amount=wish.amount, source=wish.source, currency=wish.currency, by=by
    )
    if posting.is_new:
        facts = {"amount": wish.amount, "currency": wish.currency, "entry": posting.entry_id}
        audit.record("points.adjusted", object_type="member", object_id=wish.member_id, after=facts)
    return posting


def _run(asked: Approval) -> None:
    """What a second person's agreement does."""
    approvals.require_open(asked)
    facts = asked.params
    wish = Wish(
        member_id=facts["member_id"],
        amount=facts["amount"],
        reason=asked.reason,
        source=facts["source"],
        currency=facts["currency"],
    )
    _post(wish, staff_id=facts["staff_id"], store_id=asked.store_id)


limits_by_role.declare_by_day(SETTING, default=LIMITS, most=points.MOST)
approvals.register(KIND, run=_run, permission="points.approve", title=_("Points by hand"))
