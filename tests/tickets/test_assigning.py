"""Who works on a ticket: one person, in turn, within the cap."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.core import brand
from apps.orders.models import Order
from apps.tickets import assigning
from apps.tickets.errors import TicketTaken
from apps.tickets.models import Entry, Ticket
from tests.tickets import desk as of
from tests.tickets.desk import MEMBER, NOON, move, opened


def questions(desk: of.Desk, count: int) -> list[Ticket]:
    return [opened(desk, "question", lines=0, number=number) for number in range(10, 10 + count)]


@pytest.mark.django_db
def test_tickets_go_round_within_the_cap_and_first_to_who_serves_the_member():
    desk = of.build()
    second = of.agent("two")
    of.agent("manager", desk.store, role="manager")
    brand.write("tickets.load", 2)
    given = [assigning.give_out(ticket_id=row.pk, moment=NOON) for row in questions(desk, 5)]
    assert given == [desk.staff.pk, second.pk, desk.staff.pk, second.pk, None]

    guide = of.agent("guide", desk.store, role="clerk")
    Order.objects.update(guide=guide)
    theirs = opened(desk)
    assert assigning.give_out(ticket_id=theirs.pk, moment=NOON) == guide.pk
    assert assigning.give_out(ticket_id=theirs.pk, moment=NOON) is None  # it is somebody's
    with pytest.raises(TicketTaken):
        assigning.take(ticket_id=theirs.pk, staff_id=second.pk)
    brand.write("tickets.load", 9)
    move(theirs, "withdraw", MEMBER)
    again = opened(desk, "exchange", number=2)
    assert assigning.give_out(ticket_id=again.pk, moment=NOON) == guide.pk  # the others have room, and it is their turn
    assert Entry.objects.filter(act="given").count() == 6


@pytest.mark.django_db(transaction=True)
def test_fifty_agents_at_once_take_each_ticket_once():
    desk = of.build()
    agents = [of.agent(f"agent-{number}").pk for number in range(50)]
    rows = questions(desk, 30)

    def work(staff_id: int) -> int | None:
        try:
            taken = assigning.take_next(staff_id=staff_id, store_ids=None, moment=NOON)
            return taken.pk if taken else None
        finally:
            connection.close()

    with ThreadPoolExecutor(25) as pool:
        taken = [key for key in pool.map(work, agents) if key]
    assert sorted(taken) == [row.pk for row in rows]
    assert Ticket.objects.filter(assignee=None).count() == 0
    assert (
        Entry.objects.filter(act="taken").values("ticket_id").distinct().count()
        == Entry.objects.filter(act="taken").count()
        == 30
    )
