"""The service desk on pages: from a phone call to money back."""

import pytest
from django.test import Client

from apps.core import ids
from apps.members import selectors as members
from apps.orders import services as orders
from apps.orders.models import Refund
from apps.stores.models import Role
from apps.tickets.models import Message, Ticket
from tests.console import world

pytestmark = pytest.mark.django_db


def test_an_agent_takes_a_call_answers_and_gives_money_back_after_seeing_what_will_happen(client: Client):
    house = world.build()
    member = house.members["mine"]
    order = orders.record(
        source="desk", order_no="D1", member_id=member.pk, total_cents=9_900, store_id=house.stores["mine"].pk,
        lines=[orders.NewLine(product_id=None, total_cents=9_900)],
    )  # fmt: skip
    orders.mark_paid(order_id=order.pk)
    line = order.lines.get()
    world.enter(client, house.users[Role.AGENT])
    start = f"/console/members/{ids.encode(members.PREFIX, member.pk)}/ticket/"
    assert "D1" in client.get(start).content.decode()
    said = {
        "kind": "refund", "title": "尺码不对", "text": "想退款。", "channel": "phone", "priority": "2",
        "request_key": "once-and-only-1",
    }  # fmt: skip
    assert client.post(start, said).status_code == 422  # no line
    answers = [client.post(start, said | {"lines": [line.pk]}) for _twice in range(2)]
    ticket = Ticket.objects.get()
    page = f"/console/tickets/{ids.encode('tkt', ticket.pk)}/"
    assert [answer["Location"] for answer in answers] == [page, page]
    assert "尺码不对" in client.get("/console/tickets/?show=pool").content.decode()

    client.post(f"{page}take/")
    client.post(f"{page}say/", {"text": "好的，马上办。", "move": "take_up", "request_key": "answer-number-1"})
    client.post(f"{page}say/", {"text": "老顾客。", "is_internal": "on", "request_key": "answer-number-2"})
    client.post(f"{page}change/", {"priority": "1", "version": "1"})  # a page of long ago
    ticket.refresh_from_db()
    assert (ticket.state, ticket.priority, ticket.assignee_id, Message.objects.count()) == (
        "working", 2, house.users[Role.AGENT].staff.pk, 3,
    )  # fmt: skip

    amount = {f"line_{line.pk}": "50.00", "reason": "尺码"}
    look = client.post(f"{page}refund/", amount).content.decode()
    assert ("50.00" in look, 'name="do"' in look, Refund.objects.count()) == (True, True, 0)
    client.post(f"{page}refund/", amount | {"do": "1"})
    ticket.refresh_from_db()
    assert (Refund.objects.get().amount_cents, ticket.state) == (5_000, "resolved")
    assert client.get("/console/tickets/?show=done").content.decode().count("尺码不对") == 1


def test_another_stores_ticket_is_not_there(client: Client):
    house = world.build()
    far = Ticket.objects.create(
        member=house.members["far"], store=house.stores["far"], kind="question", title="远处的事", source="x"
    )
    world.enter(client, house.users[Role.MANAGER])
    page = f"/console/tickets/{ids.encode('tkt', far.pk)}/"
    assert [client.get(page).status_code, client.post(f"{page}take/").status_code] == [404, 404]
    assert "远处的事" not in client.get("/console/tickets/").content.decode()
    far.refresh_from_db()
    assert far.assignee_id is None
