"""Celery doors of follow-ups."""

from celery import shared_task

from apps.core import runs
from apps.followups import upkeep


@shared_task(name="followups.sweep")
def sweep() -> None:
    with runs.recorded("followups.sweep") as figures:
        figures.update(upkeep.sweep())
