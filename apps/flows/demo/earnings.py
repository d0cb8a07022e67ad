"""Points of the demo: what the shop's rules give for the orders of the last 90 days, each at its payment.

Growth is not earned here: a year of it came along as an opening (`standings.py`), so its rule rests until these orders are rewarded.
"""

from datetime import datetime

from apps.flows.demo.progress import Say, Steps
from apps.flows.demo.state import SOURCE
from apps.orders.models import Order
from apps.points import awards, defaults, rules
from apps.points.earning import Rule

AT_ONCE = awards.AT_ONCE


def earn(*, since: datetime, now: datetime, say: Say) -> tuple[int, int]:
    """Reward the orders paid from `since` to `now`. Returns how many orders, and the points given. Again: a no-op."""
    defaults.install()
    paid = Order.objects.filter(source=SOURCE, paid_at__gte=since, paid_at__lte=now)
    order_ids = list(paid.order_by("pk").values_list("pk", flat=True))  # numbered in time
    steps, given = Steps("  orders rewarded", total=len(order_ids), say=say), 0
    growth = list(Rule.objects.filter(currency__key="growth", is_active=True).values_list("pk", flat=True))
    for rule_id in growth:
        rules.pause(rule_id=rule_id)
    for first in range(0, len(order_ids), AT_ONCE):
        made = awards.award_orders(order_ids=order_ids[first : first + AT_ONCE])
        given += sum(outcome.points for outcome in made)
        steps.at(min(first + AT_ONCE, len(order_ids)), f"{given:,} points")
    for rule_id in growth:
        rules.resume(rule_id=rule_id)
    return len(order_ids), given
