"""The ways of a split against each other, and the one that is proven better chosen for all who come (H13).

Members count once, in the way they were drawn into; those held out of the journey count in none, nor do those drawn into two (records
that were joined). Returned: a kept order within the journey's `return_days` after they came to the split, so far. A verdict holds at
every look, see `experiments.sequential`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.care.experiments import verdicts
from apps.care.experiments.sequential import Count, Plan
from apps.care.experiments.verdicts import Arm, Outcome
from apps.care.journeys import graph as graphs
from apps.care.journeys.graph import Node
from apps.care.models import Journey, JourneyMark, JourneyVersion
from apps.care.results import BOUGHT
from apps.core import audit

# Of versions in which the split has had the same ways and shares: others compare something else.
_ARMS = f"""
    with passed as (
        select e.member_id, p.outcome, p.at as decided_at,
               p.at + make_interval(days => (v.graph ->> 'return_days')::int) as ends_at, e.id
        from care_enrolment e join care_step p on p.enrolment_id = e.id and p.node = %(node)s
        join care_journeyversion v on v.id = e.version_id
        where e.journey_id = %(journey)s and not e.is_held_out and p.at > %(since)s and p.at <= %(as_of)s
          and p.outcome = any(%(ways)s::text[])
    ), firsts as (
        select distinct on (member_id) * from passed
        where member_id not in (select member_id from passed group by 1 having count(distinct outcome) > 1)
        order by member_id, decided_at, id
    )
    select f.outcome, count(*), count(*) filter (where o.orders > 0), coalesce(sum(o.net), 0)::bigint
    from firsts f cross join lateral ({BOUGHT}) o group by 1
"""


@dataclass(frozen=True)
class Comparison:
    """The ways of a split so far, in their order: (members, returned, net 分). `chosen`: the way that everybody goes, None: by chance.

    `first_at`: when somebody first came to it under these ways.
    """

    node: Node
    arms: list[tuple[int, int, int]]
    outcome: Outcome
    first_at: datetime | None
    chosen: int | None = None


def chosen(mark: JourneyMark, node: Node) -> int | None:
    """The place of the way that was chosen, while the split's ways are still those that it was chosen among."""
    found = mark.choices.get(node.key) if node.data.get("winner_days") else None
    return int(found["arm"]) if found and found["arms"] == _drawn(node) else None


def compare(version: JourneyVersion, node: Node, *, as_of: datetime) -> Comparison:
    """What the ways of this version's split have come to; after a choice, what they had come to by then."""
    mark = JourneyMark.objects.get(journey_id=version.journey_id)
    way = chosen(mark, node)
    until = as_of if way is None else min(as_of, datetime.fromisoformat(mark.choices[node.key]["at"]))
    first_at = _first(version, node)
    figures: dict[int, tuple[int, int, int]] = {}
    if first_at is not None:
        values: dict[str, Any] = {
            "journey": version.journey_id, "node": node.key, "as_of": until,
            "since": first_at - timedelta(microseconds=1), "ways": [str(n + 1) for n in range(len(node.data["arms"]))],
        }  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(_ARMS, values)
            figures = {int(outcome) - 1: (members, back, net) for outcome, members, back, net in cursor.fetchall()}
    arms = [figures.get(n, (0, 0, 0)) for n in range(len(node.data["arms"]))]
    drawn = [Arm(str(n), raw["percent"], Count(arms[n][0], arms[n][1])) for n, raw in enumerate(node.data["arms"])]
    return Comparison(node, arms, verdicts.judge(drawn, plan=Plan(arms=len(drawn))), first_at, way)


def choose_due(*, moment: datetime) -> int:
    """Splits whose trial is long enough: where one way is proven better, everybody goes it from now on. Returns how many."""
    rows = JourneyVersion.objects.filter(journey__status=Journey.Status.LIVE).select_related("journey")
    done = 0
    for version in rows.order_by("journey_id"):
        if version.number == version.journey.version:
            done += sum(_choose(version, node, moment=moment) for node in _waiting(version))
    return done


def _waiting(version: JourneyVersion) -> Sequence[Node]:
    nodes = graphs.parsed(version.graph).nodes.values()
    return [node for node in nodes if node.kind == "split" and node.data.get("winner_days")]


@transaction.atomic
def _choose(version: JourneyVersion, node: Node, *, moment: datetime) -> bool:
    mark = JourneyMark.objects.select_for_update().get(journey_id=version.journey_id)
    if chosen(mark, node) is not None:
        return False
    found = compare(version, node, as_of=moment)
    trial = timedelta(days=node.data["winner_days"])
    if found.first_at is None or found.first_at + trial > moment or found.outcome.winner is None:
        return False
    way = int(found.outcome.winner)
    mark.choices = mark.choices | {node.key: {"arm": way, "at": moment.isoformat(), "arms": _drawn(node)}}
    mark.save(update_fields=["choices"])
    after = {"step": node.key, "way": way + 1, "members": [members for members, _back, _net in found.arms]}
    audit.record("journey.way_chosen", object_type="journey", object_id=version.journey_id, after=after)
    return True


def _drawn(node: Node) -> list[list[Any]]:
    return [[arm["percent"], arm["next"]] for arm in node.data["arms"]]


def _first(version: JourneyVersion, node: Node) -> datetime | None:
    """When somebody first came to the split in the unbroken row of versions that draw the same way as this one."""
    same: list[int] = []
    for other in JourneyVersion.objects.filter(journey_id=version.journey_id, number__lte=version.number).order_by(
        "-number"
    ):
        raw = next((one for one in other.graph["nodes"] if one["key"] == node.key and one["kind"] == "split"), None)
        if raw is None or [[arm["percent"], arm["next"]] for arm in raw["arms"]] != _drawn(node):
            break
        same.append(other.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            "select min(p.at) from care_step p join care_enrolment e on e.id = p.enrolment_id"
            " where e.version_id = any(%s) and p.node = %s",
            [same, node.key],
        )
        return cursor.fetchone()[0]
