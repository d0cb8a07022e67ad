"""Members as another system of the brand tells of them, one by one: new ones come in, known ones are brought up to date."""

from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.members import attributes as own_fields
from apps.members import departures, phones, profile, selectors, services
from apps.members.errors import PhoneBarred
from apps.members.models import Identity, Member

GONE = (Member.Status.CANCELLED, Member.Status.ERASED)


@transaction.atomic
def upsert(
    *,
    member_no: str,
    source: str,
    phone: str = "",
    nickname: str | None = None,
    gender: str | None = None,
    birthday: date | None = None,
    home_store_id: int | None = None,
    joined_at: datetime | None = None,
    attributes: dict[str, Any] | None = None,
) -> tuple[int, bool]:
    """The member with this number, made when missing: (id, is new). What is None stays; a phone is added beside earlier ones.

    Who left comes back by an act of their own, never by a list: PhoneBarred for a new member with the number or the phone of
    somebody who left lately, and for one in the cool-off. Raises PhoneInvalid, PhoneTaken, BirthdayFixed, ValidationFailed too;
    nothing of this member is written then.
    """
    known = Member.objects.filter(member_no=member_no).values_list("pk", flat=True).first()
    if known is None:
        _refuse_who_left(member_no=member_no, phone=phone)
        member_id = services.register(
            source=source, member_no=member_no, home_store_id=home_store_id, joined_at=joined_at
        )
    else:
        member_id = selectors.current_id(known)
        if Member.objects.filter(pk=member_id, status__in=GONE).exists():
            raise PhoneBarred
        if home_store_id is not None:
            Member.objects.filter(pk=member_id).update(home_store_id=home_store_id)
    profile.change_profile(member_id=member_id, nickname=nickname, gender=gender, birthday=birthday)
    if attributes:
        own_fields.set_attributes(member_id=member_id, values=attributes)
    if phone:
        services.add_identity(member_id=member_id, kind=Identity.Kind.PHONE, value=phone)
    return member_id, known is None


def _refuse_who_left(*, member_no: str, phone: str) -> None:
    if departures.any_left(member_no=member_no, phone=phones.normal(phone) if phone else ""):
        raise PhoneBarred
