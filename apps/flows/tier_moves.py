"""What changes a member's tier: growth from an order, growth taken back by a refund, two records becoming one. After the reward.

Members of the segments that gate a tier are asked once at the beginning of each piece of work.
"""

from typing import Any

from apps.core import clock, jobs
from apps.core.models import Job
from apps.events.models import Event
from apps.flows import segment_gates
from apps.members import selectors as members
from apps.points import ladders, tier_joins, tiers
from apps.points.models import Standing
from apps.points.tiers import Figures


def reassess(event: Event) -> None:
    cause = "refund" if event.name == "order.refunded" else "reached"
    member_ids = [members.current_id(event.payload["member_id"])]
    gates = segment_gates.frozen(member_ids=member_ids)
    tiers.reassess(member_ids=member_ids, moment=clock.now(), cause=cause, segments=gates)


def join(event: Event) -> None:
    """The better of two tiers counts; after the books were joined."""
    survivor_id = members.current_id(event.payload["survivor_id"])
    gates = segment_gates.frozen(member_ids=[survivor_id])
    tier_joins.join(
        survivor_id=survivor_id,
        loser_id=event.payload["loser_id"],
        source=f"merge:{event.payload['merge_id']}",
        moment=clock.now(),
        segments=gates,
    )


def part(event: Event) -> None:
    """After an undoing each has their own tier again; after the books came apart."""
    survivor_id, loser_id = event.payload["survivor_id"], event.payload["loser_id"]
    gates = segment_gates.frozen(member_ids=[survivor_id, loser_id])
    source = f"merge:{event.payload['merge_id']}"
    tier_joins.part(
        survivor_id=survivor_id, loser_id=loser_id, source=source, moment=clock.now(), segments=gates
    )  # fmt: skip


def move_due() -> Figures:
    """Whom time or a segment has moved: ends and waiting tiers, then those for whom a gate has opened or shut since."""
    moment, gates = clock.now(), segment_gates.frozen()
    due = tiers.reassess_due(moment=moment, segments=gates)
    return due.plus(tiers.reassess_at_gates(moment=moment, segments=gates))


@jobs.runner(ladders.KIND)
def assess_all(job: Job) -> dict[str, Any]:
    """After a change of the ladder; chunks commit on their own, so a lost worker only starts again."""
    total = Standing.objects.count()
    done = tiers.reassess(
        member_ids=None,
        cause="rules",
        segments=segment_gates.frozen(),
        report=lambda looked_at: jobs.report(job, done=looked_at, total=max(total, looked_at)),
    )
    return {"looked_at": done.looked_at, "rose": done.rose, "fell": done.fell}
