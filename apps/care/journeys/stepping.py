"""The clock of journeys: who enters, who leaves, whose step is due. Set by set, in the order in which the graph leads forward.

A chunk of walkers is held, judged, served and moved in one transaction: a crash leaves them where they stood, and the key of
(enrolment, step) forbids a second time. Two of these may run side by side: each passes over whom the other holds.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import F, Q

from apps.care import reasons
from apps.care.journeys import acts, entering, quarantine, walking
from apps.care.journeys import graph as graphs
from apps.care.journeys.acts import Step
from apps.care.journeys.graph import Graph, Node
from apps.care.journeys.walking import Moves, Walker
from apps.care.models import Enrolment, Journey, JourneyMark, JourneyVersion, StepWatch
from apps.core import clock

CHUNK = 2000
EVERY = timedelta(minutes=10)  # how often rules that people wait for, or leave by, are asked of those who wait
_BACK = timedelta(hours=1)  # orders become known later than they are paid; later still they are seen at the next step
log = structlog.get_logger("siyu.journeys")

_DUE = """
    select w.version, w.node from unnest(%(versions)s::bigint[], %(nodes)s::text[]) w (version, node)
    where exists (
        select from care_enrolment e
        where e.version_id = w.version and e.node = w.node and e.ended_at is null and e.due_at <= %(moment)s
    )
"""
_BOUGHT = f"""
    select distinct e.id from orders_order o
    join care_enrolment e on e.member_id = o.member_id and e.version_id = %(version)s and e.ended_at is null
    where o.paid_at > %(since)s and o.paid_at <= %(moment)s and {walking.KEPT}
      and o.paid_at > {{from_}} {{more}}
"""
_BOUGHT_OF = f"""
    select e.id from care_enrolment e where e.id = any(%(ids)s) and exists (
        select from orders_order o
        where o.member_id = e.member_id and o.paid_at > e.entered_at and o.paid_at <= %(moment)s and {walking.KEPT}
    )
"""
_HELD = """
    select id, member_id, occurrence, is_held_out, due_at from care_enrolment
    where id = any(%(ids)s) and node = %(node)s and ended_at is null order by id for update skip locked
"""
_HAPPENED = """
    select e.id from care_enrolment e
    where e.version_id = %(version)s and e.node = %(node)s and e.ended_at is null {only} and exists (
        select from activity_event a
        where a.member_id = e.member_id and a.name = %(event)s and a.occurred_at > e.arrived_at and a.occurred_at <= %(moment)s
    )
"""
_ORDERED = f"""
    select e.id from care_enrolment e
    where e.version_id = %(version)s and e.node = %(node)s and e.ended_at is null {{only}} and exists (
        select from orders_order o
        where o.member_id = e.member_id and o.paid_at > e.arrived_at and o.paid_at <= %(moment)s and {walking.KEPT}
    )
"""


@dataclass
class Figures:
    """What one tick did. `steps` by kind of step; `failed`: "journey.step" of those that could not be taken."""

    entered: int = 0
    ended: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, Any]:
        return {"entered": self.entered, "ended": self.ended, "steps": dict(self.steps), "failed": self.failed}


@dataclass(frozen=True)
class Course:
    """A journey that runs, with one of its versions: the newest, or one that somebody still walks by."""

    journey: Journey
    version: JourneyVersion
    graph: Graph

    @property
    def is_newest(self) -> bool:
        return self.version.number == self.journey.version


def tick(
    moment: datetime,
    *,
    journey_id: int | None = None,
    enrolment_ids: Collection[int] | None = None,
    seconds: float = 50.0,
) -> Figures:
    """Bring every running journey (or one) up to `moment`; after `seconds` the rest is left to the next tick.

    `enrolment_ids`: only these walks move, and nobody enters.
    """
    figures, deadline = Figures(), time.monotonic() + seconds
    running = courses(journey_id)
    for course in running:
        if enrolment_ids is None and course.is_newest:
            _guarded(course, "", figures, partial(_enter, course, moment, figures))
    for course in running:
        if enrolment_ids is None:
            _guarded(course, "", figures, partial(_watch, course, moment, figures))
    for course, node in _quiet_first(_due(running, moment)):
        step = Step(course.journey, course.version, course.graph, node, moment)
        with quarantine.watch(step) as watch:
            while watch and time.monotonic() < deadline:
                only = enrolment_ids if (alone := watch.next_alone()) is None else alone
                work = partial(_chunk, step, figures, only=only, limit=min(watch.size, CHUNK))
                if not (taken := _guarded(course, node.key, figures, work)):
                    break
                watch.passed(taken)
    if not figures.failed and enrolment_ids is None:
        resting = StepWatch.objects.filter(rests_since__isnull=False).values("version__journey")
        told = JourneyMark.objects.filter(journey__in={course.journey for course in running}).exclude(trouble="")
        told.exclude(journey__in=resting).update(trouble="")
    return figures


def courses(journey_id: int | None = None) -> list[Course]:
    """Every version of a running journey that members walk by, and the newest, most urgent journeys first."""
    asked = JourneyVersion.objects.filter(journey__status=Journey.Status.LIVE).select_related("journey")
    if journey_id is not None:
        asked = asked.filter(journey_id=journey_id)
    walked = (
        """exists (select from care_enrolment e where e.version_id = care_journeyversion.id and e.ended_at is null)"""
    )
    newest = asked.filter(number=F("journey__version"))
    older = asked.exclude(number=F("journey__version")).extra(where=[walked])  # noqa: S610 - words of our own
    rows = sorted([*newest, *older], key=lambda v: (v.journey.priority, v.journey_id, v.number))
    # The newest comes last: it notes how far the journey has looked.
    return [Course(version.journey, version, graphs.parsed(version.graph)) for version in rows]


def _due(running: Sequence[Course], moment: datetime) -> Iterable[tuple[Course, Node]]:
    """Steps at which somebody's turn may come in this tick: all behind the first at which it has."""
    pairs = [(course, node) for course in running for node in course.graph.nodes.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            _DUE,
            {"versions": [c.version.pk for c, _ in pairs], "nodes": [n.key for _, n in pairs], "moment": moment},
        )
        waiting = set(cursor.fetchall())
    begun: set[int] = set()
    for course, node in pairs:
        if (course.version.pk, node.key) in waiting:
            begun.add(course.version.pk)
        if course.version.pk in begun:
            yield course, node


