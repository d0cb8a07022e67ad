"""What an agent should know of a member before promising anything."""

from datetime import timedelta

import pytest
from django.test import Client

from apps.analytics import cautions
from apps.analytics.cautions import Cautions
from apps.core import clock, ids
from apps.orders import services as orders
from apps.orders.models import Order
from apps.stores.models import Role
from apps.tickets.models import Amends, Ticket, Vote
from tests.console import world

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_what_was_given_back_made_good_or_complained_of_is_counted_and_told(client: Client):
    house = world.build()
    now, member, store = clock.now(), house.members["mine"], house.stores["mine"]
    staff = house.users[Role.AGENT].staff

    def ticket(number: int, kind: str = "question", *, of=member, ended=None) -> Ticket:
        state = "resolved" if ended else "working"
        return Ticket.objects.create(
            member=of, store=store, kind=kind, title="问", source=f"c:{number}", state=state, ended_at=ended
        )

    here = ticket(0, "complaint")
    assert cautions.of(member_id=member.pk, ticket_id=here.pk, moment=now) == Cautions(1, 0, 0, 0, 0)
    world.enter(client, house.users[Role.AGENT])
    page = f"/console/tickets/{ids.encode('tkt', here.pk)}/"
    assert client.get(page).context["notes"] == []

    for number, days in enumerate((5, 364, 366)):
        line = orders.NewLine(product_id=None, total_cents=100)
        order = orders.record(source="c", order_no=f"C{number}", member_id=member.pk, total_cents=100, lines=[line])
        Order.objects.filter(pk=order.pk).update(paid_at=now - days * DAY, refunded_cents=40)
    ticket(1, "complaint")
    ticket(2, "complaint", ended=now)
    ticket(3, "complaint", of=house.members["far"])
    for number, (days, back) in enumerate(((1, None), (89, None), (91, None), (2, now)), start=10):
        done = ticket(number, ended=now)
        Amends.objects.create(
            ticket=done, kind="points", worth=10, given_key=1, by=staff, at=now - days * DAY, taken_back_at=back
        )
        Vote.objects.create(ticket=done, score=number - 9, channel="link", at=now - days * DAY)  # 1, 2, 3 and 4 stars
    assert cautions.of(member_id=member.pk, ticket_id=here.pk, moment=now) == Cautions(3, 2, 2, 1, 2)
    client.cookies["django_language"] = "en"
    assert client.get(page).context["notes"] == [
        "Money back in 2 of 3 orders of a year", "Made good 2 times in 90 days", "1 more complaint is open",
        "Gave 2 stars or fewer 2 times in 90 days",
    ]  # fmt: skip
