"""Celery doors of live streams."""

from celery import shared_task

from apps.core import runs
from apps.livestream import upkeep


@shared_task(name="livestream.sweep")
def sweep() -> None:
    with runs.recorded("livestream.sweep") as figures:
        figures.update(upkeep.sweep())
