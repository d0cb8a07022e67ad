"""Celery doors of points."""

from celery import shared_task

from apps.core import runs
from apps.points import automatic, checking, expiring, happenings, mall, outlook, services, tallying


@shared_task(name="points.release_holds")
def release_holds() -> None:
    while services.let_go_expired():
        pass


@shared_task(name="points.settle")
def settle() -> None:
    """What runs out, becomes usable or lapses. Nobody depends on it: whoever touches an account settles it first."""
    with runs.recorded("points.settle") as figures:
        figures["accounts"] = services.settle_all()


@shared_task(name="points.warn_expiring")
def warn_expiring() -> None:
    with runs.recorded("points.warn_expiring") as figures:
        figures["facts"] = expiring.publish_expiring()


@shared_task(name="points.check_ledgers")
def check_ledgers() -> None:
    with runs.recorded("points.check_ledgers") as figures:
        run = checking.check()
        figures.update(accounts=run.accounts, entries=run.entries, faults=run.faults)


@shared_task(name=tallying.KIND)
def tally() -> None:
    """The sums that the liability report reads."""
    with runs.recorded(tallying.KIND) as figures:
        done = tallying.tally()
        figures.update(lines=done.lines, is_behind=done.is_behind)


@shared_task(name="points.sweep_mall")
def sweep_mall() -> None:
    """What was not paid within 15 minutes, or not picked up in time."""
    mall.sweep()


@shared_task(name="points.exchange_all")
def exchange_all() -> None:
    """Rewards that are taken by themselves."""
    with runs.recorded("points.exchange_all") as figures:
        figures.update(automatic.exchange_all())


@shared_task(name="points.reward_birthdays")
def reward_birthdays() -> None:
    with runs.recorded("points.reward_birthdays") as figures:
        figures["grants"] = happenings.birthdays()


@shared_task(name="points.reward_events")
def reward_events() -> None:
    with runs.recorded("points.reward_events") as figures:
        figures["grants"] = happenings.events()


@shared_task(name="points.warn_of_falls")
def warn_of_falls() -> None:
    with runs.recorded("points.warn_of_falls") as figures:
        figures["told"] = outlook.warn()
