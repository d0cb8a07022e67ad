"""What a journey would do, by doing it in a transaction that is rolled back: all of it now, or one member's walk to its end.

A rehearsal of several days stands still at every hour at which something can fall due: somebody's turn, a schedule, a boundary of
somebody's stage, midnight; at every hour where a rule or a trigger goes by hours. Between two such hours a tick would do nothing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.care import zones
from apps.care.journeys import editing, entering, stepping
from apps.care.journeys import graph as graphs
from apps.care.journeys.errors import TooLong
from apps.care.journeys.graph import Graph
from apps.care.models import Enrolment, Journey, JourneyVersion, Step, Touch, Version
from apps.core import clock
from apps.core.errors import NotFound
from apps.segments import building, language
from apps.segments import refresh as stats
from apps.segments.models import Segment, Track
from apps.segments.tracks import moving as tracks

MOST_STEPS = 200
LONGEST = timedelta(days=730)
HOUR = timedelta(hours=1)
MOST_SECONDS = 50.0  # what it writes stays locked until it is undone
# What they ask about lies so many days or hours behind, to the second.
BY_THE_HOUR = {
    Version.Trigger.DAYS_SINCE_ORDER,
    Version.Trigger.SECOND_PURCHASE,
    Version.Trigger.REGISTERED,
    Version.Trigger.CART_LEFT,
}


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
    """What a tick at `moment` would do, step for step; then all is undone. `days`: and the ticks of so many days after it, by the hour.

    Stages, segments and life tracks move on with time; nothing else that happens meanwhile (orders, consents) is known. `is_draft`: as
    if the draft were published now. `watch` may read what was written before it goes. Raises NotFound, ValidationFailed, Stopped, and
    TooLong when it takes longer than MOST_SECONDS.
    """
    deadline = time.monotonic() + MOST_SECONDS
    with transaction.atomic():
        if is_draft:
            editing.publish(journey_id=journey_id)
        version = JourneyVersion.objects.filter(journey_id=journey_id).order_by("-number").first()
        if version is None:  # no such journey, or none that ever ran
            raise NotFound
        newest = Step.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        for now in _hours(version, moment=moment, last=moment + timedelta(days=days)):
            with clock.frozen(now):
                stepping.tick(now, journey_id=journey_id)
            if time.monotonic() > deadline:
                raise TooLong
        found = decisions(journey_id=journey_id, after=newest)
        if watch:
            watch(found)
        transaction.set_rollback(True)
    return found


def _hours(version: JourneyVersion, *, moment: datetime, last: datetime) -> Iterator[datetime]:
    """`moment` and the hours after it at which a tick has something to do; what it goes by is brought up to each before."""
    graph = graphs.parsed(version.graph)
    rules = [language.compiled(rule, moment=moment) for rule in graph.rules]
    asks_segments = _asks_segments(graph, rules)
    is_hourly = _is_hourly(graph, rules, asks_segments=asks_segments)
    has_tracks = Track.objects.exists()
    now: datetime | None = moment
    while now is not None:
        with clock.frozen(now):
            if has_tracks:
                tracks.tick(now)
            stats.refresh(now)
            if asks_segments:
                building.build(now)
        yield now
        following = _soonest(version.journey_id, graph, now=now, last=last, is_hourly=is_hourly)
        at = max(moment + HOUR * -((moment - following) // HOUR), now + HOUR)  # hours are counted from `moment`
        now = at if at <= last else None


def _asks_segments(graph: Graph, rules: Sequence[language.Compiled]) -> bool:
    return graph.data["entry"].get("trigger") == Version.Trigger.SEGMENT_ENTERED or any(rule.segments for rule in rules)


def _is_hourly(graph: Graph, rules: Sequence[language.Compiled], *, asks_segments: bool) -> bool:
    moving = Segment.objects.filter(archived_at=None, moves=Segment.Moves.HOURS)
    trigger = graph.data["entry"].get("trigger")
    return (
        trigger in BY_THE_HOUR
        or (trigger == Version.Trigger.BIRTHDAY and bool(zones.known()))  # midnight is at many hours then
        or any(rule.moves == "hours" for rule in rules)
        or (asks_segments and moving.exists())
    )


def _soonest(journey_id: int, graph: Graph, *, now: datetime, last: datetime, is_hourly: bool) -> datetime:
    """The next moment at which something falls due."""
    walking = Enrolment.objects.filter(journey_id=journey_id, ended_at=None, due_at__gt=now).order_by("due_at")
    found = [
        clock.day_end(clock.local_date(now)),
        stats.next_due(now),
        walking.values_list("due_at", flat=True).first(),
    ]
    found += [now + HOUR] if is_hourly else []
    if graph.data["entry"]["kind"] == "schedule":
        found += [at for _occurrence, at in entering.occasions(graph.data["entry"], after=now, until=last)][:1]
    return min(at for at in found if at is not None)


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
