"""What time does to tickets: warned of, missed, closed. Each rule one statement, safe to repeat; a promise is told of once.

How long before and after a promise is business time of the ticket's store, too: what is due at ten in the morning is warned of while
somebody can still answer it the evening before.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.core import brand, clock
from apps.core.errors import DomainError
from apps.events import services as events
from apps.stores import calendars
from apps.stores.calendars import Calendar
from apps.stores.models import Role
from apps.tickets import assigning, life
from apps.tickets import services as tickets
from apps.tickets.models import Ticket
from apps.tickets.settings import ESCALATE, RAISE, WARN

DUE_SOON, MISSED, RAISED = "ticket.due_soon", "ticket.missed", "ticket.raised"
CHUNK = 5_000
# `edges`: by store, and for the house (0), up to which promise; `furthest` where a store has none.
_MARK = """
with edges as (select * from unnest(%(stores)s::bigint[], %(edges)s::timestamptz[]) e (store_id, edge)),
found as materialized (
    select t.id from tickets_ticket t left join edges e on e.store_id = coalesce(t.store_id, 0)
    where t.ended_at is null and t.due_at <= %(furthest)s and t.due_at <= coalesce(e.edge, %(furthest)s)
      and t.{column} is distinct from t.due_at
    order by t.due_at limit %(limit)s for update of t skip locked
),
marked as (update tickets_ticket t set {column} = t.due_at from found where t.id = found.id returning t.id, t.due_at),
told as (
    insert into tickets_entry (ticket_id, act, side, at, before, after)
    select id, %(act)s, 'house', %(moment)s, '{{}}', jsonb_build_object('due_at', due_at) from marked
)
select id from marked order by id
"""
# To the first of the store's managers, or of those of its region.
_HAND_UP = """
with found as materialized (
    select t.id, (
        select c.id from stores_staff c left join stores_store o on o.id = t.store_id
        where c.role = %(role)s and c.is_active and c.user_id is not null
          and (c.store_id = t.store_id or (c.role = 'region_manager' and c.region_id = o.region_id)) order by c.id limit 1
    ) as who
    from tickets_ticket t where t.id = any(%(ids)s)
),
moved as (
    update tickets_ticket t set assignee_id = f.who, version = t.version + 1
    from found f where t.id = f.id and f.who is not null and t.assignee_id is distinct from f.who returning t.id, t.assignee_id
)
insert into tickets_entry (ticket_id, act, side, at, before, after)
select id, 'escalated', 'house', %(moment)s, '{}', jsonb_build_object('assignee_id', assignee_id) from moved order by id
"""


def tick(*, moment: datetime | None = None) -> dict[str, int]:
    """All rules until nothing is left. Returns how many of each."""
    moment = moment or clock.now()
    warn = timedelta(minutes=brand.read(WARN))
    ahead = _edges(lambda calendar: calendar.after(moment, warn), otherwise=moment)
    figures = {"missed": 0, "raised": 0, "warned": 0, "closed": close_resolved(moment=moment)}
    while chunk := miss(moment=moment):
        figures["missed"] += chunk
    while chunk := raise_missed(moment=moment):
        figures["raised"] += chunk
    while near := _mark("warned_due", DUE_SOON, "warned", edges=ahead, moment=moment):
        figures["warned"] += len(near)
    return figures | {"given": assigning.give_all(moment=moment)}


@transaction.atomic
def miss(*, moment: datetime) -> int:
    """Promises that were not kept: told once each; to the store's manager where the brand wants it, else only told."""
    found = _mark("missed_due", MISSED, "missed", edges={}, moment=moment)
    _hand_up(found, role=Role.MANAGER, moment=moment)
    return len(found)


@transaction.atomic
def raise_missed(*, moment: datetime) -> int:
    """Promises that were missed so many minutes of business time ago and are not kept yet: told once each; to the manager of the
    store's region where the brand hands things up."""
    late = timedelta(minutes=brand.read(RAISE))
    if not late:
        return 0
    edges = _edges(lambda calendar: calendar.before(moment, late), otherwise=moment - late)
    found = _mark("raised_due", RAISED, "raised", edges=edges, moment=moment)
    _hand_up(found, role=Role.REGION_MANAGER, moment=moment)
    return len(found)


def _hand_up(ids: list[int], *, role: str, moment: datetime) -> None:
    if ids and brand.read(ESCALATE) == "manager":
        with connection.cursor() as cursor:
            cursor.execute(_HAND_UP, {"ids": ids, "role": role, "moment": moment})


def close_resolved(*, moment: datetime) -> int:
    """What was resolved and not opened again in time is closed."""
    edge = moment - tickets.REOPEN_WITHIN
    rows = Ticket.objects.filter(state=life.RESOLVED, ended_at__lt=edge).order_by("pk").values_list("pk", flat=True)
    closed = 0
    for key in rows[:CHUNK]:
        try:
            tickets.move(ticket_id=key, move="close", by=tickets.HOUSE, moment=moment)
        except DomainError:
            continue  # opened again, or closed, this very moment
        closed += 1
    return closed


def set_rank(*, member_id: int, rank: int) -> int:
    """The tier of a member, on their open tickets. Returns how many moved."""
    return Ticket.objects.filter(member_id=member_id, ended_at=None).exclude(tier_rank=rank).update(tier_rank=rank)


def _edges(of: Callable[[Calendar], datetime | None], *, otherwise: datetime) -> dict[int, datetime]:
    """By the calendar of each store that has open tickets; `otherwise` where it never opens."""
    stores = Ticket.objects.filter(ended_at=None).order_by().values_list("store_id", flat=True).distinct()
    return {key or 0: of(calendar) or otherwise for key, calendar in calendars.of_stores(list(stores)).items()}


@transaction.atomic
def _mark(column: str, fact: str, act: str, *, edges: dict[int, datetime], moment: datetime) -> list[int]:
    values: dict[str, Any] = {
        "stores": list(edges), "edges": list(edges.values()), "furthest": max(edges.values(), default=moment), "moment": moment,
        "limit": CHUNK, "act": act,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_MARK.format(column=column), values)
        found = [row[0] for row in cursor.fetchall()]
    if found:
        events.publish_many(
            fact,
            query=f"""select t.id || ':' || extract(epoch from t.due_at) as key, 'member:' || t.member_id as lane,
                jsonb_build_object('ticket_id', t.id, 'member_id', t.member_id, 'kind', t.kind, 'state', t.state,
                    'due_at', t.due_at, 'assignee_id', t.assignee_id) as payload
                from tickets_ticket t where t.id in ({",".join(map(str, found))}) order by t.id""",
        )
    return found
