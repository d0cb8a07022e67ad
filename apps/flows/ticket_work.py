"""What tickets need of others: a new one finds somebody to work on it; changed hours set the clocks of open ones anew."""

from datetime import timedelta

from django.utils.translation import gettext as _

from apps.core import clock
from apps.events.models import Event
from apps.followups import assigning as followups
from apps.points.tiers import tier_of
from apps.tickets import assigning, clocks, upkeep
from apps.tickets.models import Ticket


def set_rank(event: Event) -> None:
    """The member's tier decides who waits shorter."""
    member_id = event.payload["member_id"]
    tier = tier_of(member_ids=[member_id]).get(member_id)
    upkeep.set_rank(member_id=member_id, rank=tier.rank if tier else 0)


def give_out(event: Event) -> None:
    assigning.give_out(ticket_id=event.payload["ticket_id"])


def set_clocks(event: Event) -> None:
    clocks.recompute(store_id=event.payload["store_id"])


def tell_store(event: Event) -> None:
    """A promise was missed: the store's people find it among their tasks, whoever has the ticket first. Once for a promise."""
    row = Ticket.objects.filter(pk=event.payload["ticket_id"], ended_at=None).first()
    if row is None or row.missed_due is None:
        return
    moment = clock.now()
    task = followups.NewTask(
        source=f"{event.key}:task",
        kind="other",
        title=_("A ticket is late: %(number)s") % {"number": row},
        due_at=moment + timedelta(hours=4),
        expires_at=moment + timedelta(days=7),
        priority=1,
        member_id=row.member_id,
        store_id=row.store_id,
        assignee_id=row.assignee_id,
    )
    followups.assign_many([task])
