"""Celery doors of segments."""

from celery import shared_task

from apps.core import clock, runs
from apps.segments import building, refresh


@shared_task(name="segments.refresh_stats")
def refresh_stats() -> None:
    with runs.recorded("segments.refresh_stats") as figures:
        figures.update(refresh.refresh(clock.now()).counts())


@shared_task(name="segments.build")
def build() -> None:
    with runs.recorded("segments.build") as figures:
        figures.update(building.build(clock.now()).counts())
