"""Bring stats, scores and life stages up to a moment: one set-based path for one member, for the day's changes, for all.

Refreshes of any kind queue on one lock, so that none reads what another is writing. Each is one transaction: a crash leaves the
rows and the notes as they were.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F

from apps.core import clock
from apps.members import minors
from apps.segments import rfm, rules, sql, stages
from apps.segments.models import RefreshRun, Snapshot

LOCK = 7_490_201  # advisory lock of all refreshes
PATIENCE = timedelta(hours=1)  # a refresh that waited for the lock may carry a moment this much older
MANY = 100  # members; from here on larger sorts and fresh planner figures pay
_NEXT_DUE = """
    select least(
        (select min(next_stage_at) from segments_memberstats where next_stage_at >= %(moment)s),
        (select min(due_at) from orders_change where due_at > %(moment)s),
        (select min(due_at) from segments_minor where due_at > %(moment)s)
    )
"""


@dataclass(frozen=True)
class Figures:
    """What a refresh did. `looked_at` members, `changed` stats rows, `stage_moves` rows of stage history."""

    as_of: datetime
    is_full: bool
    looked_at: int
    changed: int
    stage_moves: int
    scores_changed: int
    snapshot_taken: bool
    seconds: float

    def counts(self) -> dict[str, Any]:
        return asdict(self) | {"as_of": self.as_of.isoformat(), "seconds": round(self.seconds, 3)}


Tell = Callable[[str, int], None]  # hears which table of `sql.py` stands, and how many rows it holds


def refresh(moment: datetime, full: bool = False, tell: Tell = lambda table, rows: None) -> Figures:
    """Bring every member up to `moment`, looking only at those whom a note or a boundary concerns; `full` looks at all.

    It becomes full by itself the first time, after a change of the thresholds, and when it has to go back in time. A moment up
    to an hour before the last refresh, without `full`, is taken for that refresh's moment.
    """
    begun = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        _lock(cursor)
        course = _course(moment, full=full)
        cursor.execute(sql.NAME_ALL if course.is_full else sql.NAME_NOTED, course.parameters)
        figures = _bring_up(cursor, course, begun=begun, may_take=True, tell=tell)
        RefreshRun.objects.create(
            as_of=course.moment,
            is_full=course.is_full,
            rules=course.rules,
            looked_at=figures.looked_at,
            changed=figures.changed,
            stage_moves=figures.stage_moves,
            seconds=figures.seconds,
            finished_at=clock.now(),
        )
    return figures


def refresh_members(member_ids: Sequence[int], moment: datetime) -> Figures:
    """The same for these members only, whatever is noted; never behind the last refresh. Scores go by the newest snapshot."""
    begun = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        _lock(cursor)
        course = _course(moment, full=False, for_all=False)
        cursor.execute(sql.NAME_GIVEN, course.parameters | {"members": list(member_ids)})
        return _bring_up(cursor, course, begun=begun, may_take=False)


def next_due(moment: datetime) -> datetime | None:
    """The first moment after this one at which a refresh has something to do, if nothing else happens; None: never."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_DUE, {"moment": moment})
        found: datetime | None = cursor.fetchone()[0]
    return found


@dataclass(frozen=True)
class _Course:
    """How this refresh goes. `parameters` are those of every statement."""

    moment: datetime
    is_full: bool
    rules: dict[str, Any]
    parameters: dict[str, Any]


def _lock(cursor: CursorWrapper) -> None:
    cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
    cursor.execute("set local client_min_messages = warning")  # temporary tables exist already, mostly
    cursor.execute(sql.TABLES)


def _course(moment: datetime, *, full: bool, for_all: bool = True) -> _Course:
    """Decide what the last refreshes leave to do. History is recast when thresholds changed or time went back."""
    last = RefreshRun.objects.order_by("-id").values("as_of", "rules").first()
    farthest = RefreshRun.objects.order_by("-as_of").values_list("as_of", flat=True).first()
    current = rules.current()
    if last and not full and (not for_all or timedelta(0) < last["as_of"] - moment <= PATIENCE):
        moment = max(moment, last["as_of"])
    rewound = bool(last and farthest and (last["as_of"] < farthest or moment < farthest))
    new_rules = bool(last and last["rules"] != current)
    parameters = (
        rules.parameters(current)
        | minors.as_of(moment)
        | {
            "moment": moment,
            "on": clock.local_date(moment),
            "frontier": farthest,
            "is_recast": rewound or new_rules,
        }
    )
    is_full = for_all and (full or last is None or rewound or new_rules)
    return _Course(moment=moment, is_full=is_full, rules=current, parameters=parameters)


