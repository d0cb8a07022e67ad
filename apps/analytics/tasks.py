"""Celery doors of analytics."""

from celery import shared_task

from apps.analytics import coupon_days, effect, exports, insiders, live_board, quality, rollup
from apps.analytics.notices import posting, watching
from apps.analytics.study import counting, refreshing
from apps.core import clock, runs


@shared_task(name="analytics.roll_up")
def roll_up() -> None:
    with runs.recorded("analytics.roll_up") as figures:
        moment = clock.now()
        rolled = rollup.roll_up(moment=moment)
        figures.update(days=(rolled.last - rolled.first).days + 1, figures=rolled.figures)
        figures["policies"] = len(effect.refresh(moment=moment))


@shared_task(name=counting.KIND)
def count_studies() -> None:
    with runs.recorded(counting.KIND) as figures:
        figures.update(refreshing.run(moment=clock.now()))


@shared_task(name=counting.WHOLE)
def count_all_studies() -> None:
    with runs.recorded(counting.WHOLE) as figures:
        figures.update(refreshing.run(moment=clock.now(), whole=True))


@shared_task(name=watching.KIND)
def watch_figures() -> None:
    with runs.recorded(watching.KIND) as figures:
        figures["alerts"] = watching.judge(moment=clock.now()).began


@shared_task(name=posting.DIGEST)
def morning_digest() -> None:
    with runs.recorded(posting.DIGEST) as figures:
        figures["planned"] = posting.post_digest()


@shared_task(name=posting.KIND, ignore_result=True)
def post_notices() -> None:
    with runs.recorded(posting.KIND) as figures:
        figures.update(posting.drain())


@shared_task(name="analytics.tell_boards", ignore_result=True)
def tell_boards() -> None:
    """Every two seconds, so it leaves no row of its run."""
    live_board.tell(moment=clock.now())


@shared_task(name="analytics.coupon_days")
def count_coupons() -> None:
    with runs.recorded("analytics.coupon_days") as figures:
        figures["pairs"] = coupon_days.refresh(moment=clock.now()).pairs


@shared_task(name="analytics.coupon_days_whole")
def count_all_coupons() -> None:
    with runs.recorded("analytics.coupon_days_whole"):
        coupon_days.refresh(moment=clock.now(), whole=True)


@shared_task(name=quality.KIND)
def measure_quality() -> None:
    with runs.recorded(quality.KIND) as figures:
        figures["members"] = quality.measure(moment=clock.now())


@shared_task(name="analytics.purge_exports")
def purge_exports() -> None:
    with runs.recorded("analytics.purge_exports") as figures:
        figures["files"] = exports.purge()


@shared_task(name=insiders.KIND)
def notice_hands() -> None:
    with runs.recorded(insiders.KIND) as figures:
        figures["alerts"] = insiders.notice()
