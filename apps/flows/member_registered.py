"""What a registration sets off: points for joining, coupons for those who were never here. Members who come in from lists joined long
ago, or bring no fact."""

import hashlib
from datetime import timedelta

from apps.core import clock
from apps.coupons import welcome
from apps.events.models import Event
from apps.members import departures
from apps.members import selectors as members
from apps.members.models import Identity, Member
from apps.points import awards

FRESH = timedelta(days=1)
_KNOWN_BY = (Identity.Kind.PHONE, Identity.Kind.UNIONID, Identity.Kind.OPENID)


def reward(event: Event) -> None:
    member = fresh(event)
    if member is not None:
        awards.happened(trigger="registration", member_id=member.pk, key="registration", moment=clock.now())


def give_coupons(event: Event) -> None:
    """Not to somebody whose phone left with an erasure lately, nor to one who is known by what a welcomed person was known by."""
    member = fresh(event)
    if member is None:
        return
    phone = members.phones([member.pk]).get(member.pk)
    if phone is None or not departures.was_here(phone):
        welcome.greet(member_id=member.pk, marks=_marks(member.pk), moment=clock.now())


def fresh(event: Event) -> Member | None:
    """The member, if they have just joined."""
    member = Member.objects.get(pk=event.payload["member_id"])
    return member if member.joined_at > event.created_at - FRESH else None


def _marks(member_id: int) -> list[bytes]:
    """Hashes of the keyed hashes: these cannot be joined to the living."""
    known = Identity.objects.filter(member_id=member_id, kind__in=_KNOWN_BY).values_list("kind", "namespace", "digest")
    return [
        hashlib.sha256(f"welcome:{kind}:{namespace}:".encode() + bytes(digest)).digest()
        for kind, namespace, digest in known
    ]
