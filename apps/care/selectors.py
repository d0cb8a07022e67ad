"""Reads on care for pages and commands."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Min, Q, QuerySet

from apps.care.models import Channel, Touch
from apps.care.planning import Plan

PAGE = 2000
_PATH = """'$.** ? (@.field == "tags").value[*] ? (@ == $name)'"""
_ASKING = f"""
select p.name from care_policy p left join care_version v on v.policy_id = p.id and v.number = p.version
 where jsonb_path_exists(p.draft, {_PATH}, %s::jsonb) or jsonb_path_exists(v.audience, {_PATH}, %s::jsonb) order by p.name
"""


@dataclass(frozen=True)
class Decision:
    """One touch of a run. `member_no` is the brand's number, not a phone."""

    member_no: str
    policy: str
    channel: str
    state: str
    reason: str
    send_at: datetime | None


@dataclass(frozen=True)
class Queue:
    """How sending stands. `oldest_at`: since when the longest waiting due touch is due."""

    due: int
    waiting: int
    sending: int
    unknown: int
    oldest_at: datetime | None
    settled_last_hour: int


def decisions(plan: Plan, *, limit: int | None = None) -> Iterator[Decision]:
    """The touches of a run in the order of their making, a page in memory at a time."""
    after, left = plan.after_touch, limit
    while left is None or left > 0:
        rows = list(
            Touch.objects.filter(pk__gt=after, pk__lte=plan.last_touch)
            .order_by("pk")
            .values_list("pk", "member__member_no", "policy__key", "channel", "state", "reason", "send_at")[
                : PAGE if left is None else min(PAGE, left)
            ]
        )
        if not rows:
            return
        yield from (Decision(*row[1:]) for row in rows)
        after = rows[-1][0]
        left = None if left is None else left - len(rows)


def queue(*, moment: datetime) -> Queue:
    due = Q(state=Touch.State.PLANNED, send_at__lte=moment)
    found = Touch.objects.filter(settled_at=None, channel__in=Channel.values).aggregate(
        due=Count("pk", filter=due),
        waiting=Count("pk", filter=Q(state=Touch.State.PLANNED)),
        sending=Count("pk", filter=Q(state=Touch.State.SENDING)),
        unknown=Count("pk", filter=Q(state=Touch.State.UNKNOWN)),
        oldest_at=Min("send_at", filter=due),
    )
    settled = Touch.objects.filter(
        decided_at__gt=moment - timedelta(days=3),  # nearly all settle within a day of the decision
        settled_at__gt=moment - timedelta(hours=1),
        state__in=[Touch.State.SENT, Touch.State.DELIVERED, Touch.State.FAILED],
    )
    return Queue(**found, settled_last_hour=settled.count())


def of_member(*, member_id: int) -> QuerySet[Touch]:
    """A member's touches, newest first, with their policy and attempts."""
    rows = Touch.objects.filter(member_id=member_id).order_by("-pk")
    return rows.select_related("policy", "version").prefetch_related("attempts")


def policies_asking_for_tag(name: str) -> list[str]:
    """Names of policies whose draft or newest published audience asks for a tag."""
    with connection.cursor() as cursor:
        cursor.execute(_ASKING, [json.dumps({"name": name})] * 2)
        return [row[0] for row in cursor.fetchall()]
