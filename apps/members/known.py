"""The ways by which a member is recognised, as staff see and change them: masked, each change with its reason."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import audit, ciphers, logs, reasons, tokens
from apps.core.errors import BadCipher, NotFound, ValidationFailed
from apps.members import identities, phones
from apps.members.models import Identity, Member, MemberKey

# What staff may enter: the others only the platform can vouch for.
BY_HAND = (Identity.Kind.PHONE, Identity.Kind.CARD, Identity.Kind.EMAIL)


@dataclass(frozen=True)
class Known:
    """One identity. `masked` shows too little to use it; "" when the key is gone."""

    id: int
    kind: str
    namespace: str
    masked: str
    is_verified: bool
    created_at: datetime


def known_by(member_id: int) -> list[Known]:
    """All identities of a member, by kind and age."""
    wrapped = MemberKey.objects.filter(member_id=member_id).values_list("wrapped", flat=True).first()
    key = ciphers.unwrap(bytes(wrapped)) if wrapped else b""
    rows = Identity.objects.filter(member_id=member_id).order_by("kind", "pk")
    return [
        Known(row.pk, row.kind, row.namespace, _masked(row, key), row.verified_at is not None, row.created_at)
        for row in rows
    ]


@transaction.atomic
def add_by_hand(*, member_id: int, kind: str, value: str, reason: str) -> int:
    """Staff add an identity that somebody has shown them; it counts as not proven. Raises as `add_identity`, ValidationFailed."""
    if kind not in BY_HAND:
        sentence = _("Staff may add a phone, a card or an e-mail address.")
        raise ValidationFailed(errors=[{"pointer": "/kind", "code": "invalid", "message": sentence}])
    clean = _checked(reason)
    identity_id = identities.add_identity(member_id=member_id, kind=kind, value=value)
    _record("member.identity_added", member_id, kind=kind, identity_id=identity_id, reason=clean)
    return identity_id


@transaction.atomic
def remove(*, member_id: int, identity_id: int, reason: str) -> str:
    """Take an identity away; whoever was logged in has to log in again. Returns its kind.

    Raises NotFound, ValidationFailed without a reason.
    """
    clean = _checked(reason)
    row = Identity.objects.filter(pk=identity_id, member_id=member_id).first()
    if row is None:
        raise NotFound
    row.delete()
    user_id = Member.objects.values_list("user_id", flat=True).get(pk=member_id)
    if user_id:
        tokens.revoke_user(user_id=user_id, because="identity_removed")
    _record("member.identity_removed", member_id, kind=row.kind, identity_id=identity_id, reason=clean)
    return row.kind


def _record(action: str, member_id: int, *, kind: str, identity_id: int, reason: str) -> None:
    facts = {"kind": kind, "identity": identity_id, "reason": reason}
    audit.record(action, object_type="member", object_id=member_id, after=facts)


def _checked(reason: str) -> str:
    clean = reasons.said(str(logs.scrub(None, "", {"reason": reason})["reason"]))
    if not clean:
        sentence = _("Say the reason in a few words.")
        raise ValidationFailed(errors=[{"pointer": "/reason", "code": "required", "message": sentence}])
    return clean


def _masked(row: Identity, key: bytes) -> str:
    if not key:
        return ""
    try:
        value = ciphers.decrypt(person_key=key, blob=bytes(row.sealed), context=identities.context(row.kind))
    except BadCipher:
        return ""
    if row.kind == Identity.Kind.PHONE:
        return phones.masked(value)
    if row.kind == Identity.Kind.EMAIL:
        name, _at, house = value.partition("@")
        return f"{name[:1]}***@{house}"
    return f"{value[:2]}***{value[-2:]}" if len(value) > 6 else "***"
