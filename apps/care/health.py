"""How each channel stands, and what failed for good: for the console."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from apps.care.models import Channel, Lane, Touch
from apps.core import brand

HOUR = timedelta(hours=1)
_LOOK_BACK = timedelta(days=3)  # nearly all settle within a day of the decision
_FIGURES = """
    select channel,
        count(*) filter (where state in ('sent', 'delivered') and settled_at > %(hour)s),
        count(*) filter (where state = 'failed' and settled_at > %(hour)s),
        count(*) filter (where state = 'unknown'),
        count(*) filter (where settled_at is null and send_at <= %(moment)s and state = 'planned')
    from care_touch where decided_at > %(since)s group by channel
"""
_COST = """
    select t.channel, coalesce(sum(a.units), 0), coalesce(sum(a.cost_cents), 0)
    from care_attempt a join care_touch t on t.id = a.touch_id
    where t.decided_at > %(month)s and a.cost_cents > 0 group by t.channel
"""


@dataclass(frozen=True)
class Standing:
    """A channel now. Counts of the last hour; `units` and `cost_cents` (分) of the last 30 days' decisions."""

    channel: str
    circuit: str
    changed_at: datetime | None
    trouble: str
    a_minute: int | None
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    due: int = 0
    units: int = 0
    cost_cents: int = 0


@dataclass(frozen=True)
class DeadLetter:
    touch_id: int
    member_id: int
    member_no: str
    policy: str
    channel: str
    reason: str
    tries: int
    settled_at: datetime | None


def standings(*, moment: datetime) -> list[Standing]:
    times = {
        "hour": moment - HOUR,
        "since": moment - _LOOK_BACK,
        "moment": moment,
        "month": moment - timedelta(days=30),
    }
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, times)
        figures = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(_COST, times)
        costs = {row[0]: row[1:] for row in cursor.fetchall()}
    lanes, most = Lane.objects.in_bulk(), brand.read("care.throttle")
    found = []
    for channel in Channel.values:
        lane = lanes.get(channel) or Lane(channel=channel)
        sent, failed, unknown, due = figures.get(channel, (0, 0, 0, 0))
        units, cost = costs.get(channel, (0, 0))
        found.append(
            Standing(
                channel, lane.circuit, lane.changed_at, lane.trouble, most.get(channel), sent, failed, unknown, due, units, cost
            )
        )  # fmt: skip
    return found


def dead_letters(*, limit: int) -> list[DeadLetter]:
    """The newest decisions that failed for certain."""
    rows = Touch.objects.filter(state=Touch.State.FAILED).order_by("-pk")[:limit]
    return [
        DeadLetter(*row)
        for row in rows.values_list(
            "pk", "member_id", "member__member_no", "policy__name", "channel", "reason", "tries", "settled_at"
        )
    ]
