"""One round of care: bring the stats up, decide, send. A rehearsal is the same code in a transaction that is rolled back."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Least
from django.utils.translation import gettext as _

from apps.care import dispatch, gate, outcomes, planning, policies, reasons
from apps.care.models import Policy, Touch, Version
from apps.care.planning import Plan
from apps.core import audit, clock
from apps.core import reasons as given_reasons
from apps.core.errors import NotFound, ValidationFailed
from apps.members import selectors as members
from apps.segments import refresh as stats

Watcher = Callable[[Plan], None]


def plan(*, moment: datetime) -> Plan:
    """Refresh the stats and plan every live policy as of `moment`."""
    stats.refresh(moment)
    return planning.plan(moment=moment)


def run(*, moment: datetime, watch: Watcher | None = None) -> tuple[Plan, Counter[str]]:
    """Plan, show the plan to `watch`, then send what is due. Call it with no transaction open."""
    found = plan(moment=moment)
    if watch:
        watch(found)
    return found, dispatch.drain()


def rehearse(*, moment: datetime, watch: Watcher | None = None, draft_of: int | None = None) -> Plan:
    """What `run` would decide, touch for touch; `watch` may read the touches, then all is undone.

    `draft_of`: only this policy, as its draft stands. Raises NotFound, ValidationFailed.
    """
    with transaction.atomic():
        stats.refresh(moment)
        found = planning.plan(moment=moment, only=_published(draft_of) if draft_of else None)
        if watch:
            watch(found)
        transaction.set_rollback(True)
    return found


@transaction.atomic
def stop_profiled(*, member_id: int) -> int:
    """Skip what waits for a member who has switched personalisation off and goes by what they buy. Returns how many.

    Waits for a plan that is being made: what it decided by the earlier word is found, too.
    """
    planning.lock_slots()
    if members.may_be_profiled(member_id):
        return 0
    waiting = Touch.objects.filter(member_id=member_id, state=Touch.State.PLANNED, settled_at=None)
    doomed = [touch.pk for touch in waiting.select_related("version") if gate.is_profiling(touch.version)]
    return waiting.filter(pk__in=doomed).update(
        state=Touch.State.SKIPPED, reason=reasons.NO_PROFILING, settled_at=clock.now(), slot_on=None
    )


@transaction.atomic
def replay(*, touch_ids: Sequence[int], reason: str) -> int:
    """Send again what failed for certain, by a person's word. What may have arrived (`unknown`) never is. Returns how many.

    Each needs a slot of the day again, and is too late where its policy says so. Raises ValidationFailed without a reason.
    """
    if not given_reasons.said(reason):
        raise ValidationFailed(errors=[{"pointer": "/reason", "code": "required", "message": str(_("Say why."))}])
    moment = clock.now()
    failed = Touch.objects.select_for_update().filter(pk__in=touch_ids, state=Touch.State.FAILED).order_by("pk")
    ids = list(failed.values_list("pk", flat=True))
    Touch.objects.filter(pk__in=ids).update(  # one that was set aside is tried alone, as it was
        state=Touch.State.PLANNED,
        reason="",
        send_at=moment,
        settled_at=None,
        slot_on=None,
        deaths=Least("deaths", outcomes.ALONE_FROM),
    )
    audit.record(
        "touches.replayed",
        object_type="touch",
        object_id=len(ids),
        after={"touches": ids[:200], "reason": reason[:200]},
    )
    return len(ids)


def _published(policy_id: int) -> Version:
    if not Policy.objects.filter(pk=policy_id).exists():
        raise NotFound
    return policies.publish(policy_id=policy_id)
