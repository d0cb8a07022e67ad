"""Care by e-mail: each mail can be left with one click, what came back is not written to again."""

from collections.abc import Sequence

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from apps.care import outcomes, reasons, receipts, replies
from apps.care.models import Channel, Receipt, Touch
from apps.care.outcomes import Claim, Verdict
from apps.core import clock
from apps.core.errors import NotFound
from apps.gateways import mail
from apps.gateways.bounces import Bounce
from apps.gateways.mail import Mail
from apps.gateways.messages import Outcome
from apps.gateways.messages import Receipt as Word
from apps.members import mail_addresses
from apps.members import selectors as members

_SALT = "care.leave"


def written(
    claim: Claim, *, text: str, content: dict[str, str], brand: str, wrapped: bytes | None, sealed: bytes | None
) -> Mail | Verdict:
    """The mail, with the way out at its end, or why there is none."""
    address = members.open_identity("email", wrapped=wrapped, sealed=sealed) if wrapped and sealed else None
    if address is None:
        return outcomes.skip(claim, reasons.NO_ADDRESS)
    leave = way_out(claim.touch_id)
    return Mail(claim.key, address, content["subject"], f"{text}\n\n--\n退订 Unsubscribe: {leave}\n", brand, leave)


def delivered(mails: Sequence[tuple[Claim, Mail]]) -> list[Outcome]:
    """Call it with no transaction open. Addresses that the server does not know are written to no more."""
    answers = mail.send_batch([one for _, one in mails])
    for (claim, _), answer in zip(mails, answers, strict=True):
        if answer.code == "ADDRESS_INVALID":
            mail_addresses.close(member_id=claim.member_id, reason="hard")
    return answers


def way_out(touch_id: int) -> str:
    """The address of one click, for ever: it says nothing of the person."""
    path = reverse("mail_leave", args=[signing.dumps(touch_id, salt=_SALT)])
    return f"{settings.PUBLIC_URL}{path}"


@transaction.atomic
def leave(token: str) -> None:
    """No more care or marketing by e-mail. Again is a no-op. Raises NotFound."""
    try:
        touch_id = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        raise NotFound from None
    member_id = Touch.objects.filter(pk=touch_id).values_list("member_id", flat=True).first()
    if member_id is None:
        raise NotFound
    replies.withdraw(member_id, channel=Channel.EMAIL, source="email:one-click", text_version="RFC 8058")


@transaction.atomic
def came_back(bounce: Bounce) -> None:
    """A bounce fails its mail; a hard one, or a complaint, closes the address; a complaint is a withdrawal too. Again is a no-op."""
    touch_id = int(bounce.key.removeprefix("touch:")) if bounce.key.startswith("touch:") else 0
    touch = Touch.objects.filter(pk=touch_id, channel=Channel.EMAIL).first()
    if touch is None:
        return
    if bounce.kind == "complaint":
        moment = clock.now()
        Receipt.objects.get_or_create(
            touch=touch, source="mail:complaint",
            defaults={"state": Receipt.State.COMPLAINED, "code": bounce.code, "at": moment, "taken_at": moment},
        )  # fmt: skip
        replies.withdraw(touch.member_id, channel=Channel.EMAIL, source="email:complaint", text_version="RFC 5965")
    else:
        receipts.take([Word(bounce.key, False, bounce.code, f"mail:{bounce.code}", None)])
    if bounce.kind != "soft":
        mail_addresses.close(member_id=touch.member_id, reason=bounce.kind)
