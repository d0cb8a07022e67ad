"""The demo's tickets come out of its own orders, once, and stand in many states."""

from datetime import timedelta

import pytest

from apps.core import clock
from apps.flows.demo import desk
from apps.members import services as members
from apps.orders import services as orders
from apps.orders.models import Order
from apps.tickets.models import Entry, Macro, Ticket, Vote
from tests.tickets import desk as of

pytestmark = pytest.mark.django_db


def test_the_demo_has_tickets_of_many_kinds_and_states_once():
    of.build(received=None)
    now = clock.now()
    for number in range(12):
        member = members.register(source="test", nickname=f"演示{number}")
        made = orders.record(
            source="pos", order_no=f"T{number}", member_id=member, total_cents=10_000,
            lines=[orders.NewLine(product_id=None, total_cents=10_000)],
        )  # fmt: skip
        orders.mark_paid(order_id=made.pk, paid_at=now - timedelta(days=5))
    Order.objects.exclude(order_no="1").update(received_at=now - timedelta(days=4), status="received")
    assert (desk.live(now=now), desk.live(now=now)) == (12, 0)
    assert Ticket.objects.values("kind").distinct().count() == 6
    states = set(Ticket.objects.values_list("state", flat=True))
    assert {"new", "working", "waiting", "offered", "returning", "arrived", "resolved"} <= states
    assert (Vote.objects.count() >= 1, Macro.objects.count()) == (True, 2)
    assert Entry.objects.filter(at__gt=now).count() == 0
