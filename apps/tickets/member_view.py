"""What a member sees of tickets: what may be asked for and until when, their own ones, the course of one, what they may do next."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.core import brand, clock
from apps.core.errors import DomainError, NotFound
from apps.core.files import documents
from apps.orders.models import Line, Order
from apps.stores import calendars
from apps.tickets import life
from apps.tickets import services as tickets
from apps.tickets.models import Attachment, Entry, Message, Ticket, TicketLine
from apps.tickets.services import Actor, NewTicket
from apps.tickets.settings import WINDOWS

MEMBER = Actor(life.MEMBER)
# What of a ticket's life the member is told, beside the words; handing it around among staff is not theirs.
TOLD = frozenset({*(name for moves in life.MOVES.values() for name in moves), "opened"}) - {"answer"}


@dataclass(frozen=True)
class Choice:
    """What may be asked for about an order: until when, or why not."""

    kind: str
    label: str
    last_day: date | None
    refusal: str = ""


@dataclass
class Step:
    """One thing that happened or was said, or both at one moment. `act`: a code of `life`, "said" where only words came."""

    act: str
    side: str
    who: str
    at: datetime
    text: str = ""
    channel: str = ""
    pictures: list[int] = field(default_factory=list)
    documents: list[int] = field(default_factory=list)


class _Looked(Exception):
    pass


def of_member(member_id: int) -> QuerySet[Any]:
    """Newest first, each with `is_unread`."""
    words = Message.objects.filter(ticket=OuterRef("pk"), is_internal=False).exclude(side=life.MEMBER)
    acts = Entry.objects.filter(ticket=OuterRef("pk"), act__in=TOLD).exclude(side=life.MEMBER)
    later = Q(at__gt=OuterRef("seen_at"))
    never = Q(seen_at=None)
    return (
        Ticket.objects.filter(member_id=member_id)
        .annotate(_words=Exists(words.filter(later)), _acts=Exists(acts.filter(later)), _any=Exists(words))
        .annotate(is_unread=Q(_words=True) | Q(_acts=True) | (never & Q(_any=True)))
        .select_related("order", "store")
        .order_by("-pk")
    )


def unread(member_id: int) -> int:
    """How many have something the member has not looked at."""
    return of_member(member_id).filter(is_unread=True).count()


def one(*, member_id: int, ticket_id: int) -> Ticket:
    """Raises NotFound for anybody else's."""
    found = Ticket.objects.select_related("order", "store", "into").filter(pk=ticket_id, member_id=member_id).first()
    if found is None:
        raise NotFound
    return found


def look(ticket: Ticket, *, moment: datetime) -> None:
    """The member has seen what there is by now."""
    Ticket.objects.filter(pk=ticket.pk).update(seen_at=moment)


def choices(order: Order | None, *, moment: datetime) -> list[Choice]:
    """Every kind, for this order, or without one."""
    return [_choice(kind, order, moment) for kind in Ticket.Kind]


def open_tickets(line_ids: Sequence[int]) -> dict[int, int]:
    """The open ticket of each line that has one."""
    rows = TicketLine.objects.filter(line_id__in=line_ids, is_open=True)
    return dict(rows.values_list("line_id", "ticket_id"))


def check(new: NewTicket) -> None:
    """Whether `services.open_ticket` would take it. Raises what that does; nothing stays."""
    try:
        with transaction.atomic():
            tickets.open_ticket(new, by=MEMBER)
            raise _Looked
    except _Looked:
        return


def share_cents(line: Line, quantity: Decimal | None) -> int:
    """What so many of it cost, in 分, and not more than is left of the line. None: all of it."""
    left = line.total_cents - line.refunded_cents
    if quantity is None:
        return left
    part = (Decimal(line.total_cents) * quantity / line.quantity).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return min(left, int(part))


def asked_cents(ticket: Ticket) -> dict[int, int]:
    """By line of the ticket, what was asked back at the most."""
    held = ticket.lines.select_related("line").order_by("pk")
    return {one.line_id: cents for one in held if (cents := share_cents(one.line, one.quantity)) > 0}


def moves(ticket: Ticket, *, moment: datetime) -> list[str]:
    """What the member may do by a button; answering is done by words."""
    names = life.legal(ticket.kind, ticket.state, by=life.MEMBER)
    if ticket.ended_at is None or moment - ticket.ended_at > tickets.REOPEN_WITHIN:
        names = [name for name in names if name != "reopen"]
    return [name for name in names if name != "answer"]


def course(ticket: Ticket) -> list[Step]:
    """What happened and what was said to the member or by them, newest first."""
    steps: dict[tuple[datetime, str], Step] = {}
    entries = Entry.objects.filter(ticket=ticket, act__in=TOLD).select_related("by").order_by("pk")
    for entry in entries:
        who = entry.by.name if entry.by else ""
        steps[entry.at, entry.side] = Step(entry.act, entry.side, who, entry.at)
    pictures, papers = _files(ticket)
    found: list[Step] = []
    said = Message.objects.filter(ticket=ticket, is_internal=False).select_related("by").order_by("pk")
    for row in said:
        step = steps.get((row.at, row.side))
        if step is None or step.text:
            step = Step("said", row.side, row.by.name if row.by else "", row.at)
            found.append(step)
        step.text, step.channel = row.text, row.channel
        step.pictures, step.documents = pictures.get(row.pk, []), papers.get(row.pk, [])
    found += steps.values()
    return sorted(found, key=lambda step: step.at, reverse=True)


def promise(ticket: Ticket) -> tuple[datetime | None, list[tuple[datetime, datetime]]]:
    """By when the member hears from us at the latest, and the hours of that day; None while it is their turn."""
    due = ticket.first_due_at or ticket.next_due_at or ticket.end_due_at
    return due, calendars.intervals(ticket.store_id, clock.local_date(due)) if due else []


def _files(ticket: Ticket) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Pictures and documents, by message."""
    held: tuple[dict[int, list[int]], dict[int, list[int]]] = ({}, {})
    rows = Attachment.objects.filter(message__ticket=ticket, message__is_internal=False).order_by("pk")
    for message_id, upload_id, media_type in rows.values_list("message_id", "upload_id", "upload__media_type"):
        held[media_type == documents.MEDIA_TYPE].setdefault(message_id, []).append(upload_id)
    return held


def _choice(kind: str, order: Order | None, moment: datetime) -> Choice:
    label = str(Ticket.Kind(kind).label)
    if kind not in life.ABOUT_LINES:
        return Choice(kind, label, None)
    if order is None:
        return Choice(kind, label, None, refusal="no_order")
    try:
        tickets.check_window(kind, order, moment)
    except DomainError as refusal:
        return Choice(kind, label, _last_day(kind, order), refusal=str(refusal))
    return Choice(kind, label, _last_day(kind, order))


def _last_day(kind: str, order: Order) -> date | None:
    if order.received_at is None:
        return None
    return clock.local_date(order.received_at) + timedelta(days=brand.read(WINDOWS)[kind])
