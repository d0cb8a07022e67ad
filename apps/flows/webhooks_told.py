"""What other systems are told: last among the steps of a fact, so that nothing of our own waits for it."""

from apps.events.models import Event
from apps.webhooks import telling


def tell(event: Event) -> None:
    telling.tell(fact=event.name, key=event.key, payload=event.payload, moment=event.created_at)
