"""Who of the staff is which member: nobody takes in purchases for their own card, corrects points on it
or hands it coupons.

A link is set in the back office by phone, or learnt at the till: whoever shows a card with the phone that the clerk gave is the clerk.
"""

from django.db import transaction

from apps.core import audit
from apps.flows.checkout_errors import OwnCardShown
from apps.flows.models import OwnCard
from apps.members import identities, phones
from apps.members import selectors as members
from apps.members.models import Identity

_PHONE = Identity.Kind.PHONE


@transaction.atomic
def keep(*, staff_id: int, phone: str) -> None:
    """The phone under which this person is, or may become, a member; "" takes it away. Raises PhoneInvalid."""
    number = phones.normal(phone) if phone.strip() else ""
    digest = identities.digest(kind=_PHONE, value=number) if number else None
    owner = members.find_by_phone(number) if number else None
    OwnCard.objects.update_or_create(staff_id=staff_id, defaults={"phone_digest": digest, "member_id": owner})
    audit.record("own_card.kept", object_type="staff", object_id=staff_id, after={"is_set": bool(number)})


def is_own(*, staff_id: int, member_id: int) -> bool:
    """Is this member the person at the till, by the link or by the phone? What the phone says is kept."""
    row = OwnCard.objects.filter(staff_id=staff_id).first()
    if row is None:
        return False
    family = members.family(members.current_id(member_id))
    if row.member_id in family:
        return True
    if row.phone_digest is None:
        return False
    is_theirs = Identity.objects.filter(member_id__in=family, kind=_PHONE, digest=bytes(row.phone_digest)).exists()
    if is_theirs:
        OwnCard.objects.filter(pk=row.pk).update(member_id=members.current_id(member_id))
    return is_theirs


def refuse(*, staff_id: int | None, member_id: int) -> None:
    """Raises OwnCardShown when this member is the person at work."""
    if staff_id is not None and is_own(staff_id=staff_id, member_id=member_id):
        raise OwnCardShown


def known(staff_ids: list[int]) -> set[int]:
    """Who of these has given a phone or is linked."""
    return set(
        OwnCard.objects.filter(staff_id__in=staff_ids, phone_digest__isnull=False).values_list("staff_id", flat=True)
    )
