"""Celery doors of the community."""

from celery import shared_task

from apps.community import (
    callbacks,
    codes,
    contacts,
    group_codes,
    handing,
    plans,
    pool,
    quality,
    sending,
    tags,
    window,
    window_out,
    words,
)
from apps.core import clock, runs
from apps.gateways import wecom_inbox
from apps.gateways.wecom_calls import Refused, Unanswered


@shared_task(name="community.take_events")
def take_events() -> None:
    """Beat sends it every 5 s, a callback with a welcome at once. A row in the job console only when something was told."""
    if handled := callbacks.take_all():
        with runs.recorded("community.take_events") as figures:
            figures["handled"] = handled
            window_out.send_due()


@shared_task(name="community.send_answers")
def send_answers() -> None:
    """What was just written to somebody in the service window; a lost wake-up is mended by `community.keep`."""
    window_out.send_due()


@shared_task(name="community.keep")
def keep() -> None:
    """Every minute: codes as their plans have them, contacts to their members, tags both ways."""
    with runs.recorded("community.keep") as figures:
        figures["codes"] = codes.refresh()
        figures["group_codes"] = group_codes.refresh()
        figures["handed_over"] = handing.settle_all()
        figures["bound"] = contacts.bind()
        figures["window_handed"] = window.hand_over()
        figures["window_forgotten"] = window.forget_strangers(moment=clock.now())
        figures["window_sent"] = window_out.send_due()["sent"]
        figures["words"] = words.refresh()
        try:
            figures["tags"] = tags.even_out()
        except (Unanswered, Refused) as trouble:
            figures["trouble"] = type(trouble).__name__
        figures["passed_on"] = pool.pass_on(moment=clock.now())
        figures.update(plans.sweep(moment=clock.now()))
        figures.update(sending.round_of_sends())
        figures["purged"] = wecom_inbox.purge(moment=clock.now())


@shared_task(name="community.recycle")
def recycle() -> None:
    """Every hour: notice to who does nothing for a customer, and what comes of it; the days that WeCom tells of by now."""
    with runs.recorded("community.recycle") as figures:
        figures.update(pool.recycle(moment=clock.now()))
        figures["days_read"] = quality.read_days(moment=clock.now())
