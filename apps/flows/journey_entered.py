"""Something happened to a member that journeys begin with."""

from apps.care.journeys import entering
from apps.core import clock
from apps.events.models import Event
from apps.members import selectors as members
from apps.tickets import life

RESOLVED = "ticket.resolved"  # what journeys call it


def enter(event: Event) -> None:
    entering.by_fact(
        fact=event.name,
        member_id=members.current_id(event.payload["member_id"]),
        occurrence=event.key,
        moment=clock.now(),
    )


def enter_resolved(event: Event) -> None:
    """A ticket came to its end: once, however often it is opened again."""
    if event.payload["state"] == life.RESOLVED:
        entering.by_fact(
            fact=RESOLVED,
            member_id=members.current_id(event.payload["member_id"]),
            occurrence=f"ticket:{event.payload['ticket_id']}",
            moment=clock.now(),
        )
