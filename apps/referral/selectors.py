"""What is read of invitations: a member's own friends and gains, the program's figures, advocates by reach and conversion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum

from apps.members import selectors as members
from apps.referral.models import Credit, Invite

MOST = 10_000  # rows of a CSV
Stage = Credit.Stage


@dataclass(frozen=True)
class Gains:
    """`friends`: all who came; `counting`: those whose first order was kept; `points` of these; `waiting` may still count."""

    friends: int
    waiting: int
    counting: int
    points: int


def friends_of(member_id: int) -> QuerySet[Credit]:
    """Newest first."""
    mine = Credit.objects.filter(advocate_id__in=members.family(member_id))
    return mine.select_related("friend").order_by("-pk")


def gains(member_id: int) -> Gains:
    mine = Credit.objects.filter(advocate_id__in=members.family(member_id))
    found = mine.aggregate(
        friends=Count("pk"),
        waiting=Count("pk", filter=Q(stage__in=[Stage.REGISTERED, Stage.WAITING])),
        counting=Count("pk", filter=Q(stage=Stage.KEPT)),
        points=Sum("points", filter=Q(stage=Stage.KEPT)),
    )
    return Gains(**{name: value or 0 for name, value in found.items()})


def invitation(slug: str) -> Invite | None:
    """The one that can be followed now."""
    return Invite.objects.select_related("member").filter(code__slug=slug, code__stopped_at=None).first()


def figures(*, since: datetime) -> dict[str, int]:
    """Friends who came since then, and what became of them."""
    found = Credit.objects.filter(registered_at__gte=since).aggregate(
        friends=Count("pk"),
        bought=Count("pk", filter=Q(order__isnull=False)),
        kept=Count("pk", filter=Q(stage=Stage.KEPT)),
        void=Count("pk", filter=Q(stage__in=[Stage.VOID, Stage.UNDONE])),
        points=Sum("points", filter=Q(stage=Stage.KEPT)),
        friend_points=Sum("friend_points", filter=Q(stage=Stage.KEPT)),
    )
    return {name: value or 0 for name, value in found.items()}


# Reach: people who opened the member's code. Of merged records the survivor counts.
_ADVOCATES = """
with reach as (
    select coalesce(m.merged_into_id, m.id) as who, sum(d.people) as people
    from referral_invite i join members_member m on m.id = i.member_id
    left join activity_codeday d on d.code_id = i.code_id
    group by 1
), brought as (
    select coalesce(m.merged_into_id, m.id) as who, count(*) as friends,
           count(*) filter (where c.order_id is not null) as bought, count(*) filter (where c.stage = 'kept') as kept,
           count(*) filter (where c.stage in ('void', 'undone')) as void,
           coalesce(sum(c.points) filter (where c.stage = 'kept'), 0) as points,
           coalesce(sum(o.net), 0) as net_cents
    from referral_credit c join members_member m on m.id = c.advocate_id
    cross join lateral (
        select sum(o.total_cents - o.refunded_cents) as net from orders_order o
        where o.member_id = c.friend_id and o.paid_at is not null and o.status <> 'cancelled'
    ) o
    group by 1
)
select r.who as member_id, m.nickname, m.member_no, m.tags, coalesce(r.people, 0)::bigint as people,
       coalesce(b.friends, 0) as friends, coalesce(b.bought, 0) as bought, coalesce(b.kept, 0) as kept,
       coalesce(b.void, 0) as void, coalesce(b.points, 0)::bigint as points, coalesce(b.net_cents, 0)::bigint as net_cents
from reach r join members_member m on m.id = r.who and m.status = 'active'
left join brought b on b.who = r.who
where (%(stores)s::bigint[] is null or m.home_store_id = any(%(stores)s))
  and (coalesce(r.people, 0) > 0 or coalesce(b.friends, 0) > 0)
order by {order}, r.who limit %(most)s
"""
ORDERS = {
    "kept": "coalesce(b.kept, 0) desc, coalesce(b.net_cents, 0) desc",
    "reach": "coalesce(r.people, 0) desc",
    "conversion": "coalesce(b.kept, 0)::float / greatest(coalesce(r.people, 0), coalesce(b.friends, 0), 1) desc",
    "money": "coalesce(b.net_cents, 0) desc",
}


def advocates(*, order: str = "kept", stores: Sequence[int] | None = None, most: int = 100) -> list[dict[str, Any]]:
    """Members whose code was opened or who brought somebody; with `conversion`, the share of the people reached who count."""
    with connection.cursor() as cursor:
        cursor.execute(
            _ADVOCATES.format(order=ORDERS[order]), {"stores": None if stores is None else list(stores), "most": most}
        )
        names = [column.name for column in cursor.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        reached = max(row["people"], row["friends"])
        row["conversion"] = row["kept"] / reached if reached else None
    return rows
