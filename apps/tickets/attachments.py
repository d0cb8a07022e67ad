"""Pictures of a ticket, and documents that staff send: uploaded first (`members.uploads` judges and seals), then tied to words.

Who may see one, its ticket says.
"""

from collections.abc import Sequence
from contextlib import suppress

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.core.errors import NotFound, ValidationFailed
from apps.members import uploads, wording
from apps.members.models import Upload
from apps.tickets import life
from apps.tickets import services as tickets
from apps.tickets.models import Attachment, Message, Ticket
from apps.tickets.services import Actor, NewTicket

PURPOSE, OF_STAFF = Upload.Purpose.TICKET, Upload.Purpose.DESK
MOST = 9  # with one message
MOST_OF_TICKET = 60
TYPED = frozenset({"portal", "mini"})  # channels


def open_ticket(new: NewTicket, *, by: Actor, upload_ids: Sequence[int] = ()) -> Ticket:
    """`services.open_ticket` with pictures to its first words. Raises what that does, and ValidationFailed (/photos, /text)."""
    _check_words(new.title, new.text, by=by, channel=new.channel, member_id=new.member_id)
    return _opened(new, by=by, upload_ids=upload_ids)


@transaction.atomic
def _opened(new: NewTicket, *, by: Actor, upload_ids: Sequence[int]) -> Ticket:
    ticket = tickets.open_ticket(new, by=by)
    attach(Message.objects.get(source=f"{new.source}:first"), upload_ids)
    return ticket


def say(*, ticket_id: int, by: Actor, text: str, source: str, upload_ids: Sequence[int] = (), **more: str) -> Message:
    """`services.say` with pictures; pictures alone are words enough. Raises what that does, and ValidationFailed (/photos, /text)."""
    member_id = Ticket.objects.values_list("member_id", flat=True).get(pk=ticket_id)
    _check_words(text, by=by, channel=more.get("channel", ""), member_id=member_id)
    return _said(ticket_id, text, upload_ids, by=by, source=source, **more)


@transaction.atomic
def _said(ticket_id: int, text: str, upload_ids: Sequence[int], *, by: Actor, source: str, **more: str) -> Message:
    said = tickets.say(
        ticket_id=ticket_id, by=by, text=text.strip() or (_("[Picture]") if upload_ids else ""), source=source,
        channel=more.get("channel", ""), move=more.get("move", ""),
    )  # fmt: skip
    attach(said, upload_ids)
    return said


def attach(message: Message, upload_ids: Sequence[int]) -> None:
    """Again is a no-op. The files are of the member whom the ticket is about, whoever sends them."""
    wanted = list(dict.fromkeys(upload_ids))
    if not wanted:
        return
    if message.is_internal:  # the member would get it with their copy, without the words that explain it
        raise ValidationFailed(errors=[_problem(_("Pictures go with words to the member only."))])
    held = Attachment.objects.filter(message__ticket_id=message.ticket_id)
    new = set(wanted) - set(held.filter(message=message).values_list("upload_id", flat=True))
    if len(wanted) > MOST or held.count() + len(new) > MOST_OF_TICKET:
        raise ValidationFailed(errors=[_problem(_("%(most)s pictures at once are the most.") % {"most": MOST})])
    purpose = PURPOSE if message.side == life.MEMBER else OF_STAFF
    if new and not uploads.use(member_id=message.ticket.member_id, upload_ids=sorted(new), purpose=purpose):
        raise ValidationFailed(errors=[_problem(_("A picture is not there any more. Choose it again."))])
    Attachment.objects.bulk_create([Attachment(message=message, upload_id=key) for key in wanted if key in new])


def of_message(message: Message) -> tuple[bytes, ...]:
    """Pictures and documents of words, as they are kept; what is gone meanwhile is left out."""
    found = []
    for key in Attachment.objects.filter(message=message).order_by("pk").values_list("upload_id", flat=True):
        with suppress(NotFound):
            found.append(uploads.content(upload_id=key))
    return tuple(found)


def content(*, ticket_id: int, upload_id: int) -> bytes:
    """A file said to the member or by them; the caller has asked whether the ticket may be seen. Raises NotFound."""
    if not Attachment.objects.filter(message__ticket_id=ticket_id, upload_id=upload_id).exists():
        raise NotFound
    return uploads.content(upload_id=upload_id)


def content_for(*, member_id: int, upload_id: int) -> bytes:
    """For the member: a file of a ticket of theirs, or one they just sent. Raises NotFound."""
    own = Attachment.objects.filter(message__ticket__member_id=member_id, upload_id=upload_id)
    if not own.exists() and not uploads.waiting(member_id=member_id, purpose=PURPOSE).filter(pk=upload_id).exists():
        raise NotFound
    return uploads.content(upload_id=upload_id)


def waiting(member_id: int) -> QuerySet[Upload]:
    """Sent already, used by nothing yet: what a broken line or a closed page left behind."""
    return uploads.waiting(member_id=member_id, purpose=PURPOSE)[:MOST]


def _check_words(*texts: str, by: Actor, channel: str, member_id: int) -> None:
    """Words of a member, typed on our pages; a mail has been written and sent. Raises ContentRefused."""
    if by.side == life.MEMBER and channel in TYPED:
        wording.check(*texts, member_id=member_id, pointer="/text")


def _problem(message: str) -> dict[str, str]:
    return {"pointer": "/files", "code": "invalid", "message": message}
