"""Every write of tickets: opened, said, moved, changed, merged. Who may see a ticket the door has checked.

Whoever acts locks the ticket's row first, so two acts of one moment follow one another. Words are never refused for a stale page
(`say` asks for no version): what two people write at once both stands.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.core import brand, clock
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.events import services as events
from apps.orders.models import Line, Order
from apps.tickets import changing, clocks, life, live
from apps.tickets.errors import (
    LineInTicket,
    MoveRefused,
    NotReceived,
    ReopenOver,
    TicketChanged,
    WindowOver,
    WrongQuantity,
    WrongTarget,
)
from apps.tickets.models import Entry, Message, Ticket, TicketLine
from apps.tickets.settings import WINDOWS

OPENED, MOVED, SAID, CHANGED = "ticket.opened", "ticket.moved", "ticket.said", "ticket.changed"
REOPEN_WITHIN = timedelta(days=7)
AT_ONCE = 200


@dataclass(frozen=True)
class Actor:
    """Who acts: a side of `life`, and the staff card behind it. `chain`: the automations that led here, first to last."""

    side: str
    staff_id: int | None = None
    chain: tuple[int, ...] = ()


HOUSE = Actor(life.HOUSE)


@dataclass(frozen=True, kw_only=True)
class NewTicket:
    """`source` makes it once. `line_ids`: order lines of one order of the member; a must for kinds of `life.ABOUT_LINES`.

    `quantities` by line: how many of it; a line that is not named is meant whole.
    """

    source: str
    member_id: int
    kind: str
    title: str
    text: str
    line_ids: Sequence[int] = ()
    quantities: Mapping[int, Decimal] = field(default_factory=dict)
    store_id: int | None = None
    channel: str = "portal"
    priority: int = Ticket.Priority.NORMAL


@transaction.atomic
def open_ticket(new: NewTicket, *, by: Actor, moment: datetime | None = None) -> Ticket:
    """Again with the same source: the same ticket. Raises ValidationFailed, NotFound, NotReceived, WindowOver, LineInTicket."""
    moment = moment or clock.now()
    if found := Ticket.objects.filter(source=new.source).first():
        return found
    _check_words(new)
    order = _order_of(new, moment)
    ticket = Ticket.objects.create(
        source=new.source, member_id=new.member_id, kind=new.kind, title=new.title.strip(), channel=new.channel,
        order=order, store_id=new.store_id or (order.store_id if order else None), priority=new.priority,
        created_at=moment, asked_at=moment,
    )  # fmt: skip
    _hold_lines(ticket, new.line_ids, new.quantities)
    clocks.set_clocks(ticket)
    ticket.save(update_fields=clocks.FIELDS)
    _write(ticket, by=by, text=new.text, source=f"{new.source}:first", moment=moment, channel=new.channel)
    note(ticket, "opened", by=by, moment=moment, after={"kind": ticket.kind, "priority": ticket.priority})
    _tell(OPENED, ticket, key=str(ticket.pk), by=by)
    return ticket


@transaction.atomic
def say(
    *,
    ticket_id: int,
    by: Actor,
    text: str,
    source: str,
    is_internal: bool = False,
    channel: str = "",
    move: str = "",
    moment: datetime | None = None,
) -> Message:
    """Words, and with `move` what they do, in one step: an answer that also moves the ticket has answered in time all the same.

    A member who writes while it is their turn hands the turn back; to a ticket that is done, they open it again; to a merged one, the
    words go where it goes on. The same source again is the same words. Raises MoveRefused, ReopenOver, LineInTicket.
    """
    moment = moment or clock.now()
    ticket = locked(_goes_on(ticket_id) if by.side == life.MEMBER else ticket_id)
    if earlier := Message.objects.filter(source=source).first():
        return earlier
    if not 0 < len(text.strip()) <= 4_000:
        raise ValidationFailed(errors=[_error("/text", _("Write 1 to 4,000 letters."))])
    said = _write(
        ticket, by=by, text=text, source=source, moment=moment, is_internal=is_internal, channel=channel
    )  # fmt: skip
    if not is_internal:
        _answered(ticket, by=by, moment=moment)
    if move := move or _by_words(ticket, by):
        _move(ticket, move, by=by, moment=moment)
    clocks.set_clocks(ticket)
    ticket.save(update_fields=["asked_at", "first_reply_at", *clocks.FIELDS])
    live.tell(ticket_id=ticket.pk, store_id=ticket.store_id)
    if not is_internal:
        _tell(SAID, ticket, key=str(said.pk), by=by, message_id=said.pk, side=by.side)
    return said


@transaction.atomic
def move(*, ticket_id: int, move: str, by: Actor, version: int | None = None, moment: datetime | None = None) -> Ticket:
    """`version`: what the page showed, None where it does not matter. Raises MoveRefused, TicketChanged, ReopenOver, LineInTicket."""
    moment = moment or clock.now()
    ticket = locked(ticket_id, version=version)
    _move(ticket, move, by=by, moment=moment)
    clocks.set_clocks(ticket)
    ticket.save(update_fields=clocks.FIELDS)
    return ticket


@transaction.atomic
def change(
    *, ticket_id: int, values: Mapping[str, Any], by: Actor, version: int | None = None, moment: datetime | None = None
) -> Ticket:
    """Some of `changing.NAMES`: each is a line of its life; the clocks follow. Raises TicketChanged, MoveRefused, ValidationFailed."""
    moment = moment or clock.now()
    ticket = locked(ticket_id, version=version)
    if ticket.ended_at is not None:
        raise MoveRefused(
            move="change", ticket_state=ticket.state, legal_moves=life.legal(ticket.kind, ticket.state, by=by.side)
        )
    known = changing.checked(ticket, values)
    before = {name: getattr(ticket, name) for name in known if getattr(ticket, name) != known[name]}
    if not before:
        return ticket
    for name in before:
        setattr(ticket, name, known[name])
    ticket.version += 1
    clocks.set_clocks(ticket)
    ticket.save(update_fields=[*before, "version", *clocks.FIELDS])
    after = {name: known[name] for name in before}
    note(ticket, "changed", by=by, moment=moment, before=changing.told(before), after=changing.told(after))
    _tell(CHANGED, ticket, key=f"{ticket.pk}:{ticket.version}", by=by, names=sorted(before))
    return ticket


@transaction.atomic
def merge(*, ticket_id: int, into_id: int, by: Actor, moment: datetime | None = None) -> Ticket:
    """What was said and the lines go to the other ticket; this one stands still and is due no more. Raises WrongTarget, MoveRefused."""
    moment = moment or clock.now()
    both = {
        row.pk: row for row in Ticket.objects.select_for_update().filter(pk__in=[ticket_id, into_id]).order_by("pk")
    }
    gone, kept = both.get(ticket_id), both.get(into_id)
    if gone is None or kept is None:
        raise NotFound
    if gone.pk == kept.pk or gone.member_id != kept.member_id or kept.state not in life.OPEN:
        raise WrongTarget
    held = dict(TicketLine.objects.filter(ticket=gone, is_open=True).values_list("line_id", "quantity"))
    asked_at, gone.into = gone.asked_at, kept
    _move(gone, "merge", by=by, moment=moment)
    clocks.set_clocks(gone)
    gone.save(update_fields=clocks.FIELDS)
    Message.objects.filter(ticket=gone).update(ticket=kept)
    _hold_lines(kept, list(held), {key: some for key, some in held.items() if some is not None})
    kept.asked_at = min((at for at in (asked_at, kept.asked_at) if at), default=None)
    kept.version += 1
    clocks.set_clocks(kept)
    kept.save(update_fields=["asked_at", "version", *clocks.FIELDS])
    note(kept, "took_in", by=by, moment=moment, after={"ticket": gone.pk})
    return kept


def bulk(*, ticket_ids: Sequence[int], act: Callable[[int], object]) -> list[tuple[int, DomainError | None]]:
    """One act for up to 200, each in its own transaction; (ticket, what refused it or None) for each. Raises ValidationFailed above."""
    if not 0 < len(ticket_ids) <= AT_ONCE:
        raise ValidationFailed(errors=[_error("/ids", _("1 to %(most)s tickets at once.") % {"most": AT_ONCE})])
    results: list[tuple[int, DomainError | None]] = []
    for key in dict.fromkeys(ticket_ids):
        try:
            with transaction.atomic():
                act(key)
        except DomainError as refusal:
            results.append((key, refusal))
        else:
            results.append((key, None))
    return results


def _move(ticket: Ticket, name: str, *, by: Actor, moment: datetime) -> None:
    """State, pause, end and lines; the caller sets the clocks."""
    found = life.MOVES[ticket.kind].get(name)
    is_alone = name == "merge" and ticket.into is None  # nobody would ever find its words again
    if found is None or by.side not in found.by or ticket.state not in found.before or is_alone:
        legal = life.legal(ticket.kind, ticket.state, by=by.side)
        raise MoveRefused(move=name, ticket_state=ticket.state, legal_moves=legal)
    if name == "reopen" and ticket.ended_at and moment - ticket.ended_at > REOPEN_WITHIN:
        raise ReopenOver(days=REOPEN_WITHIN.days)
    before, was_open = ticket.state, ticket.state in life.OPEN
    ticket.state = found.after
    is_open = ticket.state in life.OPEN
    if was_open != is_open:
        ticket.ended_at = None if is_open else moment
        _set_lines(ticket, is_open=is_open)
    if ticket.state in life.PAUSED or not is_open:
        clocks.begin_pause(ticket, moment=moment)
        if before not in life.PAUSED and by.side != life.MEMBER:
            ticket.asked_at = None  # the turn is the member's
    else:
        clocks.end_pause(ticket, moment=moment)
    if not is_open:
        ticket.due_at = None
    ticket.version += 1
    ticket.save(update_fields=["state", "ended_at", "version", "asked_at", "into", "due_at"])
    note(ticket, name, by=by, moment=moment, before={"state": before}, after={"state": ticket.state})
    _tell(MOVED, ticket, key=f"{ticket.pk}:{ticket.version}", by=by, move=name)


def _by_words(ticket: Ticket, by: Actor) -> str:
    """What a member's words do besides being said: nobody looks for new words in what has ended."""
    if by.side != life.MEMBER:
        return ""
    if ticket.state not in life.OPEN:
        return "reopen"
    return "answer" if "answer" in life.legal(ticket.kind, ticket.state, by=life.MEMBER) else ""


