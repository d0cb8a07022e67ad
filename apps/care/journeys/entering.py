"""Who enters a journey: by its trigger, at its hour, by a fact, by hand. One statement each; the same occurrence enters once."""

import calendar
import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Max

from apps.care import gate, rechecks, triggers
from apps.care.journeys import graph as graphs
from apps.care.journeys import walking
from apps.care.journeys.errors import NotByHand, NotRunning
from apps.care.models import Journey, JourneyMark, JourneyVersion, Version
from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.members import consents
from apps.segments import language
from apps.segments.models import StageChange

EVERY = timedelta(minutes=5)  # how often triggers are looked at
UNDER_WAY = timedelta(minutes=5)  # an event seen so much later than it came in was being written at the last look
_AGAIN = {
    "never": "not exists (select from care_enrolment b where b.journey_id = %(journey)s and b.member_id = m.id)",
    "after": """not exists (select from care_enrolment b where b.journey_id = %(journey)s and b.member_id = m.id
        and (b.ended_at is null or b.ended_at > %(moment)s - %(rest)s))""",
    "each": "true",
}
_ENTER = """
    with due as materialized ({due}),
    fit as (
        select {distinct} m.id as member_id, d.occurrence, {due_at} as due_at
        from due d join members_member m on m.id = d.member_id {joins}
        where not d.is_late and not d.is_old and {base} and {condition} and {again}
        order by m.id, d.occurrence desc
    )
    insert into care_enrolment (
        journey_id, version_id, member_id, occurrence, is_held_out, is_alone, node, arrived_at, due_at, entered_at, ending
    )
    select %(journey)s, %(version)s, m.member_id, m.occurrence, {held}, %(is_alone)s, %(start)s, %(moment)s, m.due_at, %(moment)s, ''
    from fit m
    on conflict do nothing
    returning id
"""


def look(version: JourneyVersion, graph: graphs.Graph, *, moment: datetime) -> list[int]:
    """Let everybody in who fell due since the last look. Returns ids of enrolments. Call it inside a transaction."""
    mark = JourneyMark.objects.select_for_update().get(journey_id=version.journey_id)
    entry = graph.data["entry"]
    entered: list[int] = []
    if entry["kind"] == "trigger":
        if mark.looked_at is not None and timedelta(0) <= moment - mark.looked_at < EVERY:
            return []
        newest = StageChange.objects.aggregate(top=Max("pk"))["top"] or 0
        asked = Version(trigger=entry["trigger"], params=entry["params"])
        otherwise = graph.data.get("time_zone", "")
        due, params = triggers.due(
            asked, moment=moment, last_run=mark.looked_at, seen=mark.change_id, otherwise=otherwise
        )
        for check in rechecks.of_decision(asked.trigger):
            due = f"select t.* from ({due}) t cross join (select %(asked)s::jsonb as params) v where not ({check.condition})"
        params["asked"] = json.dumps(asked.params)
        if entry.get("is_from_now"):
            params["from"] = max(params["from"], _began(version))
        if entry.get("is_with_current") and mark.looked_at is None:
            name = entry["params"].get("stage") or entry["params"].get("segment")
            inside = _INSIDE[entry["trigger"]]
            entered = _enter(version, graph, due=inside, params={"name": name}, moment=moment)
        entered += _enter(version, graph, due=due, params=params, moment=moment)
        mark.change_id = newest
    elif entry["kind"] == "schedule":
        late = moment - timedelta(days=graph.data["late_days"])
        for occurrence, _at in occasions(entry, after=max(mark.looked_at or late, late), until=moment):
            entered += _enter(version, graph, due=_EVERYBODY, params={"occurrence": occurrence}, moment=moment)
    elif entry["kind"] == "event":
        late = moment - timedelta(days=graph.data["late_days"])
        since = max(_began(version), mark.looked_at - UNDER_WAY) if mark.looked_at else _began(version)
        wanted = _asked_event(entry) | {"received_after": since, "happened_after": late}
        entered = _enter(version, graph, due=_DONE, params=wanted, moment=moment)
    mark.looked_at = max(moment, mark.looked_at or moment)
    mark.save(update_fields=["looked_at", "change_id"])
    return entered


