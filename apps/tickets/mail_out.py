"""Answers that go out by e-mail, and the link to vote. Written down in the transaction of what is told, sent afterwards.

A mail names its message in its own id and its ticket in the address to answer to, both with a sum that only we can make, so that what
comes back finds its thread (`mail_in`).
"""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.core import brand, clock
from apps.gateways import mail
from apps.gateways.mail import Mail
from apps.gateways.messages import Outcome
from apps.gateways.models import Suppression
from apps.members import selectors as members
from apps.members.models import Identity, MemberKey
from apps.tickets import attachments, life, mail_back, votes
from apps.tickets.models import Message, Posting, Ticket

ANSWER, REPLY = mail_back.ANSWER, "reply"  # keys of mails, and of the address to answer to
MOST_TRIES = 8
LEASE, FIRST_PAUSE = timedelta(minutes=5), timedelta(minutes=1)
CHUNK = 50
EARLIER = 10  # ids of a thread that a mail names


def answer(message: Message) -> None:
    """By e-mail too, where the member writes by e-mail; call it in the transaction of the words. Again is a no-op."""
    if mail.is_set_up() and _writes_mails(message.ticket_id):
        Posting.objects.get_or_create(
            source=f"said:{message.pk}", defaults={"ticket_id": message.ticket_id, "message": message}
        )


def ask_for_vote(ticket: Ticket) -> None:
    """The same for the link to vote, once for a ticket."""
    if mail.is_set_up() and _writes_mails(ticket.pk):
        Posting.objects.get_or_create(source=f"vote:{ticket.pk}", defaults={"ticket": ticket})


def drain() -> dict[str, int]:
    """Send what is due. Call it with no transaction open: nothing is locked while the mail server is spoken to. Returns counts."""
    figures = {"sent": 0, "failed": 0, "later": 0}
    while rows := _claimed():
        letters = {row.pk: _letter(row) for row in rows}
        ready = [(row, letter) for row in rows if (letter := letters[row.pk]) is not None]
        outcomes = mail.send_batch([letter for _row, letter in ready])
        for (row, _written), outcome in zip(ready, outcomes, strict=True):
            figures[_settled(row, outcome)] += 1
            if outcome.code == "ADDRESS_INVALID":
                with transaction.atomic():
                    mail_back.close(row, reason="hard")
        for row in rows:
            if letters[row.pk] is None:
                figures[_settled(row, Outcome(row.source, "refused", code="NO_ADDRESS"))] += 1
        if len(rows) < CHUNK:
            break
    return figures


def reply_address(ticket_id: int) -> str:
    return mail.bounce_address(f"{REPLY}:{ticket_id}")


def _writes_mails(ticket_id: int) -> bool:
    """By which way the member wrote last."""
    last = Message.objects.filter(ticket_id=ticket_id, side=life.MEMBER).order_by("-pk").first()
    return last is not None and last.channel == "email"


@transaction.atomic
def _claimed() -> Sequence[Posting]:
    """For the time of the lease they are ours; a crash lets them be claimed again after it."""
    waiting = Posting.objects.select_for_update(skip_locked=True).filter(state="waiting", due_at__lte=clock.now())
    rows = list(waiting.order_by("due_at", "pk")[:CHUNK])
    Posting.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=clock.now() + LEASE)
    return rows


def _settled(row: Posting, outcome: Outcome) -> str:
    """What nobody knows the end of counts as sent: an answer twice is worse than an answer that also stands in the inbox."""
    row.tries, row.code = row.tries + 1, outcome.code[:60]
    if outcome.state in {"accepted", "unknown"}:
        row.state, result = Posting.State.SENT, "sent"
    elif outcome.state == "refused" or row.tries >= MOST_TRIES:
        row.state, result = Posting.State.FAILED, "failed"
    else:
        row.due_at, result = clock.now() + FIRST_PAUSE * 2**row.tries, "later"
    row.save(update_fields=["tries", "code", "state", "due_at"])
    return result


def _letter(row: Posting) -> Mail | None:
    """None when there is no address any more, or none that takes mail."""
    ticket = row.ticket
    if (to := _address(ticket.member_id)) is None:
        return None
    files: tuple[bytes, ...] = ()
    if row.message is not None:
        key, text = f"{ANSWER}:{row.message_id}", row.message.text
        files = attachments.of_message(row.message)
    else:
        address = f"{settings.PUBLIC_URL}{reverse('portal:ticket_vote', args=[votes.token(ticket.pk)])}"
        key, text = f"vote:{ticket.pk}", _("Your request is done. How did we do? One tap is enough:") + f"\n{address}"
    return Mail(
        key=key, to=to, subject=f"Re: {ticket.title}", text=text, sender=brand.name(), leave="",
        reply_to=reply_address(ticket.pk), references=_thread(row), files=files,
    )  # fmt: skip


def _thread(row: Posting) -> tuple[str, ...]:
    """Ids of the mails of ours that went before, oldest first."""
    sent = Posting.objects.filter(ticket_id=row.ticket_id, state=Posting.State.SENT, message__isnull=False)
    keys = list(sent.exclude(pk=row.pk).order_by("-pk").values_list("message_id", flat=True)[:EARLIER])
    return tuple(mail.message_id(f"{ANSWER}:{key}") for key in reversed(keys))


def _address(member_id: int) -> str | None:
    """The member's e-mail address, unless it takes no more mail of ours."""
    member_id = members.current_id(member_id)
    row = Identity.objects.filter(member_id=member_id, kind=Identity.Kind.EMAIL).order_by("-pk").first()
    if row is None or Suppression.objects.filter(digest=bytes(row.digest)).exists():
        return None
    wrapped = MemberKey.objects.filter(member_id=member_id).values_list("wrapped", flat=True).first()
    return members.open_identity("email", wrapped=bytes(wrapped), sealed=bytes(row.sealed)) if wrapped else None
