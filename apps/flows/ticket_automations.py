"""Automations run on the facts of tickets: each once for a fact, those that fit in their order, each in its own savepoint."""

from django.db import transaction

from apps.core import clock
from apps.core.errors import DomainError
from apps.events.models import Event
from apps.flows import ticket_texts
from apps.segments import seen
from apps.tickets import actions, automations, life
from apps.tickets.automations import Facts
from apps.tickets.models import Automation, AutomationRun, Message, Ticket
from apps.tickets.services import Actor


def run(event: Event) -> None:
    ticket = Ticket.objects.filter(pk=event.payload["ticket_id"]).first()
    if ticket is None:
        return
    for row in automations.set_off(event.name, event.payload):
        ticket.refresh_from_db()
        if automations.holds(row, _facts(ticket, event)):
            _once(row, ticket, event)


def _facts(ticket: Ticket, event: Event) -> Facts:
    """The words of the fact: those that were said, or the first of a new ticket."""
    said = event.payload.get("message_id")
    words = Message.objects.filter(ticket=ticket, is_internal=False)
    row = words.filter(pk=said).first() if said else words.order_by("pk").first()
    text = f"{ticket.title} {row.text}" if row else ticket.title
    return Facts(
        ticket=ticket,
        move=event.payload.get("move", ""),
        text=text,
        segments=lambda: [one.key for one in seen.of_member(ticket.member_id)],
    )


def _once(row: Automation, ticket: Ticket, event: Event) -> None:
    if AutomationRun.objects.filter(automation=row, cause=event.key).exists():
        return
    chain, moment, reason = tuple(event.payload.get("chain", ())), clock.now(), ""
    outcome = automations.stop(row, ticket_id=ticket.pk, chain=chain, moment=moment)
    if not outcome:
        outcome = AutomationRun.Outcome.DONE
        by = Actor(life.AGENT, chain=(*chain, row.pk))
        try:
            with transaction.atomic():
                fill = ticket_texts.filler(ticket, moment=moment)
                source = f"automation:{row.pk}:{event.pk}"
                actions.do(ticket_id=ticket.pk, actions=row.actions, by=by, source=source, fill=fill, moment=moment)
        except DomainError as refusal:
            outcome, reason = AutomationRun.Outcome.REFUSED, refusal.code
    AutomationRun.objects.create(
        automation=row, ticket=ticket, cause=event.key, outcome=outcome, reason=reason[:60], at=moment
    )
