"""What tickets need of others: a new one finds somebody to work on it; changed hours set the clocks of open ones anew."""

from datetime import timedelta

from django.utils.translation import gettext as _

from apps.core import clock
from apps.events.models import Event
from apps.followups import assigning as followups
from apps.followups import services as changing_tasks
from apps.points.tiers import tier_of
from apps.stores.models import Role, Staff
from apps.tickets import assigning, clocks, upkeep
from apps.tickets.models import Ticket

NEAR = "ticket.near:"  # how sources of such tasks begin


def set_rank(event: Event) -> None:
    """The member's tier decides who waits shorter."""
    member_id = event.payload["member_id"]
    tier = tier_of(member_ids=[member_id]).get(member_id)
    upkeep.set_rank(member_id=member_id, rank=tier.rank if tier else 0)


def give_out(event: Event) -> None:
    assigning.give_out(ticket_id=event.payload["ticket_id"])


def set_clocks(event: Event) -> None:
    clocks.recompute(store_id=event.payload["store_id"])


def tell_agent(event: Event) -> None:
    """A promise is near: whoever has the ticket finds it among their tasks, or the store's people where nobody has it."""
    row = Ticket.objects.filter(pk=event.payload["ticket_id"], ended_at=None).first()
    if row is None or row.due_at is None or row.warned_due != row.due_at:  # answered meanwhile
        return
    task = followups.NewTask(
        source=f"{NEAR}{row.pk}:{event.pk}",
        kind="other",
        title=_("Soon late: ticket %(number)s") % {"number": row},
        due_at=row.due_at,
        expires_at=row.due_at + timedelta(hours=1),  # from then on it is missed, which is a task of its own
        priority=1,
        member_id=row.member_id,
        store_id=row.store_id,
        assignee_id=row.assignee_id,
    )
    followups.assign_many([task])


def call_off(event: Event) -> None:
    """Answered, or moved on: what was near is near no more."""
    row = Ticket.objects.filter(pk=event.payload["ticket_id"]).first()
    if row is not None and (row.due_at is None or row.warned_due != row.due_at):
        changing_tasks.cancel_by_prefix(prefix=f"{NEAR}{row.pk}:")


def tell_region(event: Event) -> None:
    """A missed promise is still not kept: the manager of the store's region finds it among their tasks, or else the store's people."""
    row = Ticket.objects.select_related("store").filter(pk=event.payload["ticket_id"], ended_at=None).first()
    if row is None or row.raised_due is None or row.raised_due != row.due_at:
        return
    region = row.store.region_id if row.store else None
    above = Staff.objects.filter(role=Role.REGION_MANAGER, region_id=region or 0, is_active=True, user__isnull=False)
    manager, moment = above.order_by("pk").first(), clock.now()
    task = followups.NewTask(
        source=f"{event.key}:task",
        kind="other",
        title=_("Still late: ticket %(number)s") % {"number": row},
        due_at=moment + timedelta(hours=2),
        expires_at=moment + timedelta(days=7),
        priority=1,
        member_id=row.member_id,
        store_id=row.store_id,
        assignee_id=manager.pk if manager else None,
    )
    followups.assign_many([task])


def tell_store(event: Event) -> None:
    """A promise was missed: the store's people find it among their tasks, whoever has the ticket first. Once for a promise."""
    row = Ticket.objects.filter(pk=event.payload["ticket_id"], ended_at=None).first()
    if row is None or row.missed_due is None:
        return
    changing_tasks.cancel_by_prefix(prefix=f"{NEAR}{row.pk}:")
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
