"""What a journey would do, by doing it in a transaction that is rolled back: all of it now, or one member's walk to its end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.care.journeys import editing, entering, stepping
from apps.care.models import Enrolment, Journey, Step, Touch
from apps.core import clock
from apps.core.errors import NotFound
from apps.segments import refresh as stats

MOST_STEPS = 200
LONGEST = timedelta(days=730)


@dataclass(frozen=True)
class Decision:
    """One step of one member. `send_at` where a message would go out; `outcome` "planned", "held_out" or why not."""

    member_id: int
    member_no: str
    nickname: str
    node: str
    outcome: str
    channel: str
    at: datetime
    send_at: datetime | None
    touch_id: int | None


Watcher = Callable[[Sequence[Decision]], None]


def rehearse(
    *, journey_id: int, moment: datetime, is_draft: bool = False, days: int = 0, watch: Watcher | None = None
) -> list[Decision]:
    """What a tick at `moment` would do, step for step; then all is undone. `days`: and every hour of so many days after it.

    `is_draft`: as if the draft were published now. `watch` may read what was written before it goes. Nothing that happens meanwhile
    (orders, consents) is known. Raises NotFound, ValidationFailed, Stopped.
    """
    with transaction.atomic():
        if is_draft:
            editing.publish(journey_id=journey_id)
        elif not Journey.objects.filter(pk=journey_id).exists():
            raise NotFound
        newest = Step.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        stats.refresh(moment)
        for hour in range(24 * days + 1):
            with clock.frozen(moment + timedelta(hours=hour)):
                stepping.tick(moment + timedelta(hours=hour), journey_id=journey_id)
        found = decisions(journey_id=journey_id, after=newest)
        if watch:
            watch(found)
        transaction.set_rollback(True)
    return found


def decisions(*, journey_id: int, after: int) -> list[Decision]:
    """The steps of a journey noted since step `after`, in the order in which they were taken."""
    rows = (
        Step.objects.filter(enrolment__journey_id=journey_id, pk__gt=after)
        .order_by("at", "pk")
        .select_related("enrolment__member", "touch")
    )
    return [_decision(row) for row in rows.iterator()]


def walk(
    *, journey_id: int, member_id: int, moment: datetime, is_draft: bool = True, watch: Watcher | None = None
) -> list[Decision]:
    """One member's walk from now to its end, as if nothing happened meanwhile: waits are skipped over. Nothing is kept.

    Audience and `again` are not asked: it shows what would happen if the member entered. Raises NotFound, ValidationFailed, Stopped.
    """
    with transaction.atomic():
        if is_draft:
            editing.publish(journey_id=journey_id)
        journey = Journey.objects.get(pk=journey_id)
        version = journey.versions.get(number=journey.version)
        enrolment_id = entering.place(version, member_id=member_id, occurrence="rehearsal", moment=moment)
        now, last = moment, moment + LONGEST
        for _ in range(MOST_STEPS):
            with clock.frozen(now):
                stepping.tick(now, journey_id=journey_id, enrolment_ids=[enrolment_id])
            row = Enrolment.objects.get(pk=enrolment_id)
            if row.ended_at is not None or row.due_at > last:
                break
            now = max(row.due_at, now)
        found = [
            _decision(step) for step in row.steps.order_by("at", "pk").select_related("enrolment__member", "touch")
        ]
        if watch:
            watch(found)
        transaction.set_rollback(True)
    return found


def _decision(step: Step) -> Decision:
    member: Any = step.enrolment.member
    touch: Touch | None = step.touch
    return Decision(
        member_id=member.pk,
        member_no=member.member_no,
        nickname=member.nickname,
        node=step.node,
        outcome=step.outcome,
        channel=touch.channel if touch else "",
        at=step.at,
        send_at=touch.send_at if touch else None,
        touch_id=step.touch_id,
    )
