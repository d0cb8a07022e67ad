"""Every write on members. By subject: `identities`, `consents`, `attributes`; here: how somebody becomes a member."""

import secrets
from datetime import date, datetime

from django.db import IntegrityError, transaction

from apps.core import clock
from apps.events import services as events
from apps.members.attributes import set_attributes
from apps.members.consents import give_consent, give_guardian_consent, grant_consents
from apps.members.errors import MemberNumberTaken
from apps.members.identities import add_identity, resolve_for_import
from apps.members.models import Identity, Member
from apps.members.profile import change_profile
from apps.members.tagging import set_tags

__all__ = [
    "add_identity",
    "change_profile",
    "give_consent",
    "give_guardian_consent",
    "grant_consents",
    "register",
    "resolve_for_import",
    "set_attributes",
    "set_tags",
]


@transaction.atomic
def register(
    *,
    source: str,
    member_no: str | None = None,
    nickname: str = "",
    phone: str = "",
    gender: str = "",
    birthday: date | None = None,
    home_store_id: int | None = None,
    joined_at: datetime | None = None,
) -> int:
    """Take somebody in; without a number they get a random one. Returns the member's id.

    Raises PhoneInvalid, PhoneTaken, MemberNumberTaken; nothing is written then.
    """
    member = Member(
        member_no=member_no or _free_number(),
        nickname=nickname.strip()[:40],
        gender=gender,
        home_store_id=home_store_id,
        source=source,
        joined_at=joined_at or clock.now(),
    )
    if birthday:
        member.birth_year, member.birth_month, member.birth_day = birthday.year, birthday.month, birthday.day
    try:
        with transaction.atomic():
            member.save(force_insert=True)
    except IntegrityError as refusal:
        if "member_no" in str(refusal):
            raise MemberNumberTaken from None
        raise
    if phone:
        add_identity(member_id=member.pk, kind=Identity.Kind.PHONE, value=phone)
    events.publish("member.registered", key=str(member.pk), lane=f"member:{member.pk}", member_id=member.pk)
    return member.pk


def free_numbers(count: int) -> list[str]:
    """Numbers that no member has, each once."""
    found: set[str] = set()
    while len(found) < count:
        fresh = {f"M{secrets.randbelow(10**10):010d}" for _ in range(count - len(found))}
        found |= fresh - set(Member.objects.filter(member_no__in=fresh).values_list("member_no", flat=True))
    return sorted(found)


def _free_number() -> str:
    """Random, so that it tells nobody how many members there are."""
    while True:
        number = f"M{secrets.randbelow(10**10):010d}"
        if not Member.objects.filter(member_no=number).exists():
            return number
