"""What tickets need of others: a new one finds somebody to work on it; changed hours set the clocks of open ones anew."""

from apps.events.models import Event
from apps.tickets import assigning, clocks


def give_out(event: Event) -> None:
    assigning.give_out(ticket_id=event.payload["ticket_id"])


def set_clocks(event: Event) -> None:
    clocks.recompute(store_id=event.payload["store_id"])
