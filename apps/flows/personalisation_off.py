"""A member has switched personalisation off: what waits for them by what they buy does not leave any more, and neither predictions nor
computed traits are kept.

New plans ask the consent themselves (`care.gate`); behaviour is counted without the name from the same moment (`activity.services`).
"""

from apps.care import services as care
from apps.events.models import Event
from apps.members import selectors as members
from apps.segments.predictions import keeping
from apps.segments.traits import working as traits


def stop(event: Event) -> None:
    _stop(members.current_id(event.payload["member_id"]))


def stop_for_survivor(event: Event) -> None:
    """After a merge the survivor may have taken over the other record's objection, and its waiting messages."""
    _stop(members.current_id(event.payload["survivor_id"]))


def _stop(member_id: int) -> None:
    care.stop_profiled(member_id=member_id)
    if not members.may_be_profiled(member_id):
        keeping.forget(member_ids=[member_id])
        traits.forget(member_ids=[member_id])
