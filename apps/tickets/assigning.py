"""Who works on a ticket: taken by hand, taken next, or given out in turn. A ticket has one person; nobody is given more than the cap.

Giving out asks, in this order: the guide of the member's newest kept order in the ticket's store; else service agents by whose turn it
is (who was given one longest ago). Only who can log in and has fewer open tickets than `tickets.load`.
"""

from datetime import datetime

from django.db import connection, transaction

from apps.core import brand, clock
from apps.core.errors import NotFound
from apps.tickets import services as tickets
from apps.tickets.errors import TicketTaken
from apps.tickets.models import Ticket
from apps.tickets.services import Actor
from apps.tickets.settings import LOAD

_TURN = 7_490_081  # advisory: one giving out at a time, so that loads are what they seem
_NEXT = """
select t.id from tickets_ticket t
where t.ended_at is null and t.assignee_id is null and (%(stores)s::bigint[] is null or t.store_id = any(%(stores)s::bigint[]))
order by t.priority, t.due_at nulls last, t.id limit 1 for update skip locked
"""
_WHO = """
with load as (select assignee_id, count(*) as open from tickets_ticket where ended_at is null and assignee_id is not null group by 1),
own as (
    select c.id from orders_order o join stores_staff c on c.id = o.guide_id
    where o.member_id = %(member)s and o.paid_at is not null and o.status <> 'cancelled' and o.refunded_cents < o.total_cents
      and c.store_id = %(store)s and c.is_active and c.user_id is not null
    order by o.paid_at desc limit 1
)
select c.id from stores_staff c
left join load on load.assignee_id = c.id
left join lateral (
    select max(e.id) as last from tickets_entry e where e.act in ('given', 'taken') and (e.after ->> 'assignee_id')::bigint = c.id
) turn on true
where c.is_active and c.user_id is not null and coalesce(load.open, 0) < %(cap)s
  and (c.id in (select id from own) or c.role = 'agent')
order by (c.id in (select id from own)) desc, turn.last nulls first, c.id limit 1
"""


@transaction.atomic
def take(*, ticket_id: int, staff_id: int, moment: datetime | None = None) -> Ticket:
    """Raises TicketTaken when somebody else has it; again by the same person it is a no-op."""
    ticket = Ticket.objects.select_for_update().filter(pk=ticket_id, ended_at=None).first()
    if ticket is None:
        raise NotFound
    if ticket.assignee_id not in {None, staff_id}:
        raise TicketTaken
    if ticket.assignee_id is None:
        _give(ticket, staff_id, act="taken", by=Actor("agent", staff_id), moment=moment or clock.now())
    return ticket


@transaction.atomic
def take_next(*, staff_id: int, store_ids: list[int] | None, moment: datetime | None = None) -> Ticket | None:
    """The most pressing one that nobody has, of these stores (None: of all); None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, {"stores": store_ids})
        row = cursor.fetchone()
    if row is None:
        return None
    ticket = Ticket.objects.get(pk=row[0])
    _give(ticket, staff_id, act="taken", by=Actor("agent", staff_id), moment=moment or clock.now())
    return ticket


@transaction.atomic
def give_out(*, ticket_id: int, moment: datetime | None = None) -> int | None:
    """To whom it went; None when it is somebody's already, or everybody has as many as they may."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_TURN])
        ticket = Ticket.objects.select_for_update().filter(pk=ticket_id, ended_at=None, assignee=None).first()
        if ticket is None:
            return None
        cursor.execute(_WHO, {"member": ticket.member_id, "store": ticket.store_id, "cap": brand.read(LOAD)})
        row = cursor.fetchone()
    if row is None:
        return None
    _give(ticket, row[0], act="given", by=tickets.HOUSE, moment=moment or clock.now())
    return int(row[0])


def _give(ticket: Ticket, staff_id: int, *, act: str, by: Actor, moment: datetime) -> None:
    ticket.assignee_id = staff_id
    ticket.version += 1
    ticket.save(update_fields=["assignee", "version"])
    tickets.note(ticket, act, by=by, moment=moment, after={"assignee_id": staff_id})
