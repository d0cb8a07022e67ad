"""Celery doors of care."""

from celery import shared_task

from apps.care import dispatch, replies, services
from apps.care.campaigns import running
from apps.care.journeys import choosing, stepping
from apps.core import clock, runs


@shared_task(name="care.run")
def run() -> None:
    with runs.recorded("care.run") as figures:
        plan = services.plan(moment=clock.now())
        figures.update(planned=plan.planned, held_out=plan.held_out, skipped=dict(plan.skipped))


@shared_task(name="care.walk_journeys")
def walk_journeys() -> None:
    """Sent every minute; who is late for a tick is taken by the next one."""
    if stepping.courses():
        with runs.recorded("care.walk_journeys") as figures:
            figures.update(stepping.tick(clock.now()).counts())


@shared_task(name="care.drain")
def drain() -> None:
    """Beat sends it every 10 s; each channel is a task of its own, so that a slow one holds up no other."""
    for channel in dispatch.busy(moment=clock.now()):
        drain_lane.delay(channel)


@shared_task(name="care.drain_lane")
def drain_lane(channel: str) -> None:
    dispatch.drain_lane(channel)


@shared_task(name="care.take_replies")
def take_replies() -> None:
    """Sent every 20 s: a withdrawal by SMS counts within a minute."""
    replies.take()


@shared_task(name="care.decide_campaigns")
def decide_campaigns() -> None:
    """Sent every 10 minutes: tests of campaigns, whose rest waits an hour longer, and splits of journeys."""
    with runs.recorded("care.decide_campaigns") as figures:
        moment = clock.now()
        figures.update(decided=running.decide_due(moment=moment), chosen=choosing.choose_due(moment=moment))
