"""How a journey goes: who stands at which step, which way they went, what became of the messages."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from apps.care.journeys import graph as graphs
from apps.care.models import JourneyVersion

_WALKING = """
    select node, count(*) from care_enrolment where journey_id = %(journey)s and ended_at is null group by node
"""
_ENDINGS = """
    select case when ended_at is null then 'walking' else ending end, is_held_out, count(*)
    from care_enrolment where journey_id = %(journey)s and entered_at > %(since)s and entered_at <= %(as_of)s group by 1, 2
"""
_STEPS = """
    select p.node, p.outcome, t.state, t.reason, count(*)
    from care_enrolment e join care_step p on p.enrolment_id = e.id left join care_touch t on t.id = p.touch_id
    where e.journey_id = %(journey)s and e.entered_at > %(since)s and e.entered_at <= %(as_of)s and p.at <= %(as_of)s
    group by 1, 2, 3, 4
"""
# What was given at a step, and when; a kept order within `return_days` counts once, for what was given last before it.
_BROUGHT = """
    with given as (
        select e.member_id, p.node, case when t.id is null then p.at else t.settled_at end as at,
               make_interval(days => (v.graph ->> 'return_days')::int) as lasting
        from care_enrolment e join care_step p on p.enrolment_id = e.id join care_journeyversion v on v.id = e.version_id
        left join care_touch t on t.id = p.touch_id
        where e.journey_id = %(journey)s and e.entered_at > %(since)s and e.entered_at <= %(as_of)s and p.at <= %(as_of)s
          and not e.is_held_out and (t.state in ('sent', 'delivered') or p.outcome in ('given', 'assigned'))
    ), bought as (
        select distinct on (o.id) g.node, o.member_id, o.total_cents - o.refunded_cents as net
        from given g join orders_order o on o.member_id = g.member_id and o.paid_at > g.at and o.paid_at <= g.at + g.lasting
        where o.paid_at <= %(as_of)s and o.status <> 'cancelled' and o.total_cents > o.refunded_cents
        order by o.id, g.at desc, g.node
    )
    select node, count(distinct member_id), sum(net)::bigint from bought group by node
"""
_ARRIVED = ("sent", "delivered")


@dataclass
class NodeFigures:
    """`waiting` stand there now. `outcomes` of those who have passed: the way they went, or why they got nothing.

    `messages`: what became of the messages by now (planned, sent, delivered, failed …); `refused`: why some did not go out after all.
    `converted`: members whose kept orders followed what they got here, within `return_days` and before anything else of the journey;
    `net_cents`: of those orders. It is what came after, not what it brought: that is the comparison with those held out.
    """

    key: str
    kind: str
    name: str
    waiting: int = 0
    passed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    converted: int = 0
    net_cents: int = 0

    @property
    def sent(self) -> int:
        return sum(self.messages[state] for state in _ARRIVED)

    @property
    def skipped(self) -> Counter[str]:
        """By reason, of all who did not get the message: at the step, or until it was due."""
        refused = Counter(self.refused)
        for outcome, members in self.outcomes.items():
            if self.kind == "send" and outcome not in ("planned", "held_out"):
                refused[outcome] += members
        return refused


@dataclass
class Funnel:
    """Of members who entered in the period, `waiting` at any time. `endings`: "walking", or how the walk ended."""

    entered: int = 0
    held_out: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    nodes: list[NodeFigures] = field(default_factory=list)


def funnel(version: JourneyVersion, *, since: datetime, as_of: datetime) -> Funnel:
    """Over all versions of the journey, in the order of this one's steps; steps that only older versions have come last."""
    graph = graphs.parsed(version.graph)
    found = Funnel()
    nodes = {node.key: NodeFigures(node.key, node.kind, node.data.get("name", "")) for node in graph.nodes.values()}
    params: dict[str, Any] = {"journey": version.journey_id, "since": since, "as_of": as_of}
    with connection.cursor() as cursor:
        cursor.execute(_ENDINGS, params)
        for ending, is_held_out, members in cursor.fetchall():
            found.entered += members
            found.held_out += members if is_held_out else 0
            found.endings[ending] += members
        cursor.execute(_WALKING, params)
        for node, members in cursor.fetchall():
            _of(nodes, node).waiting += members
        cursor.execute(_STEPS, params)
        for node, outcome, state, reason, members in cursor.fetchall():
            _count(_of(nodes, node), outcome, state, reason, members)
        cursor.execute(_BROUGHT, params)
        for node, members, net in cursor.fetchall():
            _of(nodes, node).converted, _of(nodes, node).net_cents = members, net
    found.nodes = list(nodes.values())
    return found


def _of(nodes: dict[str, NodeFigures], key: str) -> NodeFigures:
    return nodes.setdefault(key, NodeFigures(key, "", ""))


def _count(node: NodeFigures, outcome: str, state: str | None, reason: str, members: int) -> None:
    node.passed += members
    node.outcomes[outcome] += members
    if outcome == "planned" and state:
        node.messages[state] += members
        if state == "skipped":
            node.refused[reason] += members
