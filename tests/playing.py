"""The worker's part, played by the test itself."""

import importlib

from apps.events.models import Event


def deliver_all(*, failing: bool = False) -> None:
    """Deliver every open fact, oldest first, also those published on the way. See the fixture `run_flows`."""
    # Loaded when asked for: the top floor imports all others, and a broken story must not stop the tests below it.
    flows = importlib.import_module("apps.flows.services")
    failed: set[int] = set()
    progress = True
    while progress:
        progress = False
        for event in Event.objects.filter(finished_at=None, parked_at=None).exclude(pk__in=failed).order_by("pk"):
            if flows.deliver(event_id=event.pk):
                progress = True
            elif Event.objects.get(pk=event.pk).attempts > event.attempts:
                failed.add(event.pk)
    troubles = list(Event.objects.filter(pk__in=failed).values_list("key", "error"))
    assert failing or not troubles, f"steps failed: {troubles}"
