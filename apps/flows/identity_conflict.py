"""Somebody at the door proved an identity that another record has: one person on two records, or a number that changed hands.

The two become one by themselves only where nothing speaks against it. Where both have proven identities of their own, or one of
them is frozen, blocked or leaving, the pair waits for staff (`members.doubts`). The record they are logged in to survives, so
that nobody is thrown out of their session.
"""

from apps.core import requests
from apps.events.models import Event
from apps.flows import member_merged
from apps.members import doubts
from apps.members.errors import MergeRefused
from apps.members.models import Doubt, Member


def join_by_unionid(event: Event) -> None:
    _join(event, cause=Doubt.Cause.UNIONID)


def join_by_phone(event: Event) -> None:
    _join(event, cause=Doubt.Cause.PHONE)


def _join(event: Event, *, cause: str) -> None:
    pair = event.payload["member_id"], event.payload["other_id"]
    active = Member.objects.filter(pk__in=pair, status__in=[Member.Status.ACTIVE, Member.Status.MERGED]).count()
    if active < len(pair):
        doubts.raise_doubt(member_ids=pair, cause=cause)
        return
    try:
        with requests.acting(actor="system"):
            member_merged.merge(survivor_id=pair[0], loser_id=pair[1], choices={}, source=f"{cause}:{event.pk}")
    except MergeRefused:
        doubts.raise_doubt(member_ids=pair, cause=cause)
