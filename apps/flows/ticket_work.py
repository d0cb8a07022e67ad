"""What tickets need of others: a new one finds somebody to work on it; changed hours set the clocks of open ones anew."""

from apps.events.models import Event
from apps.points.tiers import tier_of
from apps.tickets import assigning, clocks, upkeep


def set_rank(event: Event) -> None:
    """The member's tier decides who waits shorter."""
    member_id = event.payload["member_id"]
    tier = tier_of(member_ids=[member_id]).get(member_id)
    upkeep.set_rank(member_id=member_id, rank=tier.rank if tier else 0)


def give_out(event: Event) -> None:
    assigning.give_out(ticket_id=event.payload["ticket_id"])


def set_clocks(event: Event) -> None:
    clocks.recompute(store_id=event.payload["store_id"])