def _quiet_first(steps: Iterable[tuple[Course, Node]]) -> list[tuple[Course, Node]]:
    """Those over which workers died come last, so that another death holds up nobody."""
    marked = StepWatch.objects.filter(Q(is_running=True) | Q(level__gt=0)).values_list("version_id", "node")
    suspects = set(marked)
    return sorted(steps, key=lambda pair: (pair[0].version.pk, pair[1].key) in suspects)


def _guarded(course: Course, node: str, figures: Figures, work: Callable[[], int]) -> int:
    """One journey's trouble stays its own: it is written down for its page, and tried again with the next tick."""
    try:
        with transaction.atomic():
            if not entering.is_running(course.journey.pk):
                return 0
            done = work()
    except Exception as error:
        log.exception("journeys.step_failed", journey=course.journey.key, node=node)
        name = f"{course.journey.key}.{node}".rstrip(".")
        figures.failed.append(name)
        JourneyMark.objects.filter(journey=course.journey).update(
            trouble=f"{node}: {type(error).__name__}"[:200], trouble_at=clock.now()
        )
        return 0
    return done


def _enter(course: Course, moment: datetime, figures: Figures) -> int:
    entered = len(entering.look(course.version, course.graph, moment=moment))
    figures.entered += entered
    return entered


def _chunk(step: Step, figures: Figures, *, only: Collection[int] | None, limit: int) -> int:
    walkers = walking.pick(version_id=step.version.pk, node=step.node.key, moment=step.moment, limit=limit, only=only)
    if walkers:
        _take(step, walkers, figures)
    return len(walkers)


def _take(step: Step, walkers: Sequence[Walker], figures: Figures) -> None:
    """Those whose walk is over leave first; the others take the step."""
    going = _ended(step, walkers, figures)
    if step.node.kind == "await":
        going = _met(step, going, figures)
    done = _taken_before(step, going)
    moves = Moves()
    acts.ACTS[step.node.kind](step, [walker for walker in going if walker.id not in done], moves)
    for walker in going:
        if walker.id in done:  # moved to a version in which this step stands later
            moves.add(walker, acts.DONE, step.node.data.get("next", ""), walker.due_at)
    walking.move(moves, node=step.node.key, graph=step.graph, moment=step.moment)
    figures.steps[step.node.kind] += len(going)


def _taken_before(step: Step, walkers: Sequence[Walker]) -> set[int]:
    if step.version.number == 1:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "select enrolment_id from care_step where enrolment_id = any(%s) and node = %s",
            [[walker.id for walker in walkers], step.node.key],
        )
        return {row[0] for row in cursor.fetchall()}


def _ended(step: Step, walkers: Sequence[Walker], figures: Figures) -> list[Walker]:
    left = list(walkers)
    gone = _gone([walker.id for walker in left])
    figures.ended += walking.end(
        sorted(gone), ending=Enrolment.Ending.GONE, moment=step.moment, reason=reasons.NOT_ACTIVE
    )
    left = [walker for walker in left if walker.id not in gone]
    for end in step.graph.data["ends"]:
        ids = _fitting(end["when"], left, moment=step.moment)
        figures.ended += walking.end(sorted(ids), ending=_ending(end), moment=step.moment, reason=_reason(end))
        left = [walker for walker in left if walker.id not in ids]
    return left


def _fitting(when: dict[str, Any], walkers: Sequence[Walker], *, moment: datetime) -> set[int]:
    if when["kind"] == "rule":
        fitting = acts.holds(when["rule"], [walker.member_id for walker in walkers], moment=moment)
        return {walker.id for walker in walkers if walker.member_id in fitting}
    return _ids(_BOUGHT_OF, {"ids": [walker.id for walker in walkers], "moment": moment})


