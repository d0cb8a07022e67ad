"""Celery doors of the API."""

from celery import shared_task

from apps.api import deprecations
from apps.core import clock, runs


@shared_task(name="api.tell_deprecations")
def tell_deprecations() -> None:
    with runs.recorded("api.tell_deprecations") as figures:
        figures.update(deprecations.tell(moment=clock.now()))