def _goes_on(ticket_id: int) -> int:
    """Where a merged ticket goes on, maybe over several merges."""
    while (into := Ticket.objects.filter(pk=ticket_id).values_list("into_id", flat=True).first()) is not None:
        ticket_id = into
    return ticket_id


def _answered(ticket: Ticket, *, by: Actor, moment: datetime) -> None:
    """Whose turn it is after public words."""
    if by.side == life.MEMBER:
        ticket.asked_at = ticket.asked_at or moment
    if by.side == life.MEMBER or by.chain:  # what a machine says answers nobody
        return
    ticket.first_reply_at = ticket.first_reply_at or moment
    ticket.asked_at = None


def _order_of(new: NewTicket, moment: datetime) -> Order | None:
    if new.kind in life.ABOUT_LINES and not new.line_ids:
        raise ValidationFailed(errors=[_error("/lines", _("Choose what it is about."))])
    lines = list(Line.objects.filter(pk__in=new.line_ids, order__member_id=new.member_id).select_related("order"))
    if len(lines) != len(set(new.line_ids)) or len({line.order_id for line in lines}) > 1:
        raise NotFound
    if not lines:
        return None
    order = lines[0].order
    for line in lines:
        if (some := new.quantities.get(line.pk)) is not None and not 0 < some <= line.quantity:
            raise WrongQuantity
    if new.kind in life.ABOUT_LINES:
        check_window(new.kind, order, moment)
    return order


