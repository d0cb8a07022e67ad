"""Celery doors of behaviour events."""

from celery import shared_task

from apps.activity import partitions, services
from apps.core import clock, runs


@shared_task(name="activity.keep")
def keep() -> None:
    with runs.recorded("activity.keep") as figures:
        figures["months_made"], figures["months_dropped"] = partitions.keep(clock.now())
        figures["strayed"] = partitions.strayed()
        figures.update(services.purge())
