"""Tells open pages that a ticket moved. Losing this costs nothing: pages also ask now and then."""

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

log = structlog.get_logger("siyu.tickets")
ALL = "desk-all"


def of_ticket(ticket_id: int) -> str:
    return f"ticket-{ticket_id}"


def of_store(store_id: int) -> str:
    return f"desk-{store_id}"


def tell(*, ticket_id: int, store_id: int | None) -> None:
    """Once what was written stands: to who looks at the ticket, and to the queues it may stand in."""
    groups = [of_ticket(ticket_id), ALL, *([of_store(store_id)] if store_id else [])]
    transaction.on_commit(lambda: _send(groups), robust=True)


def _send(groups: list[str]) -> None:
    try:
        async_to_sync(_send_all)(groups)
    except (RedisError, OSError):
        log.warning("ticket notice lost")


async def _send_all(groups: list[str]) -> None:
    layer = get_channel_layer()
    for group in groups:
        await layer.group_send(group, {"type": "ticket.changed"})
