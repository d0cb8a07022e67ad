"""How a guardian agrees for a child: by a code to the guardian's own phone, or before staff; and how it is taken back.

The guardian's number is used for the code and kept as a keyed hash only. Call `request_code` and `confirm` with no transaction open.
"""

from django.db import transaction

from apps.core import audit, clock
from apps.members import codes, consents, identities, minors, phones, policy_texts
from apps.members.codes import CodeSent
from apps.members.errors import GuardianIsMember, GuardianNotNeeded, GuardianOfMany
from apps.members.models import Consent, Guardian, Identity
from apps.members.proofs import CodeRequest

MOST_CHILDREN = 5  # per phone; more children of one guardian are noted by staff
_PURPOSE = CodeRequest.Purpose.GUARDIAN


def request_code(*, member_id: int, phone: str, network: str, device: str = "") -> CodeSent:
    """Send a code to the guardian's phone; its text says what typing it means.

    Raises GuardianNotNeeded, GuardianIsMember, and what `codes.request` does.
    """
    _check_child(member_id)
    _check_other(member_id, phones.normal(phone))
    return codes.request(phone=phone, network=network, purpose=_PURPOSE, device=device)


def confirm(*, member_id: int, request_id: str, code: str, source: str, text_version: str) -> None:
    """With the right code the guardian has agreed, from now on. A brand's own text in force goes before `text_version`.

    Raises CodeWrong, CodeSpent, GuardianNotNeeded, GuardianIsMember, GuardianOfMany.
    """
    with transaction.atomic(durable=True):
        verdict = codes.redeem(request_id=request_id, code=code, purpose=_PURPOSE)
        if verdict.refusal is None:
            _check_child(member_id)
            _check_other(member_id, verdict.phone)
            _remember(member_id, verdict.phone)
            _say(member_id, is_granted=True, source=source, text_version=text_version)
            return
    raise verdict.refusal


@transaction.atomic
def note(*, member_id: int, is_granted: bool, source: str, text_version: str) -> None:
    """What a guardian told staff who saw them. Raises GuardianNotNeeded."""
    _check_child(member_id)
    _end(member_id)
    _say(member_id, is_granted=is_granted, source=source, text_version=text_version)


@transaction.atomic
def take_back(*, member_id: int, source: str, text_version: str) -> None:
    """The consent ends now, by whoever speaks for the child, without a code. Messages that wait are stopped by the gate."""
    _end(member_id)
    _say(member_id, is_granted=False, source=source, text_version=text_version)


def _check_child(member_id: int) -> None:
    if not minors.standing(member_id).is_child:
        raise GuardianNotNeeded


def _check_other(member_id: int, phone: str) -> None:
    digest = identities.digest(kind=Identity.Kind.PHONE, value=phone)
    if Identity.objects.filter(member_id=member_id, kind=Identity.Kind.PHONE, digest=digest).exists():
        raise GuardianIsMember


def _remember(member_id: int, phone: str) -> None:
    digest = identities.digest(kind=Identity.Kind.PHONE, value=phone)
    others = Guardian.objects.filter(phone_digest=digest, ended_at=None).exclude(member_id=member_id)
    if others.values("member_id").distinct().count() >= MOST_CHILDREN:
        raise GuardianOfMany(most=MOST_CHILDREN)
    _end(member_id)
    Guardian.objects.create(member_id=member_id, phone_digest=digest)


def _end(member_id: int) -> None:
    Guardian.objects.filter(member_id=member_id, ended_at=None).update(ended_at=clock.now())


def _say(member_id: int, *, is_granted: bool, source: str, text_version: str) -> None:
    text = policy_texts.current(Consent.Purpose.GUARDIAN)
    consents.give_guardian_consent(
        member_id=member_id,
        is_granted=is_granted,
        source=source,
        text_version=text.version if text else text_version,
    )
    action = "member.guardian_agreed" if is_granted else "member.guardian_ended"
    audit.record(action, object_type="member", object_id=member_id, after={"source": source})
