"""Celery doors of webhooks."""

from celery import shared_task

from apps.core import clock, runs
from apps.webhooks import dispatch, ledgers, selectors


@shared_task(name="webhooks.drain")
def drain() -> None:
    """Sent by whoever stores a message, and every 5 s: a row in the job console only when something is due."""
    if selectors.is_due(moment=clock.now()):
        with runs.recorded("webhooks.drain") as figures:
            figures.update(dispatch.drain())


@shared_task(name="webhooks.read_ledgers")
def read_ledgers() -> None:
    """Sent every 10 s; no row in the job console, for mostly nobody asks."""
    ledgers.read()
