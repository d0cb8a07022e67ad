"""How walks move: from step to step, when the next one's turn is, and how they end. Whole chunks in one statement each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from apps.care import reasons, zones
from apps.care.journeys.graph import Graph, Node
from apps.care.models import Enrolment
from apps.followups import services as followups

KEPT = "o.status <> 'cancelled' and o.total_cents > o.refunded_cents"
ASSIGNED = "assigned"


class Walker(NamedTuple):
    """An enrolment whose step's turn has come, held by this transaction."""

    id: int
    member_id: int
    occurrence: str
    is_held_out: bool
    due_at: datetime


@dataclass
class Moves:
    """What a step made of its walkers: outcome, the step they go to ("": none, the walk is over), from when on, the touch decided."""

    ids: list[int] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    dues: list[datetime] = field(default_factory=list)
    touches: list[int | None] = field(default_factory=list)

    def add(self, walker: Walker, outcome: str, to: str, due: datetime, touch: int | None = None) -> None:
        self.ids.append(walker.id)
        self.outcomes.append(outcome)
        self.targets.append(to)
        self.dues.append(due)
        self.touches.append(touch)


_PICK = """
    select distinct on (e.member_id) e.id, e.member_id, e.occurrence, e.is_held_out, e.due_at
    from (
        select id, member_id, occurrence, is_held_out, due_at from care_enrolment
        where version_id = %(version)s and node = %(node)s and ended_at is null and due_at <= %(moment)s {only}
        order by due_at, id limit %(limit)s for update skip locked
    ) e order by e.member_id, e.id
"""
_MOVE = """
    with moved as (
        select * from unnest(
            %(ids)s::bigint[], %(outcomes)s::text[], %(targets)s::text[], %(dues)s::timestamptz[], %(touches)s::bigint[]
        ) x (id, outcome, target, due, touch)
    ), noted as (
        insert into care_step (enrolment_id, node, outcome, touch_id, at)
        select id, %(node)s, outcome, touch, %(moment)s from moved
        on conflict (enrolment_id, node) do nothing
    )
    update care_enrolment e set
        node = case when x.target = '' then e.node else x.target end, arrived_at = x.due, due_at = {due},
        ended_at = case when x.target = '' then %(moment)s::timestamptz end, ending = case when x.target = '' then 'done' else '' end
    from moved x, members_member m
    where e.id = x.id and m.id = e.member_id and e.node = %(node)s and e.ended_at is null
"""
_END = """
    update care_enrolment set ended_at = %(moment)s, ending = %(ending)s
    where id = any(%(ids)s) and ended_at is null returning id
"""
_SKIP_WAITING = """
    update care_touch t set state = 'skipped', reason = %(reason)s, settled_at = %(moment)s, slot_on = null
    from care_step p
    where p.enrolment_id = any(%(ids)s) and p.touch_id = t.id and t.settled_at is null and t.state = 'planned'
"""


def pick(
    *, version_id: int, node: str, moment: datetime, limit: int, only: Collection[int] | None = None
) -> list[Walker]:
    """Hold up to `limit` walkers whose turn it is, each member once. Others that hold some of them are not waited for."""
    params: dict[str, Any] = {"version": version_id, "node": node, "moment": moment, "limit": limit}
    sql = _PICK.format(only="" if only is None else "and id = any(%(only)s)")
    with connection.cursor() as cursor:
        cursor.execute(sql, params if only is None else params | {"only": list(only)})
        return [Walker(*row) for row in cursor.fetchall()]


def move(moves: Moves, *, node: str, graph: Graph, moment: datetime) -> None:
    """Note the step of each and let it arrive at its next one. Times are the database's; a repeat notes nothing twice."""
    if not moves.ids:
        return
    sql = _MOVE.format(due=_due(graph, sorted(set(moves.targets) - {""})))
    with connection.cursor() as cursor:
        cursor.execute(sql, vars(moves) | {"node": node, "moment": moment})


def end(ids: Sequence[int], *, ending: Enrolment.Ending, moment: datetime, reason: str = reasons.LEFT_JOURNEY) -> int:
    """These walks are over; what still waits to be sent in them is skipped with `reason`. Returns how many ended now."""
    if not ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_END, {"ids": list(ids), "moment": moment, "ending": ending.value})
        ended = [row[0] for row in cursor.fetchall()]
        cursor.execute(_SKIP_WAITING, {"ids": ended, "moment": moment, "reason": reason})
    call_off(ended)
    return len(ended)


