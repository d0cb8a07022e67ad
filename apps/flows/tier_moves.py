"""What changes a member's tier: growth from an order, growth taken back by a refund, two records becoming one. After the reward."""

from apps.core import clock
from apps.events.models import Event
from apps.members import selectors as members
from apps.points import tiers


def reassess(event: Event) -> None:
    cause = "refund" if event.name == "order.refunded" else "reached"
    member_id = members.current_id(event.payload["member_id"])
    tiers.reassess(member_ids=[member_id], moment=clock.now(), cause=cause)


def join(event: Event) -> None:
    """The better of two tiers counts; after the books were joined."""
    survivor_id = members.current_id(event.payload["survivor_id"])
    tiers.join(survivor_id=survivor_id, loser_id=event.payload["loser_id"], moment=clock.now())


def reassess_both(event: Event) -> None:
    """After an undoing."""
    both = members.current_ids([event.payload["survivor_id"], event.payload["loser_id"]])
    tiers.reassess(member_ids=sorted(set(both.values())), moment=clock.now())
