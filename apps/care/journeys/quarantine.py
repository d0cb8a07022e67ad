"""A step that ends its worker (killed, out of memory) must not do so for ever: the circle is drawn closer until one walk is left.

Whoever takes a step says so first, in a transaction of its own, and holds a lock of its session. A mark without its lock is a death
in the middle: of a chunk of 2,000, then of 40, then of one walk alone. The walk that was alone at three deaths is set aside
("crashed": its journey's page puts it back), the others go on. When the next one alone dies as well, the step itself is at fault, and
rests until somebody lets it try again. Other steps and other journeys notice nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import connection, transaction

from apps.care.journeys import walking
from apps.care.journeys.acts import Step
from apps.care.models import Enrolment, JourneyMark, StepWatch
from apps.core import audit, clock
from apps.core.errors import NotFound

SIZES = (2000, 40, 1)  # walks in a chunk, by how often the worker died over them
ALONE = len(SIZES) - 1
DEATHS = 3  # of one walk alone
log = structlog.get_logger("siyu.journeys")

_FIRST = """
    select id from care_enrolment
    where version_id = %(version)s and node = %(node)s and ended_at is null and due_at <= %(moment)s
    order by due_at, id limit 1
"""


@dataclass
class Watch:
    """The step is this process's now. `row` None: a rehearsal, of which nothing is kept."""

    step: Step
    row: StepWatch | None = None

    @property
    def size(self) -> int:
        return SIZES[self.row.level if self.row else 0]

    def next_alone(self) -> list[int] | None:
        """The one walk to take, written down first; None: as many as `size` says."""
        if self.row is None or self.row.level < ALONE:
            return None
        found = first(self.step)
        if found != self.row.alone:
            self.row.alone, self.row.alone_deaths = found, 0
            self.row.save(update_fields=["alone", "alone_deaths"])
        return [found] if found else []

    def passed(self, walks: int) -> None:
        """So many took the step and the worker lives: those under suspicion become fewer."""
        row = self.row
        if row is None or not row.level:
            return
        row.left, row.set_aside = max(row.left - walks, 0), 0
        if not row.left or first(self.step) is None:
            row.level, row.alone, row.alone_deaths = 0, None, 0
        row.save(update_fields=["left", "set_aside", "level", "alone", "alone_deaths"])


@contextmanager
def watch(step: Step) -> Iterator[Watch | None]:
    """None: nobody's turn has come, another process is at this step, or it rests."""
    if connection.in_atomic_block:
        yield Watch(step)
        return
    if first(step) is None:
        yield None
        return
    name = f"care_step:{step.version.pk}:{step.node.key}"
    if not _asked("select pg_try_advisory_lock(hashtextextended(%s, 0))", name):
        yield None
        return
    try:
        row = _begun(step)
        yield Watch(step, row) if row else None
        if row:
            StepWatch.objects.filter(pk=row.pk).update(is_running=False)
    finally:
        _asked("select pg_advisory_unlock(hashtextextended(%s, 0))", name)


def resting(journey_id: int) -> list[StepWatch]:
    """The steps of a journey that rest because they ended their workers."""
    return list(StepWatch.objects.filter(version__journey_id=journey_id, rests_since__isnull=False).order_by("pk"))


@transaction.atomic
def wake(*, journey_id: int) -> int:
    """Let the resting steps of a journey try again, one walk at a time. Returns how many."""
    rows = StepWatch.objects.filter(version__journey_id=journey_id, rests_since__isnull=False)
    woken = rows.update(rests_since=None, level=ALONE, left=SIZES[1], alone=None, alone_deaths=0, set_aside=0)
    if woken:
        audit.record("journey.step_woken", object_type="journey", object_id=journey_id, after={"steps": woken})
    return woken


@transaction.atomic
def put_back(*, enrolment_id: int) -> Enrolment:
    """A walk that was set aside tries its step again. Raises NotFound for any other, or where the member walks anew meanwhile."""
    row = Enrolment.objects.select_for_update().filter(pk=enrolment_id, ending=Enrolment.Ending.CRASHED).first()
    others = Enrolment.objects.filter(ended_at=None, is_alone=True)
    if row is None or (row.is_alone and others.filter(journey=row.journey_id, member=row.member_id).exists()):
        raise NotFound
    row.ended_at, row.ending, row.due_at = None, "", clock.now()
    row.save(update_fields=["ended_at", "ending", "due_at"])
    audit.record("journey.put_back", object_type="enrolment", object_id=row.pk, after={"member": row.member_id})
    return row


def first(step: Step) -> int | None:
    """The walk whose turn came first."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, {"version": step.version.pk, "node": step.node.key, "moment": step.moment})
        row = cursor.fetchone()
    return row[0] if row else None


def _begun(step: Step) -> StepWatch | None:
    row, _is_new = StepWatch.objects.get_or_create(version=step.version, node=step.node.key)
    if row.rests_since is None and row.is_running:
        _died(row, step, clock.now())
    row.is_running = row.rests_since is None
    row.save()
    return row if row.is_running else None


def _died(row: StepWatch, step: Step, moment: datetime) -> None:
    """The process before this one ended in the middle."""
    log.error("journeys.worker_died", journey=step.journey.key, node=row.node, size=SIZES[row.level], walk=row.alone)
    if row.level < ALONE:
        row.level, row.left = row.level + 1, SIZES[row.level]
        return
    row.alone_deaths += 1
    if row.alone is not None and row.set_aside:
        row.rests_since = moment
        _tell(step, moment)
    elif row.alone is not None and row.alone_deaths >= DEATHS:
        with transaction.atomic():
            walking.end([row.alone], ending=Enrolment.Ending.CRASHED, moment=moment)
        row.alone, row.alone_deaths, row.set_aside = None, 0, 1


def _tell(step: Step, moment: datetime) -> None:
    said = f"{step.node.key}: WorkerDied"
    JourneyMark.objects.filter(journey=step.journey).update(trouble=said[:200], trouble_at=moment)


def _asked(sql: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, [name])
        return bool(cursor.fetchone()[0])
