"""A member has switched personalisation off: what waits for them by what they buy does not leave any more.

New plans ask the consent themselves (`care.gate`); behaviour is counted without the name from the same moment (`activity.services`).
"""

from apps.care import services as care
from apps.events.models import Event
from apps.members import selectors as members


def stop(event: Event) -> None:
    care.stop_profiled(member_id=members.current_id(event.payload["member_id"]))


def stop_for_survivor(event: Event) -> None:
    """After a merge the survivor may have taken over the other record's objection, and its waiting messages."""
    care.stop_profiled(member_id=members.current_id(event.payload["survivor_id"]))
