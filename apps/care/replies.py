"""Members answer: who replies R to an SMS gets no care and no marketing by SMS any more."""

from collections.abc import Iterable

from django.db import transaction

from apps.care.models import Channel, Touch
from apps.gateways import sms
from apps.gateways.messages import Answered
from apps.gateways.models import ReadUpTo
from apps.members import selectors as members_found
from apps.members import services as members
from apps.members.models import Consent, ConsentNow

STREAM = "sms.replies"
BATCH = 100
_KEY = "touch:"
OPT_OUT_WORDS = frozenset({"R", "T", "TD", "N", "QX", "退订", "拒收", "取消"})


def take() -> dict[str, int]:
    """Read new replies and withdraw consent for those that opt out. A reply is taken once; a crash takes it again, to the same end.

    Messages that already wait are stopped by the gate, which asks for consent once more before sending.
    """
    taken = withdrawn = 0
    ReadUpTo.objects.get_or_create(stream=STREAM)
    while replies := sms.replies(after=ReadUpTo.objects.get(stream=STREAM).number, limit=BATCH):
        with transaction.atomic():
            mark = ReadUpTo.objects.select_for_update().get(stream=STREAM)
            fresh = [reply for reply in replies if reply.number > mark.number]
            for member_id in _members({reply.key for reply in fresh if reply.is_opt_out}):
                withdraw_sms(member_id)
                withdrawn += 1
            taken += len(fresh)
            mark.number = max(mark.number, replies[-1].number)
            mark.save(update_fields=["number"])
    return {"taken": taken, "withdrawn": withdrawn}


def take_answers(answers: Iterable[Answered]) -> int:
    """The same from a vendor's callback, which names a number. Repeating it changes nothing. Returns how many withdrew."""
    withdrawn = 0
    for answered in answers:
        if answered.text.strip().upper() not in OPT_OUT_WORDS:
            continue
        member_id = members_found.find_by_phone(answered.phone)
        if member_id is not None and _consents_to_sms(member_id):
            withdraw_sms(member_id)
            withdrawn += 1
    return withdrawn


def _consents_to_sms(member_id: int) -> bool:
    """Whether anything but a plain no stands."""
    rows = ConsentNow.objects.filter(member_id=member_id, channel=Channel.SMS, is_granted=False)
    return set(rows.values_list("purpose", flat=True)) < {Consent.Purpose.CARE, Consent.Purpose.MARKETING}


def withdraw_sms(member_id: int) -> None:
    """Record that the member wants no SMS from the brand, care or marketing."""
    withdraw(member_id, channel=Channel.SMS, source="sms:R", text_version="carrier")


def withdraw(member_id: int, *, channel: str, source: str, text_version: str) -> None:
    """Care and marketing on one channel. Where a plain no stands already, nothing is added."""
    said = ConsentNow.objects.filter(member_id=member_id, channel=channel, is_granted=False).values_list(
        "purpose", flat=True
    )
    for purpose in {Consent.Purpose.CARE, Consent.Purpose.MARKETING} - set(said):
        members.give_consent(
            member_id=member_id,
            purpose=purpose,
            channel=channel,
            is_granted=False,
            source=source,
            text_version=text_version,
        )


def _members(keys: set[str]) -> list[int]:
    touch_ids = [
        int(key.removeprefix(_KEY)) for key in keys if key.startswith(_KEY) and key.removeprefix(_KEY).isdigit()
    ]
    return sorted(set(Touch.objects.filter(pk__in=touch_ids).values_list("member_id", flat=True)))