# By when it came in, so that each is met once and nothing is read twice; the same occurrence enters once in any case.
_DONE = """
    select a.member_id, 'event:' || case when %(by)s = '' then a.event_id::text
               when length(a.properties ->> %(by)s) <= 40 then a.properties ->> %(by)s
               else md5(a.properties ->> %(by)s) end as occurrence,
           false as is_late, false as is_old
    from activity_event a
    where a.received_at > %(received_after)s and a.name = %(event)s and a.member_id is not null
      and a.occurred_at > %(happened_after)s and a.occurred_at <= %(moment)s
      and (%(by)s = '' or coalesce(a.properties ->> %(by)s, '') <> '')
      and (%(property)s = '' or a.properties ->> %(property)s = any(%(values)s::text[]))
"""
# Who is there now, each with the occurrence that their coming in had, so that it lets nobody in twice.
_INSIDE = {
    Version.Trigger.STAGE_ENTERED: """
        select s.member_id, 'stage:' || s.stage || ':' || floor(extract(epoch from s.stage_since))::bigint as occurrence,
               false as is_late, false as is_old
        from segments_memberstats s where s.stage = %(name)s
    """,
    Version.Trigger.SEGMENT_ENTERED: """
        select b.member_id, 'segment:' || g.id || ':' || floor(extract(epoch from b.since))::bigint as occurrence,
               false as is_late, false as is_old
        from segments_membership b join segments_segment g on g.id = b.segment_id where g.key = %(name)s
    """,
}
_EVERYBODY = """
    select id as member_id, %(occurrence)s::text as occurrence, false as is_late, false as is_old
    from members_member where status = 'active'
"""
_THESE = """
    select id as member_id, %(occurrence)s::text as occurrence, false as is_late, false as is_old
    from members_member where id = any(%(members)s)
"""


def _asked_event(entry: dict[str, Any]) -> dict[str, Any]:
    only = entry.get("only", {"property": "", "values": []})
    return {"event": entry["event"], "by": entry.get("by", ""), "property": only["property"], "values": only["values"]}


def by_fact(*, fact: str, member_id: int, occurrence: str, moment: datetime) -> int:
    """Something happened to a member: let them into the journeys that begin with it. Returns how many. A repeat adds none."""
    running = JourneyVersion.objects.filter(
        journey__status=Journey.Status.LIVE, number=F("journey__version"), graph__entry__fact=fact
    ).select_related("journey")
    entered = 0
    for version in running.order_by("journey_id"):
        with transaction.atomic():
            if not is_running(version.journey_id):
                continue
            graph = graphs.parsed(version.graph)
            params = {"occurrence": occurrence[:60], "members": [member_id]}
            entered += len(_enter(version, graph, due=_THESE, params=params, moment=moment))
    return entered


@transaction.atomic
def put_in(
    *,
    journey_key: str,
    member_ids: Sequence[int],
    occurrence: str,
    moment: datetime | None = None,
    by_program: bool = False,
) -> list[int]:
    """By hand, or by a program where the journey waits for one. Returns the ids of members who entered; audience and `again` hold.

    `occurrence`: what it is for; the same one again enters nobody. Raises NotFound, NotRunning, NotByHand.
    """
    journey = Journey.objects.select_for_update(no_key=True).filter(key=journey_key).first()
    if journey is None:
        raise NotFound
    if journey.status != Journey.Status.LIVE:
        raise NotRunning
    version = journey.versions.get(number=journey.version)
    graph = graphs.parsed(version.graph)
    if by_program and graph.data["entry"]["kind"] != "call":
        raise NotByHand
    params = {"occurrence": f"call:{occurrence}"[:60], "members": list(member_ids)}
    ids = _enter(version, graph, due=_THESE, params=params, moment=moment or clock.now())
    with connection.cursor() as cursor:
        cursor.execute("select member_id from care_enrolment where id = any(%s) order by 1", [ids])
        entered = [row[0] for row in cursor.fetchall()]
    if not by_program:
        audit.record("journey.put_in", object_type="journey", object_id=journey.pk, after={"members": entered[:200]})
    return entered


