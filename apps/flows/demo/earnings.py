"""Points of the demo: what the shop's rules give for the orders of the last 90 days, each at its payment.

Growth is not earned here: a year of it came along as an opening (`standings.py`), so its rule rests until these orders are rewarded.
"""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from itertools import zip_longest

from django.db import connection

from apps.flows.demo.progress import Say, Steps
from apps.flows.demo.state import SOURCE
from apps.orders.models import Order
from apps.points import awards, defaults, rules
from apps.points.earning import Rule

AT_ONCE = awards.AT_ONCE
HALVES = 2  # members are rewarded in two threads: one reckons while the database posts what the other reckoned


def earn(*, since: datetime, now: datetime, say: Say) -> tuple[int, int]:
    """Reward the orders paid from `since` to `now`. Returns how many orders, and the points given. Again: a no-op."""
    defaults.install()
    paid = Order.objects.filter(source=SOURCE, paid_at__gte=since, paid_at__lte=now)
    orders = list(paid.order_by("pk").values_list("pk", "member_id"))  # numbered in time
    steps, given = Steps("  orders rewarded", total=len(orders), say=say), 0
    growth = list(Rule.objects.filter(currency__key="growth", is_active=True).values_list("pk", flat=True))
    for rule_id in growth:
        rules.pause(rule_id=rule_id)
    halves = [[order_id for order_id, member_id in orders if member_id % HALVES == half] for half in range(HALVES)]
    done = 0
    with ThreadPoolExecutor(HALVES) as threads:
        for chunks in zip_longest(*(_batched(half) for half in halves), fillvalue=[]):
            given += sum(made.result() for made in [threads.submit(copy_context().run, _award, one) for one in chunks])
            done += sum(map(len, chunks))
            steps.at(done, f"{given:,} points")
    for rule_id in growth:
        rules.resume(rule_id=rule_id)
    return len(orders), given


def _award(order_ids: list[int]) -> int:
    """The points given. The thread that does it keeps no connection."""
    try:
        return sum(outcome.points for outcome in awards.award_orders(order_ids=order_ids))
    finally:
        connection.close()


def _batched(order_ids: list[int]) -> list[list[int]]:
    return [order_ids[first : first + AT_ONCE] for first in range(0, len(order_ids), AT_ONCE)]
