"""What follows an erasure: what was pending lapses and what was set aside is let go. The books stay, and name nobody."""

from apps.core import clock
from apps.events.models import Event
from apps.points import takebacks


def drop_points(event: Event) -> None:
    takebacks.drop_open(member_id=event.payload["member_id"], moment=clock.now())
