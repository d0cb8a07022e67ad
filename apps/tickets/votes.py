"""What the member thinks of how it went: by a link that says nothing of them, once."""

from datetime import timedelta

from django.core import signing
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.errors import NotFound, ValidationFailed
from apps.events import services as events
from apps.members import wording
from apps.tickets import life
from apps.tickets.errors import VoteOver
from apps.tickets.models import Ticket, Vote

VOTED = "ticket.voted"
LIVES = timedelta(days=30)  # after the end
_SALT = "tickets.vote"


def token(ticket_id: int) -> str:
    """What the link carries: who has it may vote, and sees nothing but the ticket's number."""
    return signing.dumps(ticket_id, salt=_SALT)


def ticket_of(token: str) -> Ticket:
    """Raises NotFound for what `token` did not make."""
    try:
        ticket_id = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        raise NotFound from None
    ticket = Ticket.objects.filter(pk=ticket_id).first()
    if ticket is None:
        raise NotFound
    return ticket


def is_open(ticket: Ticket) -> bool:
    """Whether it may be voted on now, unless it was."""
    return ticket.state in life.DONE and ticket.ended_at is not None and clock.now() - ticket.ended_at <= LIVES


def cast(*, ticket: Ticket, score: int, text: str = "", channel: str = "portal") -> Vote:
    """One vote, the first; a second one is answered with it. Raises ValidationFailed, ContentRefused, VoteOver."""
    if not 1 <= score <= 5 or len(text) > 500:
        message = str(_("Choose one to five stars; 500 letters at the most."))
        raise ValidationFailed(errors=[{"pointer": "/score", "code": "invalid", "message": message}])
    if earlier := Vote.objects.filter(ticket=ticket).first():
        return earlier
    if not is_open(ticket):
        raise VoteOver
    wording.check(text, member_id=ticket.member_id, pointer="/text")
    try:
        with transaction.atomic():
            made = Vote.objects.create(ticket=ticket, score=score, text=text.strip(), channel=channel)
            events.publish(
                VOTED, key=str(ticket.pk), lane=f"member:{ticket.member_id}", ticket_id=ticket.pk,
                member_id=ticket.member_id, score=score,
            )  # fmt: skip
    except IntegrityError:  # two at once: the first counts
        return Vote.objects.get(ticket=ticket)
    return made
