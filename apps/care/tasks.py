"""Celery doors of care."""

from celery import shared_task

from apps.care import dispatch, replies, services
from apps.core import clock, runs


@shared_task(name="care.run")
def run() -> None:
    with runs.recorded("care.run") as figures:
        plan = services.plan(moment=clock.now())
        figures.update(planned=plan.planned, held_out=plan.held_out, skipped=dict(plan.skipped))


@shared_task(name="care.drain")
def drain() -> None:
    """Beat sends it every 10 s; it leaves a row only when there was something to do."""
    dispatch.drain_recorded()


@shared_task(name="care.take_replies")
def take_replies() -> None:
    """Sent every 20 s: a withdrawal by SMS counts within a minute."""
    replies.take()