def place(version: JourneyVersion, *, member_id: int, occurrence: str, moment: datetime) -> int:
    """An enrolment of this member, whoever they are: for rehearsals, where nothing is kept. Returns its id."""
    graph = graphs.parsed(version.graph)
    everybody = graphs.parsed(graph.data | {"audience": {}, "again": {"kind": "each"}})
    ids = _enter(
        version, everybody, due=_THESE, params={"occurrence": occurrence, "members": [member_id]}, moment=moment
    )
    if not ids:
        raise NotFound
    return ids[0]


def is_running(journey_id: int) -> bool:
    """Whether it runs, and goes on running until this transaction ends: whoever pauses or stops it waits that long."""
    held = "select status from care_journey where id = %s for share"
    with connection.cursor() as cursor:
        cursor.execute(held, [journey_id])
        row = cursor.fetchone()
    return row is not None and row[0] == Journey.Status.LIVE


def occasions(entry: dict[str, Any], *, after: datetime, until: datetime) -> Iterator[tuple[str, datetime]]:
    """The moments of a schedule in (after, until], each with its occurrence: "at:2026-12-12T10:00", shop time."""
    first = clock.local(clock.start_of(entry["at"]))
    last = min(until, clock.end_of(entry["until"])) if "until" in entry else until
    number = 0
    while (at := _repeated(first, entry.get("every", ""), number)) is not None and at <= last:
        if at > after:
            yield f"at:{clock.local(at):%Y-%m-%dT%H:%M}", at
        number += 1 if number or not entry.get("every") else max(1, _skipped(first, entry["every"], after))


def _repeated(first: datetime, every: str, number: int) -> datetime | None:
    """The nth time after the first; a day that a month does not have falls on its last."""
    if number == 0:
        return first
    if every == "day":
        return first + timedelta(days=number)
    if every == "week":
        return first + timedelta(weeks=number)
    if every == "month":
        months = first.month - 1 + number
        year, month = first.year + months // 12, months % 12 + 1
        day = min(first.day, calendar.monthrange(year, month)[1])
        return datetime.combine(date(year, month, day), first.timetz())
    return None


def _skipped(first: datetime, every: str, after: datetime) -> int:
    """How many times certainly lie before `after`: an old schedule is not counted through from its beginning."""
    days = (after - first).days
    return days // {"day": 1, "week": 7, "month": 31}[every]


def _began(version: JourneyVersion) -> datetime:
    return (
        JourneyVersion.objects.filter(journey_id=version.journey_id)
        .order_by("number")
        .values_list("published_at", flat=True)[0]
    )


def _enter(
    version: JourneyVersion, graph: graphs.Graph, *, due: str, params: dict[str, Any], moment: datetime
) -> list[int]:
    rule = language.compiled(graph.data["audience"], moment=moment)
    again = graph.data["again"]
    is_profiled = graph.is_profiling or rule.is_profiling
    base = f"m.status = 'active' and {consents.PROFILED}" if is_profiled else rule.base
    sql = _ENTER.format(
        due=due,
        distinct="" if again["kind"] == "each" else "distinct on (m.id)",
        joins=rule.joins,
        base=base,
        condition=rule.condition,
        again=_AGAIN[again["kind"]],
        due_at=walking.turn(graph.nodes[graph.start], base="%(moment)s::timestamptz", zone=walking.clock_of(graph)),
        held=gate.held_out_sql("arm", "arm_limit").replace("m.id", "m.member_id"),
    )
    values = rule.params | params | {
        "journey": version.journey_id, "version": version.pk, "moment": moment, "start": graph.start,
        "is_alone": again["kind"] != "each", "rest": timedelta(days=again.get("days", 0)),
        "arm": version.journey.key, "arm_limit": gate.threshold_bytes(graph.data["holdout_percent"]),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [row[0] for row in cursor.fetchall()]
