"""Celery doors of the stories."""

from celery import shared_task

from apps.core import clock, runs
from apps.events import services as events
from apps.flows import member_merged, services
from apps.flows.demo import wheel
from apps.members import merging


@shared_task(name="flows.deliver_event")
def deliver_event(event_id: int) -> None:
    services.deliver(event_id=event_id)


@shared_task(name="flows.sweep_events")
def sweep_events() -> None:
    services.sweep()


@shared_task(name="flows.purge_events")
def purge_events() -> None:
    with runs.recorded("flows.purge_events") as figures:
        figures["events"] = events.purge()
        figures["task_runs"] = runs.purge()


@shared_task(name="flows.settle_merges")
def settle_merges() -> None:
    with runs.recorded("flows.settle_merges") as figures:
        figures["rows"] = member_merged.settle_recent()
        figures["images_dropped"] = merging.forget_images()


@shared_task(name="flows.demo_tick")
def demo_tick() -> None:
    wheel.tick_recorded(clock.now())
