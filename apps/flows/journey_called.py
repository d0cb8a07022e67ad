"""A journey's step calls an endpoint: one delivery for each walk and step, however often the fact comes."""

from apps.care.journeys import callees
from apps.events.models import Event
from apps.webhooks import selectors, telling

callees.bring(names=selectors.callable_endpoints, why_not=selectors.why_not_called)


def call(event: Event) -> None:
    telling.call(endpoint=event.payload["endpoint"], key=event.key, payload=event.payload, moment=event.created_at)
