"""Celery doors of the stories."""

from celery import shared_task

from apps.core import clock, runs
from apps.flows import erasure, export, job_files, member_merged, retention, services, tier_moves
from apps.flows.demo import wheel
from apps.members import merging


@shared_task(name="flows.deliver_event")
def deliver_event(event_id: int) -> None:
    services.deliver(event_id=event_id)


@shared_task(name="flows.sweep_events")
def sweep_events() -> None:
    services.sweep()


@shared_task(name="flows.purge_expired")
def purge_expired() -> None:
    with runs.recorded(retention.TASK) as figures:
        figures.update(retention.run())


@shared_task(name="flows.privacy")
def privacy() -> None:
    """Erasures whose waiting time is over, copies that nobody fetched, old files."""
    with runs.recorded("flows.privacy") as figures:
        figures["exports_expired"] = export.expire()
        figures["files_removed"] = job_files.remove_old()
        figures.update(erasure.run_due())


@shared_task(name="flows.settle_merges")
def settle_merges() -> None:
    with runs.recorded("flows.settle_merges") as figures:
        figures["rows"] = member_merged.settle_recent()
        figures["images_dropped"] = merging.forget_images()


@shared_task(name="flows.move_tiers")
def move_tiers() -> None:
    with runs.recorded("flows.move_tiers") as figures:
        done = tier_moves.move_due()
        figures.update(looked_at=done.looked_at, rose=done.rose, fell=done.fell)


@shared_task(name="flows.demo_tick")
def demo_tick() -> None:
    wheel.tick_recorded(clock.now())
