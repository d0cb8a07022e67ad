"""Celery doors of coupons."""

from celery import shared_task

from apps.core import runs
from apps.coupons import checking, keeping, redeeming, warnings


@shared_task(name="coupons.expire")
def expire() -> None:
    """Nobody depends on it: readers compare the days."""
    with runs.recorded("coupons.expire") as figures:
        figures["coupons"] = keeping.expire_all()


@shared_task(name="coupons.warn_expiring")
def warn_expiring() -> None:
    with runs.recorded("coupons.warn_expiring") as figures:
        figures["facts"] = warnings.publish_expiring()


@shared_task(name="coupons.warn_low")
def warn_low() -> None:
    warnings.publish_low()


@shared_task(name="coupons.release_reservations")
def release_reservations() -> None:
    while redeeming.release_overdue():
        pass


@shared_task(name="coupons.check")
def check() -> None:
    """Counters, states and budgets against the rows they stand for; what is wrong is named by `bin/manage check_ledgers`."""
    with runs.recorded("coupons.check") as figures:
        checked = checking.check()
        figures.update(coupons=checked.coupons, uses=checked.uses, faults=checked.count)
