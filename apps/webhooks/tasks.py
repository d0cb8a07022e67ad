"""Celery doors of webhooks."""

from celery import shared_task

from apps.core import clock, runs
from apps.webhooks import dispatch, selectors


@shared_task(name="webhooks.drain")
def drain() -> None:
    """Sent by whoever stores a message, and every 5 s: a row in the job console only when something is due."""
    if selectors.is_due(moment=clock.now()):
        with runs.recorded("webhooks.drain") as figures:
            figures.update(dispatch.drain())