def _bring_up(
    cursor: CursorWrapper,
    course: _Course,
    *,
    begun: float,
    may_take: bool,
    tell: Tell = lambda table, rows: None,
) -> Figures:
    """The members are named; the rest of the way is the same for one, for some, for all."""
    looked_at = cursor.rowcount
    given = course.parameters
    changed = stage_moves = scores_changed = buyers_gone = 0
    taken = False
    if looked_at:
        _compute(cursor, course, many=looked_at >= MANY, tell=tell)
        changed, buyers_gone = _mind_children(cursor, given)
    cuts, taken = _cuts(cursor, course, may_take=may_take, buyers_gone=buyers_gone)
    if looked_at:
        stage_moves = _write(cursor, stages.KEEP_CHANGES, given)
        scores_changed = _write(cursor, rfm.KEEP_SCORES, given | cuts)
        changed += _write(cursor, sql.merge(rfm.scored("segments_fresh")), given | cuts)
    if taken:
        moved = _write(cursor, rfm.RESCORE_OTHERS, given | cuts)
        scores_changed, changed = scores_changed + moved, changed + moved
    return Figures(
        as_of=course.moment,
        is_full=course.is_full,
        looked_at=looked_at,
        changed=changed,
        stage_moves=stage_moves,
        scores_changed=scores_changed,
        snapshot_taken=taken,
        seconds=time.perf_counter() - begun,
    )


def _compute(cursor: CursorWrapper, course: _Course, *, many: bool, tell: Tell) -> None:
    """Fill `segments_fresh`. A large table is analysed before it is read; for a small one the catalogue is left in peace."""
    if many:
        # The orders come sorted from their covering index, which the planner thinks dear at the default page cost.
        cursor.execute("set local work_mem = '64MB'; set local random_page_cost = 1.1; set local jit = off")
        cursor.execute("analyze segments_named")
    taste = sql.TASTE if course.is_full else sql.TASTE_OF_SOME
    for statement, table in (
        (sql.DUE, "segments_due"),
        (sql.SUMMARY, "segments_summary"),
        (taste, "segments_taste"),
        (sql.REVIVALS, "segments_revival"),
        (sql.FRESH, "segments_fresh"),
    ):
        cursor.execute(statement, course.parameters)
        tell(table, cursor.rowcount)
        if many:
            cursor.execute(f"analyze {table}")


def _mind_children(cursor: CursorWrapper, given: dict[str, Any]) -> tuple[int, int]:
    """Remove what was computed of children for whom nobody answers; (rows, buyers among them)."""
    cursor.execute(sql.LEAVE_IN_PEACE, given)
    gone, buyers = cursor.fetchone()
    cursor.execute(sql.WATCH_CHILDREN, given)
    cursor.execute(sql.FORGET_GROWN_UP, given)
    return gone, buyers


def _cuts(cursor: CursorWrapper, course: _Course, *, may_take: bool, buyers_gone: int) -> tuple[dict[str, Any], bool]:
    """The cut points to score by, taken now where they are due; counts the buyers changed since they were taken."""
    cursor.execute(rfm.COUNT_CHANGED)
    changed = cursor.fetchone()[0] + buyers_gone
    snapshot, is_due = rfm.snapshot_for(moment=course.moment, changed=changed, may_take=may_take)
    if is_due:
        cursor.execute(rfm.TAKE, course.parameters)
        snapshot = Snapshot.objects.get(on=course.parameters["on"])
    elif changed:
        Snapshot.objects.filter(pk=snapshot.pk).update(changed=F("changed") + changed)
    return rfm.parameters(snapshot), is_due


def _write(cursor: CursorWrapper, statement: str, given: dict[str, Any]) -> int:
    cursor.execute(statement, given)
    return int(cursor.rowcount)
