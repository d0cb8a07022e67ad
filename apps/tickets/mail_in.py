"""E-mails of members: into the thread they answer, or a new one. Machines, loops and repeats end here.

A mail finds its ticket by the address it was sent to, or by the ids it answers, each with a sum that only we can make. From says who
speaks, and anybody can write anything there: only an address that the member is known by speaks for them; what comes with our address
from another one is shown to staff, and what comes from a stranger with neither is nobody's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from hashlib import sha256
from typing import cast

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core import clock
from apps.core.errors import DomainError
from apps.gateways import mail
from apps.members import selectors as members
from apps.members import uploads
from apps.tickets import attachments, life, mail_out, mail_words
from apps.tickets import services as tickets
from apps.tickets.errors import LineInTicket, MoveRefused, ReopenOver
from apps.tickets.models import Message, Ticket
from apps.tickets.services import Actor, NewTicket

log = structlog.get_logger("siyu.tickets")
MOST_BYTES = 25 * 1024 * 1024
MOST_PER_HOUR = 20  # of one member: two machines that answer each other are faster than a person
_ANSWERED = re.compile(r"^((re|fwd?|回复|答复|转发)\s*[:：]\s*)+", re.IGNORECASE)
MEMBER, CHANNEL = Actor(life.MEMBER), "email"


@dataclass(frozen=True)
class Taken:
    """`outcome`: answered, opened, repeated, shown_to_staff; or why not: too_large, automatic, own, looped, unknown_sender, empty."""

    outcome: str
    ticket_id: int | None = None


def take(raw: bytes) -> Taken:
    """One message as the mail server has it. Call it with no transaction open: pictures are judged one by one. Again is a no-op."""
    taken = _taken(raw)
    log.info("mail taken", outcome=taken.outcome, ticket_id=taken.ticket_id)
    return taken


def _taken(raw: bytes) -> Taken:
    if len(raw) > MOST_BYTES:
        return Taken("too_large")
    message = cast("EmailMessage", message_from_bytes(raw, policy=default))
    if mail_words.is_automatic(message):
        return Taken("automatic")
    sender, number = mail_words.sender(message), str(message.get("Message-ID", "")).strip()
    if not sender or sender == settings.MAIL_FROM.lower() or mail.key_of_message(number):
        return Taken("own" if sender else "unknown_sender")
    source = f"mail:{sha256((number or str(message.get('Date', '')) + sender).encode()).hexdigest()[:40]}"
    if earlier := Message.objects.filter(source__in=[source, f"{source}:first"]).first():
        return Taken("repeated", earlier.ticket_id)
    ticket, member_id = _thread(message), members.find_by_identity(kind="email", value=sender)
    if member_id is None:
        return _from_elsewhere(message, ticket, source)
    member_id = members.current_id(member_id)
    if _is_loop(member_id):
        return Taken("looped")
    if ticket is not None and ticket.member_id != member_id:
        return _from_elsewhere(message, ticket, source)
    return _from_member(message, ticket, member_id, source)


def _from_member(message: EmailMessage, ticket: Ticket | None, member_id: int, source: str) -> Taken:
    text, keys = _words(message, member_id)
    if not text and not keys:
        return Taken("empty")
    if ticket is not None and _answer(ticket, text, keys, source):
        return Taken("answered", ticket.pk)
    title = _title(message) or text.splitlines()[0][:60]
    new = NewTicket(
        source=source, member_id=member_id, kind=life.QUESTION, title=title, text=text or _("[Picture]"), channel=CHANNEL,
        store_id=ticket.store_id if ticket else None,
    )  # fmt: skip
    return Taken("opened", attachments.open_ticket(new, by=MEMBER, upload_ids=keys).pk)


def _answer(ticket: Ticket, text: str, keys: list[int], source: str) -> bool:
    """False when the ticket is over for good: then the words begin a new one."""
    move = "reopen" if ticket.state in life.DONE else ""
    if ticket.ended_at is not None and not move:
        return False
    try:
        attachments.say(
            ticket_id=ticket.pk, by=MEMBER, text=text, source=source, upload_ids=keys, channel=CHANNEL, move=move
        )  # fmt: skip
    except (ReopenOver, LineInTicket, MoveRefused):
        return False
    return True


@transaction.atomic
def _from_elsewhere(message: EmailMessage, ticket: Ticket | None, source: str) -> Taken:
    """From an address that is not the member's: never in their name."""
    if ticket is None:
        return Taken("unknown_sender")
    text = mail_words.text(message)[:3_800]
    note = _("An e-mail from an address that is not the member's:") + f"\n{text or _('[no words]')}"
    tickets.say(ticket_id=ticket.pk, by=tickets.HOUSE, text=note, source=source, is_internal=True, channel=CHANNEL)
    return Taken("shown_to_staff", ticket.pk)


def _words(message: EmailMessage, member_id: int) -> tuple[str, list[int]]:
    """What was written, and the files of what was attached; what we do not take is said in the text."""
    found, left_out = mail_words.pictures(message, most=attachments.MOST)
    keys = []
    for content in found:
        try:
            keys.append(uploads.take(member_id=member_id, content=content, purpose=attachments.PURPOSE).id)
        except DomainError:
            left_out += 1
    text = mail_words.text(message)
    if left_out:
        note = ngettext("[%(n)s attachment was not taken]", "[%(n)s attachments were not taken]", left_out) % {
            "n": left_out
        }
        text = f"{text[:3_900]}\n{note}".strip()
    return text, list(dict.fromkeys(keys))


def _thread(message: EmailMessage) -> Ticket | None:
    """By the address it was sent to, else by what it answers."""
    for name in ("To", "Cc", "Delivered-To", "X-Original-To"):
        for value in message.get_all(name, []):
            kind, _colon, number = mail.key_of(str(value)).partition(":")
            if kind == mail_out.REPLY:
                return _kept(int(number))
    for text in _ids(message):
        kind, _colon, number = mail.key_of_message(text).partition(":")
        if kind == mail_out.ANSWER:
            said = Message.objects.filter(pk=int(number)).first()
            return _kept(said.ticket_id) if said else None
        if kind == "vote":
            return _kept(int(number))
    return None


def _ids(message: EmailMessage) -> Iterator[str]:
    """Of what it answers, the nearest first."""
    yield str(message.get("In-Reply-To", ""))
    yield from reversed(str(message.get("References", "")).split())


def _kept(ticket_id: int) -> Ticket | None:
    """Where a merged ticket goes on."""
    found = Ticket.objects.filter(pk=ticket_id).select_related("into").first()
    return found.into if found is not None and found.into is not None else found


def _is_loop(member_id: int) -> bool:
    since = clock.now() - timedelta(hours=1)
    said = Message.objects.filter(ticket__member_id=member_id, side=life.MEMBER, channel=CHANNEL, at__gt=since)
    return said.count() >= MOST_PER_HOUR


def _title(message: EmailMessage) -> str:
    """The subject without what programs put before it."""
    subject = " ".join(str(message.get("Subject", "")).split())
    return _ANSWERED.sub("", subject)[:120]
