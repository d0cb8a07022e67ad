"""Complaints are followed until the member agrees: a task that comes again as long as they have not. So are bad votes, once."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from apps.core import clock
from apps.events.models import Event
from apps.followups import assigning
from apps.followups import services as followups
from apps.tickets import life
from apps.tickets.models import Ticket

AFTER = timedelta(days=2)
LOW = 2  # stars


def follow(event: Event) -> None:
    """A solution was offered: in two days somebody asks. Once the member has said anything, nobody needs to."""
    if event.payload["kind"] != life.COMPLAINT:
        return
    ticket = Ticket.objects.get(pk=event.payload["ticket_id"])
    if event.payload["state"] == life.OFFERED == ticket.state:
        _give(ticket, f"{_source(ticket.pk)}{event.pk}", event.created_at)
    else:
        followups.cancel_by_prefix(prefix=_source(ticket.pk))


def again(event: Event) -> None:
    """The task was done, and the member still has not agreed: it comes again."""
    source = str(event.payload["source"])
    if not source.startswith("complaint:"):
        return
    ticket = Ticket.objects.filter(pk=int(source.split(":")[1]), state=life.OFFERED).first()
    if ticket is not None:
        _give(ticket, f"{_source(ticket.pk)}{event.pk}", event.created_at)


def low_vote(event: Event) -> None:
    """Whoever was not content is called."""
    if event.payload["score"] > LOW:
        return
    ticket = Ticket.objects.get(pk=event.payload["ticket_id"])
    title, note = _("Not content with our service: call"), _("Request %(ticket)s, %(score)s of 5 stars")
    task = assigning.NewTask(
        source=f"vote:{ticket.pk}", kind="call", title=title, due_at=clock.now() + AFTER, member_id=ticket.member_id,
        note=note % {"ticket": ticket, "score": event.payload["score"]}, store_id=ticket.store_id,
    )  # fmt: skip
    assigning.assign_many([task])


def _give(ticket: Ticket, source: str, since: datetime) -> None:
    task = assigning.NewTask(
        source=source, kind="call", title=_("Complaint: does the offered solution help?"), due_at=since + AFTER,
        note=_("Request %(ticket)s. It comes again until the member agrees.") % {"ticket": ticket},
        member_id=ticket.member_id, store_id=ticket.store_id, assignee_id=ticket.assignee_id,
    )  # fmt: skip
    assigning.assign_many([task])


def _source(ticket_id: int) -> str:
    return f"complaint:{ticket_id}:"
