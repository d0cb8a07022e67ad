"""Celery doors of segments."""

from celery import shared_task

from apps.core import clock, runs
from apps.segments import refresh


@shared_task(name="segments.refresh_stats")
def refresh_stats() -> None:
    with runs.recorded("segments.refresh_stats") as figures:
        figures.update(refresh.refresh(clock.now()).counts())
