"""The last 90 days, lived through day by day with the clock standing at each: orders in, stats, care decided, messages sent.

What came after a message cannot have been caused by it: the orders are the data's, whatever was sent.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings

from apps.care import dispatch, planning, policies, replies
from apps.core import clock
from apps.flows.demo import answers, history, platform, walks
from apps.flows.demo.history import Ledger
from apps.flows.demo.progress import Say, Steps
from apps.gateways.simulator.client import Client
from apps.segments import refresh as stats

DAYS = 90
HOLDOUT = 25  # percent: more than a shop would, so that a year of one shop fills both arms
DECIDE_AT = timedelta(hours=9, minutes=5)  # shop time
SEND_AT = timedelta(hours=10, minutes=1)  # just after the policies' hour


def first_moment(now: datetime) -> datetime:
    """When the first replayed day begins; what was paid before is history."""
    return clock.day_start(clock.local_date(now) - timedelta(days=DAYS))


def run(ledger: Ledger, *, done: int, now: datetime, say: Say) -> Counter[str]:
    """Live from the first replayed day to `now`; the first `done` orders are there already. Returns touches by state."""
    steps = Steps("  replayed day", total=DAYS, say=say)
    figures: Counter[str] = Counter()
    with platform.reachable():
        Client(settings.SIMULATOR_URL).reset()  # an interrupted replay sent the same words to the same phones
        with clock.frozen(first_moment(now)) as moment:
            stats.refresh(moment, full=True)
            policies.install_defaults(holdout_percent=HOLDOUT)
        for number, (decide, send) in enumerate(_days(now)):
            done = _orders_until(ledger, done=done, moment=send)
            if (left := DAYS - 1 - number) == walks.DAYS:
                with clock.frozen(decide):
                    walks.begin(holdout_percent=HOLDOUT)
            figures += _live(decide, send, are_walked=left <= walks.DAYS and left % walks.EVERY == 0)
            steps.at(number, f"{sum(figures.values()):,} care decisions")
    _orders_until(ledger, done=done, moment=now)
    return figures


def _days(now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """When care decides and when it sends, day after day, as far as both have passed."""
    day = first_moment(now)
    while day + SEND_AT <= now:
        yield day + DECIDE_AT, day + SEND_AT
        day = clock.day_end(clock.local_date(day))


def _live(decide: datetime, send: datetime, *, are_walked: bool) -> Counter[str]:
    """One day of care, as the hourly run and the drain would have lived it."""
    with clock.frozen(decide):
        stats.refresh(decide)
        plan = planning.plan(moment=decide)
    walked = walks.tick(send) if are_walked else 0
    with clock.frozen(send):
        dispatch.drain()
        answers.give()
        replies.take()
    return Counter(planned=plan.planned, held_out=plan.held_out, skipped=plan.skipped.total(), steps_of_journeys=walked)


def _orders_until(ledger: Ledger, *, done: int, moment: datetime) -> int:
    """Let the orders paid up to `moment` happen. Returns how many have happened by then."""
    last = max(done, ledger.year.baskets.until(moment))
    if last > done:
        history.add_day(ledger, first=done, last=last)
    return last
