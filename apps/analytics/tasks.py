"""Celery doors of analytics."""

from celery import shared_task

from apps.analytics import rollup
from apps.core import clock, runs


@shared_task(name="analytics.roll_up")
def roll_up() -> None:
    with runs.recorded("analytics.roll_up") as figures:
        rolled = rollup.roll_up(moment=clock.now())
        figures.update(days=(rolled.last - rolled.first).days + 1, figures=rolled.figures)
