"""WeCom's service window as a way into the one thread: a member's words there stand in their ticket, answers go back there."""

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.community import window, window_out, words
from apps.community.models import WindowMessage
from apps.events.models import Event
from apps.members import selectors as members
from apps.tickets import attachments, life, votes
from apps.tickets import services as tickets
from apps.tickets.errors import LineInTicket, MoveRefused, ReopenOver
from apps.tickets.models import Message, Ticket
from apps.tickets.services import Actor, NewTicket

MEMBER, CHANNEL = Actor(life.MEMBER), "wecom"
SAID, VOTE = "ticket:said:", "ticket:vote:"


def take(event: Event) -> None:
    """Into the newest ticket that they write to from WeCom, while it is open or can be opened again; else a new one."""
    row = WindowMessage.objects.filter(pk=event.payload["message_id"]).first()
    if row is None:  # erased meanwhile
        return
    member_id, source = members.current_id(event.payload["member_id"]), row.key
    pictures = [row.upload_id] if row.upload_id else []
    text = row.text.strip() or (_("[Picture]") if pictures else _("[A picture that could not be fetched]"))
    if not Message.objects.filter(source__in=[source, f"{source}:first"]).exists() and not _answered(
        member_id, text, source, pictures
    ):
        new = NewTicket(
            source=source, member_id=member_id, kind=life.QUESTION, title=text.splitlines()[0][:60], text=text, channel=CHANNEL
        )  # fmt: skip
        attachments.open_ticket(new, by=MEMBER, upload_ids=pictures)
    window.settle(row.pk)


def answer(said: Message) -> None:
    """Words of ours, where the member wrote last in WeCom; call it in the transaction of the words. Again is a no-op."""
    if not _writes_there(said.ticket_id):
        return
    text = said.text
    if said.pictures.exists():
        address = f"{settings.PUBLIC_URL}{reverse('portal:tickets')}"
        text += "\n" + _("There are pictures with it, see your requests: %(address)s") % {"address": address}
    window_out.answer(member_id=members.current_id(said.ticket.member_id), key=f"{SAID}{said.pk}", text=text)


def ask_for_vote(ticket: Ticket) -> None:
    """The same for the link to vote, once for a ticket."""
    if not _writes_there(ticket.pk):
        return
    address = f"{settings.PUBLIC_URL}{reverse('portal:ticket_vote', args=[votes.token(ticket.pk)])}"
    text = _("Your request is done. How did we do? One tap is enough:") + f"\n{address}"
    window_out.answer(member_id=members.current_id(ticket.member_id), key=f"{VOTE}{ticket.pk}", text=text)


def tell_desk(event: Event) -> None:
    """An answer did not reach the member there: a note among staff says so, and why."""
    key = event.payload["message_key"]
    said = Message.objects.filter(pk=int(key.removeprefix(SAID))).first() if key.startswith(SAID) else None
    if said is None:
        return
    why = {
        window_out.OVER: _("the 48 hours after their last words are over"),
        window_out.NOT_NOW: _("the conversation is closed there, or somebody has it in WeCom"),
        words.STOPPED: _("it has a word in it that the house does not say to customers"),
    }.get(event.payload["code"], event.payload["code"])
    text = _("An answer did not reach the member in WeCom: %(why)s. It stands in their inbox.") % {"why": why}
    tickets.say(
        ticket_id=said.ticket_id, by=tickets.HOUSE, text=text, source=f"window:{key}", is_internal=True, channel=CHANNEL
    )


def _answered(member_id: int, text: str, source: str, pictures: list[int]) -> bool:
    """False where there is no such ticket, or it is over for good."""
    written = Message.objects.filter(ticket__member_id=member_id, side=life.MEMBER, channel=CHANNEL).order_by("-pk")
    try:
        ticket = written.select_related("ticket__into")[:1].get().ticket
    except ObjectDoesNotExist:
        return False
    ticket = ticket.into or ticket
    move = "reopen" if ticket.state in life.DONE else ""
    if ticket.ended_at is not None and not move:
        return False
    try:
        with transaction.atomic():
            attachments.say(
                ticket_id=ticket.pk, by=MEMBER, text=text, source=source, upload_ids=pictures, channel=CHANNEL, move=move
            )  # fmt: skip
    except (ReopenOver, LineInTicket, MoveRefused):
        return False
    return True


def _writes_there(ticket_id: int) -> bool:
    """By which way the member wrote last."""
    last = Message.objects.filter(ticket_id=ticket_id, side=life.MEMBER).order_by("-pk").first()
    return last is not None and last.channel == CHANNEL
