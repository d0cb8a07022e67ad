"""Celery doors of tickets."""

from celery import shared_task

from apps.core import runs
from apps.tickets import mail_out, upkeep


@shared_task(name="tickets.tick")
def tick() -> None:
    with runs.recorded("tickets.tick") as figures:
        figures.update(upkeep.tick())


@shared_task(name="tickets.post")
def post() -> None:
    with runs.recorded("tickets.post") as figures:
        figures.update(mail_out.drain())
