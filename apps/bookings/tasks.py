"""Celery doors of bookings."""

from celery import shared_task

from apps.bookings import upkeep
from apps.core import runs


@shared_task(name="bookings.sweep")
def sweep() -> None:
    with runs.recorded("bookings.sweep") as figures:
        figures.update(upkeep.sweep())