def check_window(kind: str, order: Order, moment: datetime) -> None:
    """Days are of the shop's calendar: seven days from the 1st end with the 8th. Money may be asked back before the goods came.

    Raises NotReceived, WindowOver.
    """
    if order.received_at is None:
        if kind in life.WITH_GOODS or order.paid_at is None:
            raise NotReceived
        return
    days = brand.read(WINDOWS)[kind]
    if (clock.local_date(moment) - clock.local_date(order.received_at)).days > days:
        raise WindowOver(days=days)


def _hold_lines(ticket: Ticket, line_ids: Sequence[int], quantities: Mapping[int, Decimal] | None = None) -> None:
    try:
        with transaction.atomic():
            for key in line_ids:
                values = {"is_open": True, "quantity": (quantities or {}).get(key)}
                TicketLine.objects.update_or_create(ticket=ticket, line_id=key, defaults=values)
    except IntegrityError:
        raise LineInTicket from None


def _set_lines(ticket: Ticket, *, is_open: bool) -> None:
    try:
        with transaction.atomic():
            TicketLine.objects.filter(ticket=ticket).update(is_open=is_open)
    except IntegrityError:
        raise LineInTicket from None


def locked(ticket_id: int, *, version: int | None = None) -> Ticket:
    ticket = Ticket.objects.select_for_update().filter(pk=ticket_id).first()
    if ticket is None:
        raise NotFound
    if version is not None and version != ticket.version:
        raise TicketChanged(version=ticket.version)
    return ticket


def _check_words(new: NewTicket) -> None:
    errors = []
    if new.kind not in Ticket.Kind.values:
        errors.append(_error("/kind", _("Choose one of the list.")))
    if not 0 < len(new.title.strip()) <= 120:
        errors.append(_error("/title", _("Write 1 to 120 letters.")))
    if not 0 < len(new.text.strip()) <= 4_000:
        errors.append(_error("/text", _("Write 1 to 4,000 letters.")))
    if errors:
        raise ValidationFailed(errors=errors)


def _write(
    ticket: Ticket, *, by: Actor, text: str, source: str, moment: datetime, is_internal: bool = False, channel: str = ""
) -> Message:
    return Message.objects.create(
        ticket=ticket,
        side=by.side,
        by_id=by.staff_id,
        text=text.strip(),
        source=source,
        at=moment,
        is_internal=is_internal,
        channel=channel,
    )


def note(
    ticket: Ticket,
    act: str,
    *,
    by: Actor,
    moment: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    Entry.objects.create(
        ticket=ticket, act=act, side=by.side, by_id=by.staff_id, at=moment, before=before or {}, after=after or {}
    )


def _tell(name: str, ticket: Ticket, *, key: str, by: Actor, **more: Any) -> None:
    if by.chain:
        more["chain"] = list(by.chain)
    events.publish(
        name, key=key, lane=f"member:{ticket.member_id}", ticket_id=ticket.pk, member_id=ticket.member_id,
        kind=ticket.kind, state=ticket.state, **more,
    )  # fmt: skip
    live.tell(ticket_id=ticket.pk, store_id=ticket.store_id)


def _error(pointer: str, message: str) -> dict[str, str]:
    return {"pointer": pointer, "code": "invalid", "message": message}
