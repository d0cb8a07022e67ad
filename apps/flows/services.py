"""Delivery of facts: each step once, in its own transaction, in order per lane.

A start is counted before the step runs, so that a step which kills its process is parked, too: after three such deaths in a row, where
one that raises has eight starts. The lease on
`next_try_at` keeps other workers away meanwhile; should it run out, the row lock and the unique step still let one through.
"""

import time
from datetime import datetime, timedelta
from random import SystemRandom

import structlog
from django.db import connection, transaction
from django.db.models import Case, F, Q, QuerySet, When

from apps.core import clock
from apps.events.models import Event, StepRun
from apps.flows.subscriptions import OUT_OF_TURN, STEPS, Step

log = structlog.get_logger("siyu.flows")
PARK_AFTER = 8  # starts
DEATHS = 3  # of workers in a row, with the fact in hand
LEASE = timedelta(seconds=30)
LONGEST_PAUSE = 600  # seconds
SWEEP_SECONDS = 20
SWEEP_LOCK = 7_490_041
_random = SystemRandom()


def deliver(*, event_id: int) -> bool:
    """Run the steps a fact still owes, then those of the facts that waited for it in its lane. False: it is still open.

    A step waits while an older fact of the lane owes a step of the same name, unless it goes out of turn; a parked fact holds nobody
    up. A failing step is tried again with growing pauses and its fact parked after eight starts; later steps of the fact wait for it.
    """
    waiting: int | None = event_id
    while waiting is not None:
        event = _claim(waiting)
        waiting = _next_in_lane(event) if event and _settle(event) else None
    return not _open().filter(pk=event_id).exists()


def deliver_within(*, event_id: int) -> bool:
    """Do every step of a fact now, in the caller's transaction: it stands or falls with it. False: an older fact of the lane is open.

    A step that fails raises here; the caller's transaction is gone with it. Each step is done once, here or by the worker.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("deliver_within() belongs inside the transaction of its caller")
    event = Event.objects.get(pk=event_id)
    if any(_run(step, event_id) for step in STEPS.get(event.name, ())):
        return False
    _open().filter(pk=event_id).update(finished_at=clock.now())
    return True


def sweep() -> int:
    """Deliver what is due: lost wake-ups, retries, facts stored by the thousand. Returns how many were taken up.

    One sweep works at a time, for about 20 seconds; the scheduler sends the next.
    """
    taken, until = 0, time.monotonic() + SWEEP_SECONDS
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [SWEEP_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        try:
            while time.monotonic() < until and (event_id := _first_due()) is not None:
                deliver(event_id=event_id)
                taken += 1
        finally:
            cursor.execute("select pg_advisory_unlock(%s)", [SWEEP_LOCK])
    return taken


def label(step: Step) -> str:
    """`order_paid.refresh`: story and step."""
    return f"{step.__module__.rsplit('.', 1)[-1]}.{step.__name__}"


def _open() -> QuerySet[Event]:
    return Event.objects.filter(finished_at=None, parked_at=None)


def _first_due() -> int | None:
    due = _open().filter(next_try_at__lte=clock.now()).order_by("next_try_at", "pk")
    return due.values_list("pk", flat=True).first()


def _claim(event_id: int) -> Event | None:
    """Count a start and take the lease; None when the fact is not due, or has died too often and is parked now."""
    moment = clock.now()
    due = _open().filter(pk=event_id, next_try_at__lte=moment)
    dead = due.filter(Q(attempts__gte=PARK_AFTER) | Q(is_in_hand=True, deaths__gte=DEATHS - 1))
    if dead.update(parked_at=moment, is_in_hand=False, error="the worker died in the middle of a step"):
        log.error("fact parked", event_id=event_id)
        return None
    deaths = Case(When(is_in_hand=True, then=F("deaths") + 1), default=0)
    if not due.update(attempts=F("attempts") + 1, next_try_at=moment + LEASE, deaths=deaths, is_in_hand=True):
        return None
    return Event.objects.get(pk=event_id)


def _settle(event: Event) -> bool:
    """True when the fact holds up its lane no longer: finished, or parked."""
    for step in STEPS.get(event.name, ()):
        try:
            blocker = _run(step, event.pk)
        except Exception as error:
            reason = f"{label(step)}: {type(error).__name__}"
            log.warning("step failed", event_id=event.pk, step=label(step), error=type(error).__name__)
            return _postpone(event, reason=reason)
        if blocker:
            _hand_back(event, until=blocker.next_try_at)
            return False
        event = _still_ours(event)
    _open().filter(pk=event.pk).update(finished_at=clock.now(), is_in_hand=False)
    return True


def _still_ours(event: Event) -> Event:
    """A fact of slow steps keeps its lease, so that nobody takes its worker for dead."""
    if event.next_try_at - clock.now() < LEASE / 2:
        event.next_try_at = clock.now() + LEASE
        _open().filter(pk=event.pk).update(next_try_at=event.next_try_at)
    return event


@transaction.atomic
def _run(step: Step, event_id: int) -> Event | None:
    """Do the step unless it is done already. Returns the older fact that it has to wait for, if any."""
    event = Event.objects.select_for_update().get(pk=event_id)
    if event.finished_at or event.parked_at or event.steps.filter(step=label(step)).exists():
        return None
    if blocker := _blocker(event, step):
        return blocker
    step(event)
    StepRun.objects.create(event=event, step=label(step), finished_at=clock.now())
    return None


def _blocker(event: Event, step: Step) -> Event | None:
    """The oldest open fact of the lane that still owes a step of this name (`refresh` waits for `refresh` only)."""
    if not event.lane or step in OUT_OF_TURN:
        return None
    for earlier in _open().filter(lane=event.lane, pk__lt=event.pk).order_by("pk"):
        done = set(earlier.steps.values_list("step", flat=True))
        owed = {other.__name__ for other in STEPS.get(earlier.name, ()) if label(other) not in done}
        if step.__name__ in owed:
            return earlier
    return None


def _next_in_lane(event: Event) -> int | None:
    """The fact behind this one that only waited for its turn, made due; one with a failure of its own keeps its pause."""
    if not event.lane:
        return None
    behind = _open().filter(lane=event.lane, pk__gt=event.pk).order_by("pk").first()
    if behind is None or behind.attempts:
        return None
    _open().filter(pk=behind.pk, attempts=0).update(next_try_at=clock.now())
    return behind.pk


def _hand_back(event: Event, *, until: datetime) -> None:
    """Waiting for one's turn is no failure: the start is not counted."""
    later = max(until, clock.now() + timedelta(seconds=1))
    _open().filter(pk=event.pk).update(attempts=F("attempts") - 1, next_try_at=later, is_in_hand=False)


def _postpone(event: Event, *, reason: str) -> bool:
    """Try again later, or park after the last start (then True)."""
    moment = clock.now()
    pause = min(2**event.attempts, LONGEST_PAUSE) * (0.5 + _random.random() / 2)
    is_last = event.attempts >= PARK_AFTER
    _open().filter(pk=event.pk).update(
        error=reason[:200], next_try_at=moment + timedelta(seconds=pause), parked_at=moment if is_last else None,
        is_in_hand=False,
    )  # fmt: skip
    return is_last
