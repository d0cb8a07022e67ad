"""A merge shows that one person was welcomed twice: one welcome stays. Its undoing shows that they were two: both stand again."""

from apps.coupons import welcome
from apps.events.models import Event
from apps.members import selectors as members
from apps.members.models import Merge


def keep_one(event: Event) -> None:
    if Merge.objects.filter(pk=event.payload["merge_id"], undone_at=None).exists():
        member_id = members.current_id(event.payload["survivor_id"])
        welcome.keep_one(member_id=member_id, note=_note(event))


def take_apart(event: Event) -> None:
    welcome.take_apart(note=_note(event))


def _note(event: Event) -> str:
    """In the history of each coupon, where staff read it."""
    return f"merge:{event.payload['merge_id']}"
