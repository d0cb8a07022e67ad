"""What a registration sets off: points for joining. Members who come in from lists joined long ago, or bring no fact."""

from datetime import timedelta

from apps.core import clock
from apps.events.models import Event
from apps.members.models import Member
from apps.points import awards

FRESH = timedelta(days=1)


def reward(event: Event) -> None:
    member = Member.objects.get(pk=event.payload["member_id"])
    if member.joined_at > event.created_at - FRESH:
        awards.happened(trigger="registration", member_id=member.pk, key="registration", moment=clock.now())
