"""Tickets that belong together: one taken apart into two, two linked. (`services.merge` makes one of two.)"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.errors import NotFound, ValidationFailed
from apps.tickets import clocks, life
from apps.tickets import services as tickets
from apps.tickets.errors import WrongTarget
from apps.tickets.models import Link, Message, Ticket, TicketLine
from apps.tickets.services import Actor


@dataclass(frozen=True, kw_only=True)
class Part:
    """What leaves a ticket for a new one. `source` makes it once; the clocks of the new one run from its first words."""

    source: str
    kind: str
    title: str
    message_ids: Sequence[int]
    line_ids: Sequence[int] = ()


@transaction.atomic
def split(*, ticket_id: int, part: Part, by: Actor, moment: datetime | None = None) -> Ticket:
    """Words and lines go to a ticket of their own, linked with this one, which keeps some words. Raises NotFound, ValidationFailed,
    WrongTarget (an ended ticket)."""
    moment = moment or clock.now()
    ticket = tickets.locked(ticket_id)
    if found := Ticket.objects.filter(source=part.source).first():
        return found
    if ticket.state not in life.OPEN:
        raise WrongTarget
    words = list(Message.objects.filter(ticket=ticket, pk__in=part.message_ids).order_by("at", "pk"))
    lines = list(TicketLine.objects.filter(ticket=ticket, is_open=True, line_id__in=part.line_ids))
    _check(ticket, part, words, lines)
    made = Ticket.objects.create(
        member_id=ticket.member_id, order_id=ticket.order_id, store_id=ticket.store_id, assignee_id=ticket.assignee_id,
        kind=part.kind, priority=ticket.priority, title=part.title.strip(), channel=ticket.channel, source=part.source,
        tier_rank=ticket.tier_rank, created_at=words[0].at,
        asked_at=_waits_since(words), first_reply_at=_first_reply(words),
    )  # fmt: skip
    Message.objects.filter(pk__in=[row.pk for row in words]).update(ticket=made)
    for line in lines:
        line.delete()
        TicketLine.objects.create(ticket=made, line_id=line.line_id, quantity=line.quantity)
    clocks.set_clocks(made)
    made.save(update_fields=clocks.FIELDS)
    ticket.version += 1
    ticket.save(update_fields=["version"])
    tickets.note(ticket, "gave_off", by=by, moment=moment, after={"ticket": made.pk})
    tickets.note(made, "split_off", by=by, moment=moment, after={"ticket": ticket.pk})
    link(ticket_id=ticket.pk, other_id=made.pk, by=by, moment=moment)
    return made


@transaction.atomic
def link(*, ticket_id: int, other_id: int, by: Actor, moment: datetime | None = None) -> bool:
    """False: they were linked before. Raises NotFound, WrongTarget for a ticket and itself."""
    if ticket_id == other_id:
        raise WrongTarget
    rows = list(Ticket.objects.filter(pk__in=[ticket_id, other_id]).order_by("pk"))
    if len(rows) != 2:
        raise NotFound
    moment = moment or clock.now()
    _made, is_new = Link.objects.get_or_create(one=rows[0], other=rows[1], defaults={"at": moment})
    if is_new:
        for row, beside in (rows, reversed(rows)):
            tickets.note(row, "linked", by=by, moment=moment, after={"ticket": beside.pk})
    return is_new


@transaction.atomic
def unlink(*, ticket_id: int, other_id: int, by: Actor, moment: datetime | None = None) -> None:
    """Not linked: nothing happens."""
    one, other = sorted((ticket_id, other_id))
    if Link.objects.filter(one_id=one, other_id=other).delete()[0]:
        row = tickets.locked(ticket_id)
        tickets.note(row, "unlinked", by=by, moment=moment or clock.now(), after={"ticket": other_id})


def linked(ticket_id: int) -> list[int]:
    """The tickets beside it, in order."""
    pairs = Link.objects.filter(Q(one_id=ticket_id) | Q(other_id=ticket_id)).values_list("one_id", "other_id")
    return sorted(one if other == ticket_id else other for one, other in pairs)


def _check(ticket: Ticket, part: Part, words: Sequence[Message], lines: Sequence[TicketLine]) -> None:
    if len(words) != len(set(part.message_ids)) or len(lines) != len(set(part.line_ids)):
        raise NotFound
    errors = []
    if not words or len(words) == ticket.messages.count():
        errors.append(("/messages", _("Choose what goes, and leave something.")))
    if part.kind not in Ticket.Kind.values or (part.kind in life.ABOUT_LINES and not lines):
        errors.append(("/kind", _("Choose what it is about.")))
    if not 0 < len(part.title.strip()) <= 120:
        errors.append(("/title", _("Write 1 to 120 letters.")))
    if errors:
        raise ValidationFailed(
            errors=[{"pointer": pointer, "code": "invalid", "message": message} for pointer, message in errors]
        )


def _waits_since(words: Sequence[Message]) -> datetime | None:
    """Since when the member waits for words of ours, by what is said aloud."""
    since = None
    for row in words:
        if not row.is_internal:
            since = (since or row.at) if row.side == life.MEMBER else None
    return since


def _first_reply(words: Sequence[Message]) -> datetime | None:
    return next((row.at for row in words if row.side != life.MEMBER and not row.is_internal), None)
