"""Celery doors of referral."""

from celery import shared_task

from apps.core import runs
from apps.referral import upkeep


@shared_task(name="referral.sweep")
def sweep() -> None:
    with runs.recorded("referral.sweep") as figures:
        figures.update(upkeep.sweep())
