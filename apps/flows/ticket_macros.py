"""A macro at a ticket: first what it would do, then that it does. `preview` does all of it, looks, and takes it back."""

from dataclasses import dataclass

from django.db import transaction

from apps.core.errors import NotFound
from apps.flows import ticket_texts
from apps.tickets import actions, macros
from apps.tickets import services as tickets
from apps.tickets.models import Entry, Message, Ticket
from apps.tickets.services import Actor


@dataclass(frozen=True)
class Look:
    """What would be said (text, among staff), and the lines of the ticket's life that would come."""

    said: tuple[tuple[str, bool], ...]
    entries: tuple[Entry, ...]


class _Looked(Exception):
    def __init__(self, look: Look) -> None:
        self.look = look


def preview(*, ticket_id: int, macro_id: int, by: Actor) -> Look:
    """Exactly what `run` would do now; nothing stays. Raises what it raises."""
    try:
        with transaction.atomic():
            before = Entry.objects.filter(ticket_id=ticket_id).order_by("-pk").values_list("pk", flat=True).first() or 0
            last = Message.objects.filter(ticket_id=ticket_id).order_by("-pk").values_list("pk", flat=True).first() or 0
            _do(ticket_id, macro_id, by=by, source="preview")
            said = Message.objects.filter(ticket_id=ticket_id, pk__gt=last).order_by("pk")
            entries = Entry.objects.filter(ticket_id=ticket_id, pk__gt=before).order_by("pk")
            raise _Looked(Look(tuple(said.values_list("text", "is_internal")), tuple(entries)))
    except _Looked as seen:
        return seen.look


@transaction.atomic
def run(*, ticket_id: int, macro_id: int, by: Actor, key: str, version: int | None = None) -> bool:
    """All acts or none; the same `key` again does nothing (False). Raises TicketChanged, MoveRefused, ValidationFailed, NotFound."""
    source = f"macro:{key}"
    tickets.locked(ticket_id)
    if Message.objects.filter(source__startswith=f"{source}:").exists():
        return False
    tickets.locked(ticket_id, version=version)
    _do(ticket_id, macro_id, by=by, source=source)
    macros.used(macro_id)
    return True


def _do(ticket_id: int, macro_id: int, *, by: Actor, source: str) -> None:
    macro, ticket = macros.one(macro_id), Ticket.objects.filter(pk=ticket_id).first()
    if ticket is None or not macro.is_active or (macro.kinds and ticket.kind not in macro.kinds):
        raise NotFound
    fill = ticket_texts.filler(ticket)
    actions.do(ticket_id=ticket_id, actions=macro.actions, by=by, source=source, fill=fill)