def _gone(ids: Sequence[int]) -> set[int]:
    gone = """select e.id from care_enrolment e join members_member m on m.id = e.member_id
        where e.id = any(%(ids)s) and m.status in ('cancelled', 'erased', 'merged')"""
    return _ids(gone, {"ids": list(ids)})


def _met(step: Step, walkers: Sequence[Walker], figures: Figures) -> list[Walker]:
    """At the end of its time, a wait looks once more: what was waited for may have come in the last minutes."""
    ids = _awaited(step, only=[walker.id for walker in walkers])
    _pass_on(step, [walker for walker in walkers if walker.id in ids])
    return [walker for walker in walkers if walker.id not in ids]


def _watch(course: Course, moment: datetime, figures: Figures) -> int:
    """Who bought, and what else is waited for, without waiting for anybody's turn."""
    mark = JourneyMark.objects.select_for_update().get(journey=course.journey)
    since = min(mark.watched_at or moment, moment) - _BACK
    is_slow_turn = mark.watched_at is None or _slot(mark.watched_at) != _slot(moment)
    for end in course.graph.data["ends"]:
        if end["when"]["kind"] == "order":
            ids = _bought(course, since=since, moment=moment, from_="e.entered_at")
        elif is_slow_turn:
            ids = _all_fitting(course, end["when"]["rule"], moment=moment)
        else:
            continue
        figures.ended += walking.end(sorted(ids), ending=_ending(end), moment=moment, reason=_reason(end))
    for node in course.graph.nodes.values():
        if node.kind == "await" and (is_slow_turn or node.data["what"]["kind"] == "order"):
            step = Step(course.journey, course.version, course.graph, node, moment)
            ids = (
                _bought(course, since=since, moment=moment, from_="e.arrived_at", node=node.key)
                if node.data["what"]["kind"] == "order"
                else _awaited(step)
            )
            _pass_on(step, _walkers(sorted(ids), node.key))
    if course.is_newest:
        mark.watched_at = max(moment, mark.watched_at or moment)
        mark.save(update_fields=["watched_at"])
    return 0


def _slot(moment: datetime) -> int:
    return int(moment.timestamp() // EVERY.total_seconds())


def _bought(course: Course, *, since: datetime, moment: datetime, from_: str, node: str = "") -> set[int]:
    more = "and e.node = %(node)s" if node else ""
    params = {"version": course.version.pk, "since": since, "moment": moment, "node": node}
    return _ids(_BOUGHT.format(from_=from_, more=more), params)


def _all_fitting(course: Course, rule: dict[str, Any], *, moment: datetime) -> set[int]:
    walking_now = "select member_id, id from care_enrolment where version_id = %s and ended_at is null"
    with connection.cursor() as cursor:
        cursor.execute(walking_now, [course.version.pk])
        rows = cursor.fetchall()
    fitting = acts.holds(rule, [member_id for member_id, _id in rows], moment=moment)
    return {row_id for member_id, row_id in rows if member_id in fitting}


def _awaited(step: Step, only: Sequence[int] | None = None) -> set[int]:
    """Walks at this step for which what they wait for has come."""
    what = step.node.data["what"]
    params: dict[str, Any] = {
        "version": step.version.pk, "node": step.node.key, "moment": step.moment, "only": list(only or ()),
        "event": what.get("event", ""),
    }  # fmt: skip
    narrowed = "" if only is None else "and e.id = any(%(only)s)"
    if what["kind"] != "rule":
        return _ids((_ORDERED if what["kind"] == "order" else _HAPPENED).format(only=narrowed), params)
    with connection.cursor() as cursor:
        cursor.execute(
            "select e.member_id, e.id from care_enrolment e"
            f" where e.version_id = %(version)s and e.node = %(node)s and e.ended_at is null {narrowed}",
            params,
        )
        rows = cursor.fetchall()
    fitting = acts.holds(what["rule"], [member_id for member_id, _id in rows], moment=step.moment)
    return {row_id for member_id, row_id in rows if member_id in fitting}


def _pass_on(step: Step, walkers: Sequence[Walker]) -> None:
    moves = Moves()
    for walker in walkers:
        moves.add(walker, "met", step.node.data["met"], step.moment)
    walking.move(moves, node=step.node.key, graph=step.graph, moment=step.moment)


def _walkers(ids: Sequence[int], node: str) -> list[Walker]:
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"ids": list(ids), "node": node})
        return [Walker(*row) for row in cursor.fetchall()]


def _ending(end: dict[str, Any]) -> Enrolment.Ending:
    return Enrolment.Ending.GOAL if end.get("is_goal") else Enrolment.Ending.LEFT


def _reason(end: dict[str, Any]) -> str:
    return reasons.BOUGHT if end["when"]["kind"] == "order" else reasons.LEFT_JOURNEY


def _ids(sql: str, params: dict[str, Any]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return {row[0] for row in cursor.fetchall()}