def call_off(ids: Sequence[int]) -> int:
    """The tasks that staff still have because of these walks. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select enrolment_id, node from care_step where enrolment_id = any(%s) and outcome = %s",
            [list(ids), ASSIGNED],
        )
        sources = [source(*row) for row in cursor.fetchall()]
    return followups.cancel_by_sources(sources=sources) if sources else 0


def source(enrolment_id: int, node: str) -> str:
    """What a step gives is given once under this name."""
    return f"journey:{enrolment_id}:{node}"


def clock_of(graph: Graph) -> str:
    """SQL of the zone by whose clock member `m` walks."""
    return zones.lived_in(zones.known(), otherwise=graph.data.get("time_zone", ""))


def has_date(node: Node, *, zone: str) -> str:
    """SQL over enrolment `e` and member `m`: whether the date that a wait goes by lies ahead of the arrival."""
    return f"{_date(node.data['for'], base='e.arrived_at', zone=zone)} is not null"


def turn(node: Node, *, base: str, zone: str) -> str:
    """SQL of the moment at which a step that member `m` arrives at at `base` has its turn. `zone`: SQL, from `clock_of`."""
    if node.kind == "wait":
        return f"coalesce({_waited(node.data['for'], base=base, zone=zone)}, {base})"
    return f"{base} + interval '{node.data['days']:d} days'" if node.kind == "await" else base


def _due(graph: Graph, targets: Sequence[str]) -> str:
    waits = [graph.nodes[key] for key in targets if graph.nodes[key].kind in ("wait", "await")]
    zone = clock_of(graph) if waits else ""
    cases = [f"when '{node.key}' then {turn(node, base='x.due', zone=zone)}" for node in waits]
    return f"case x.target {' '.join(cases)} else x.due end" if cases else "x.due"


def _waited(what: dict[str, Any], *, base: str, zone: str) -> str:
    if what["kind"] == "date":
        return _date(what, base=base, zone=zone)
    if what["kind"] == "weekday":
        days = ", ".join(str(int(day)) for day in what["weekdays"])
        each = _at_hour(base, what["hour"], "n.n", zone)
        return f"""(
            select min(day.at) from generate_series(0, 7) n cross join lateral (select {each} as at) day
            where day.at >= {base} and extract(isodow from day.at at time zone {zone}) in ({days})
        )"""
    length = " ".join(f"{what.get(unit, 0):d} {unit}" for unit in ("days", "hours", "minutes"))
    after = f"({base} + interval '{length}')"
    if "hour" not in what:
        return after
    same_day = _at_hour(after, what["hour"], "0", zone)
    return f"case when {same_day} >= {after} then {same_day} else {_at_hour(after, what['hour'], '1', zone)} end"


def _at_hour(moment: str, hour: int, days: str, zone: str) -> str:
    """So many days after the day of a moment, at this hour, both by the clock of the zone."""
    day = f"date_trunc('day', {moment} at time zone {zone})"
    return f"(({day} + make_interval(days => {days}, hours => {hour:d})) at time zone {zone})"


def _date(what: dict[str, Any], *, base: str, zone: str) -> str:
    """The next time a date of member `m` comes at or after `base`, so many days before or after it; NULL: never.

    A birthday comes every year, 29 February on the 28th in common years; any other date once.
    """
    offset, hour = int(what.get("offset_days", 0)), int(what["hour"])
    shifted = f"((day.day + {offset:d})::timestamp + interval '{hour:d} hours') at time zone {zone}"
    if what["field"] == "birthday":
        days = f"""
            select make_date(y.y, m.birth_month,
                case when m.birth_month = 2 and m.birth_day = 29 and not (mod(y.y, 4) = 0 and (mod(y.y, 100) <> 0 or mod(y.y, 400) = 0))
                then 28 else m.birth_day end) as day
            from generate_series(
                extract(year from {base} at time zone {zone})::int - 1, extract(year from {base} at time zone {zone})::int + 2
            ) y (y) where m.birth_month is not null and m.birth_day is not null
        """
    else:
        days = f"select (m.attributes ->> '{what['field']}')::date as day where m.attributes ->> '{what['field']}' is not null"
    return f"(select min({shifted}) from ({days}) day where {shifted} >= {base})"
