"""Mails of the desk that came back: the address is closed, and whoever works on the ticket is told."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.gateways.bounces import Bounce
from apps.members import mail_addresses
from apps.members import selectors as members
from apps.tickets import life
from apps.tickets import services as tickets
from apps.tickets.models import Posting
from apps.tickets.services import Actor

ANSWER = "tkt"  # key of a mail that carries words of ours: "tkt:<message>"
HOUSE = Actor(life.HOUSE)


@transaction.atomic
def came_back(bounce: Bounce) -> bool:
    """A hard one or a complaint closes the member's address; a soft one is only noted. Again is a no-op. False: no mail of the desk."""
    row = _posting(bounce.key)
    if row is None:
        return False
    Posting.objects.filter(pk=row.pk).update(state=Posting.State.FAILED, code=bounce.code[:60])
    if bounce.kind != "soft":
        close(row, reason=bounce.kind)
    else:
        _note(row, _("An e-mail to the member came back this time (%(code)s).") % {"code": bounce.code})
    return True


def close(row: Posting, *, reason: str) -> None:
    """No more mail goes to the member, and a note among staff says so; call it in a transaction. Again is a no-op."""
    mail_addresses.close(member_id=members.current_id(row.ticket.member_id), reason=reason)
    why = {"complaint": _("the member called it spam")}.get(reason, _("there is no such mailbox"))
    text = _("An e-mail to the member came back: %(why)s. The address is closed; answers stand in their inbox.")
    _note(row, text % {"why": why})


def _posting(key: str) -> Posting | None:
    kind, _colon, number = key.partition(":")
    rows = Posting.objects.select_related("ticket")
    if kind == ANSWER:
        return rows.filter(message_id=int(number)).first()
    return rows.filter(source=key).first() if kind == "vote" else None


def _note(row: Posting, text: str) -> None:
    tickets.say(
        ticket_id=row.ticket_id, by=HOUSE, text=text, source=f"mail_back:{row.pk}", is_internal=True, channel="email"
    )  # fmt: skip
