"""Who works on a ticket: taken by hand, taken next, or given out in turn. A ticket has one person; nobody is given more than the cap.

Giving out asks, in this order: the guide of the member's newest kept order in the ticket's store; else service agents by whose turn it
is (who was given one longest ago). Only who can log in, is there, knows the ticket's skill, and has fewer open tickets than their card
or else `tickets.load` says. What is given out first: the more urgent, then the higher tier, then what is due first.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.core import audit, brand, clock
from apps.core.errors import NotFound, ValidationFailed
from apps.stores.models import Staff
from apps.tickets import changing, life, live
from apps.tickets import services as tickets
from apps.tickets.errors import TicketTaken
from apps.tickets.models import DeskCard, Ticket
from apps.tickets.services import Actor
from apps.tickets.settings import LOAD

AT_ONCE, MISSES, MOST_SKILLS = 200, 10, 12
_TURN = 7_490_081  # advisory: one giving out at a time, so that loads are what they seem
_NEXT = """
select t.id from tickets_ticket t
where t.ended_at is null and t.assignee_id is null and (%(stores)s::bigint[] is null or t.store_id = any(%(stores)s::bigint[]))
  and (t.skill = '' or t.skill = any(%(skills)s))
order by t.priority, t.tier_rank desc, t.due_at nulls last, t.id limit 1 for update skip locked
"""
_WAITING = """
select id, assignee_id from tickets_ticket where ended_at is null and assignee_id is null and state <> all(%(paused)s)
order by priority, tier_rank desc, due_at nulls last, id limit %(limit)s
"""
# Whoever is away or gone, and has what waits for words of ours.
_LEFT = """
select t.id, t.assignee_id from tickets_ticket t join stores_staff c on c.id = t.assignee_id
left join tickets_deskcard d on d.staff_id = c.id
where t.ended_at is null and t.state <> all(%(paused)s)
  and (not c.is_active or c.user_id is null or d.away_until > %(moment)s)
order by t.priority, t.due_at nulls last, t.id limit %(limit)s
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
left join tickets_deskcard d on d.staff_id = c.id
left join lateral (
    select max(e.id) as last from tickets_entry e
    where e.act in ('given', 'taken', 'spared') and (e.after ->> 'assignee_id')::bigint = c.id
) turn on true
where c.is_active and c.user_id is not null
  and coalesce(load.open, 0) < coalesce(d.load, %(cap)s)
  and (d.away_until is null or d.away_until <= %(moment)s) and (%(skill)s = '' or %(skill)s = any(d.skills))
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
    card = DeskCard.objects.filter(staff_id=staff_id).first()
    found = _rows(_NEXT, {"stores": store_ids, "skills": card.skills if card else []})
    if not found:
        return None
    ticket = Ticket.objects.get(pk=found[0][0])
    _give(ticket, staff_id, act="taken", by=Actor("agent", staff_id), moment=moment or clock.now())
    return ticket


@transaction.atomic
def give_out(*, ticket_id: int, moment: datetime | None = None) -> int | None:
    """To whom it went; None when it is somebody's already, or everybody has as many as they may."""
    return _give_to_next(ticket_id, act="given", moment=moment or clock.now(), was=None)


def give_all(*, moment: datetime | None = None) -> int:
    """What lies with nobody, as far as there is room, and what is with people who are away. Returns how many found somebody."""
    moment, given, missed = moment or clock.now(), 0, 0
    values = {"paused": sorted(life.PAUSED), "moment": moment, "limit": AT_ONCE}
    for ticket_id, was in [*_rows(_WAITING, values), *_rows(_LEFT, values)]:
        act = "given" if was is None else "spared"
        if _give_to_next(ticket_id, act=act, moment=moment, was=was) is not None:
            given, missed = given + 1, 0
        elif (missed := missed + 1) == MISSES:
            break  # everybody is full
    return given


@transaction.atomic
def _give_to_next(ticket_id: int, *, act: str, moment: datetime, was: int | None) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_TURN])
        ticket = Ticket.objects.select_for_update().filter(pk=ticket_id, ended_at=None, assignee=was).first()
        if ticket is None:
            return None
        asked = {"member": ticket.member_id, "store": ticket.store_id, "skill": ticket.skill, "moment": moment}
        cursor.execute(_WHO, asked | {"cap": brand.read(LOAD)})
        row = cursor.fetchone()
    if row is None:
        return None
    _give(ticket, row[0], act=act, by=tickets.HOUSE, moment=moment)
    return int(row[0])


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def _give(ticket: Ticket, staff_id: int, *, act: str, by: Actor, moment: datetime) -> None:
    ticket.assignee_id = staff_id
    ticket.version += 1
    ticket.save(update_fields=["assignee", "version"])
    tickets.note(ticket, act, by=by, moment=moment, after={"assignee_id": staff_id})
    live.tell(ticket_id=ticket.pk, store_id=ticket.store_id)


@transaction.atomic
def set_card(
    *, staff_id: int, skills: Sequence[str], load: int | None = None, away_until: datetime | None = None
) -> DeskCard:
    """How somebody works at the desk. Raises ValidationFailed, NotFound."""
    if not Staff.objects.filter(pk=staff_id).exists():
        raise NotFound
    known = sorted({one.strip() for one in skills if one.strip()})
    if len(known) > MOST_SKILLS or not all(changing.fits("skill", one) for one in known):
        message = _("A skill is one word of up to 30 letters; twelve at most.")
        raise ValidationFailed(errors=[{"pointer": "/skills", "code": "invalid", "message": message}])
    if load is not None and not 0 <= load <= 1_000:
        raise ValidationFailed(errors=[{"pointer": "/load", "code": "invalid", "message": _("0 to 1,000 tickets.")}])
    audit.sign()
    values = {"skills": known, "load": load, "away_until": away_until}
    return DeskCard.objects.update_or_create(staff_id=staff_id, defaults=values)[0]
