"""What happens to a ticket reaches its member: in the inbox always, by e-mail or in WeCom's service window where they write there; in
the end they are asked how it went."""

from django.utils.translation import gettext as _

from apps.core import clock
from apps.events.models import Event
from apps.flows import service_window
from apps.gateways import inbox
from apps.tickets import life, mail_out
from apps.tickets.models import Entry, Message, Ticket

LONGEST = 500


def tell(event: Event) -> None:
    """Words of ours."""
    said = Message.objects.select_related("ticket").filter(pk=event.payload["message_id"], is_internal=False).first()
    if said is None or said.side == life.MEMBER:
        return
    _put(said.ticket, f"said:{said.pk}", _("News about “%(title)s”") % {"title": said.ticket.title}, said.text)
    mail_out.answer(said)
    service_window.answer(said)


def tell_move(event: Event) -> None:
    """Where it goes on without words: what is sent, what has come, and the end with the question how it went."""
    ticket, move = Ticket.objects.get(pk=event.payload["ticket_id"]), event.payload["move"]
    if event.payload["state"] == life.RESOLVED:
        text = _("It is done. Tell us on its page how we did; if it is not solved, you can open it again for 7 days.")
        _put(ticket, f"done:{event.pk}", _("“%(title)s” is done") % {"title": ticket.title}, text)
        mail_out.ask_for_vote(ticket)
        service_window.ask_for_vote(ticket)
    elif move in _SAID and not _had_words(ticket, move):
        _put(ticket, f"moved:{event.pk}", _("News about “%(title)s”") % {"title": ticket.title}, str(_SAID[move]()))


def _had_words(ticket: Ticket, move: str) -> bool:
    """Words of the same moment tell it already."""
    moved = Entry.objects.filter(ticket=ticket, act=move).order_by("-pk").first()
    if moved is None:
        return False
    words = Message.objects.filter(ticket=ticket, is_internal=False, at=moved.at)
    return words.exclude(side=life.MEMBER).exists()


def _put(ticket: Ticket, key: str, title: str, text: str) -> None:
    letter = inbox.Letter(
        key=f"ticket:{ticket.pk}:{key}", member_id=ticket.member_id, title=title[:60], body=text[:LONGEST]
    )
    inbox.deliver_batch([letter], moment=clock.now())


_SAID = {
    "accept": lambda: _("We agreed. Please send it back; its page says how it goes on."),
    "receive": lambda: _("What you sent back has come. We look at it now."),
    "send": lambda: _("It is on its way to you. Confirm on its page when you have it."),
    "offer": lambda: _("We have a solution for you. Say on its page whether it helps."),
}
