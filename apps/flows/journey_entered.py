"""Something happened to a member that journeys begin with."""

from apps.care.journeys import entering
from apps.core import clock
from apps.events.models import Event
from apps.members import selectors as members


def enter(event: Event) -> None:
    entering.by_fact(
        fact=event.name,
        member_id=members.current_id(event.payload["member_id"]),
        occurrence=event.key,
        moment=clock.now(),
    )
