"""A journey's step calls an endpoint: one delivery for each walk and step, however often the fact comes."""

from apps.events.models import Event
from apps.webhooks import telling


def call(event: Event) -> None:
    telling.call(endpoint=event.payload["endpoint"], key=event.key, payload=event.payload, moment=event.created_at)
