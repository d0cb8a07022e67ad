"""Delivery of facts: each step once, in its own transaction, in order per lane."""

from datetime import timedelta
from random import SystemRandom

import structlog
from celery import current_app
from django.db import transaction

from apps.core import clock
from apps.events.models import Event, StepRun
from apps.flows.subscriptions import STEPS, Step

log = structlog.get_logger("siyu.flows")
PARK_AFTER = 8
SWEEP_CHUNK = 500
_random = SystemRandom()


def deliver(*, event_id: int) -> bool:
    """Run the steps a fact still owes. True when none is left.

    A step waits while an older fact of the lane still owes a step of the same name; a parked fact holds nobody up.
    A failing step is tried again with growing pauses and parked after eight tries; later steps of its fact wait for it.
    """
    event = Event.objects.filter(pk=event_id, finished_at=None, parked_at=None).first()
    if event is None:
        return True
    for step in STEPS.get(event.name, ()):
        try:
            if not _run(step, event_id):
                return False
        except Exception as error:
            log.warning("step failed", event_id=event_id, step=label(step), error=type(error).__name__)
            _postpone(event_id, reason=f"{label(step)}: {type(error).__name__}")
            return False
    Event.objects.filter(pk=event_id, finished_at=None).update(finished_at=clock.now())
    return True


def sweep() -> int:
    """Wake workers for facts that are due: lost wake-ups, retries, and those whose lane has become free. Returns how many."""
    due = Event.objects.filter(finished_at=None, parked_at=None, next_try_at__lte=clock.now())
    event_ids = list(due.order_by("pk").values_list("pk", flat=True)[:SWEEP_CHUNK])
    for event_id in event_ids:
        current_app.send_task("flows.deliver_event", args=[event_id])
    return len(event_ids)


def label(step: Step) -> str:
    """`order_paid.refresh`: story and step."""
    return f"{step.__module__.rsplit('.', 1)[-1]}.{step.__name__}"


@transaction.atomic
def _run(step: Step, event_id: int) -> bool:
    event = Event.objects.select_for_update().get(pk=event_id)
    if event.finished_at or event.parked_at:
        return False
    if StepRun.objects.filter(event=event, step=label(step)).exists():
        return True
    if event.lane and _lane_is_busy(event, step):
        return False
    step(event)
    StepRun.objects.create(event=event, step=label(step))
    return True


def _lane_is_busy(event: Event, step: Step) -> bool:
    """Whether an older open fact of the lane still owes a step of this name (`refresh` waits for `refresh` only)."""
    older = Event.objects.filter(lane=event.lane, pk__lt=event.pk, finished_at=None, parked_at=None)
    for earlier in older.order_by("pk"):
        done = set(earlier.steps.values_list("step", flat=True))
        owed = {other.__name__ for other in STEPS.get(earlier.name, ()) if label(other) not in done}
        if step.__name__ in owed:
            return True
    return False


def _postpone(event_id: int, *, reason: str) -> None:
    with transaction.atomic():
        event = Event.objects.select_for_update().get(pk=event_id)
        event.attempts += 1
        event.error = reason[:200]
        pause = min(2**event.attempts, 600) * (0.5 + _random.random() / 2)
        event.next_try_at = clock.now() + timedelta(seconds=pause)
        if event.attempts >= PARK_AFTER:
            event.parked_at = clock.now()
        event.save(update_fields=["attempts", "error", "next_try_at", "parked_at"])
