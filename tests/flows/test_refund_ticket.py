"""A refund decided on a ticket: all of it, or none of it; and what was shown before is what happens."""

import pytest

from apps.core import approvals
from apps.core.errors import ValidationFailed
from apps.core.models import User
from apps.events.models import Event
from apps.flows import refund_ticket
from apps.flows import services as delivery
from apps.members.models import Member
from apps.orders.errors import RefundExceeds
from apps.orders.models import Line, Order, Refund
from apps.points import awards
from apps.tickets import services as tickets
from apps.tickets.errors import MoveRefused
from apps.tickets.models import Ticket
from tests.points.orders import rule, totals
from tests.tickets import desk as of
from tests.tickets.desk import WAREHOUSE, move, opened

pytestmark = pytest.mark.django_db


def arrived(desk: of.Desk) -> Ticket:
    ticket = opened(desk, lines=2)
    move(ticket, "accept", desk.agent)
    move(ticket, "receive", WAREHOUSE)
    return ticket


def house() -> tuple[of.Desk, Member]:
    rule("base")
    desk = of.build()
    return desk, Member.objects.get(pk=desk.member)


def test_a_part_goes_back_with_its_points_at_once_and_was_shown_before():
    desk, member = house()
    ticket = arrived(desk)
    cents = {desk.lines[1].pk: 5_000}
    shown = refund_ticket.preview(ticket_id=ticket.pk, cents=cents)
    assert (Refund.objects.count(), Ticket.objects.get().state, totals(member)) == (0, "arrived", (300, 0, 0))

    done = refund_ticket.decide(ticket_id=ticket.pk, cents=cents, staff=desk.staff)

    assert done == shown
    assert (done.refunded_cents, done.points, totals(member)) == (5_000, {"points": -50}, (250, 0, 0))
    assert (Order.objects.get().refunded_cents, Ticket.objects.get().state) == (5_000, "resolved")
    fact = Event.objects.get(name="order.refunded")
    assert fact.finished_at is not None
    delivery.deliver(event_id=fact.pk)  # the worker comes late
    assert totals(member) == (250, 0, 0)
    with pytest.raises(MoveRefused):
        refund_ticket.decide(ticket_id=ticket.pk, cents=cents, staff=desk.staff)
    assert Refund.objects.count() == 1


def test_what_fails_on_the_way_leaves_nothing_and_illegal_amounts_neither(monkeypatch: pytest.MonkeyPatch):
    desk, member = house()
    ticket = arrived(desk)
    refund_ticket.preview(ticket_id=ticket.pk, cents={desk.lines[0].pk: 1})
    version = Ticket.objects.get().version
    for cents, refusal in (
        ({}, ValidationFailed), ({desk.lines[0].pk: 0}, ValidationFailed), ({0: 5}, ValidationFailed),
        ({desk.lines[0].pk: 10_001}, RefundExceeds),
    ):  # fmt: skip
        with pytest.raises(refusal):
            refund_ticket.decide(ticket_id=ticket.pk, cents=cents, staff=desk.staff)
    monkeypatch.setattr(awards, "settle_refund", lambda **_said: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        refund_ticket.decide(ticket_id=ticket.pk, cents={desk.lines[0].pk: 10_000}, staff=desk.staff)
    ticket.refresh_from_db()
    assert (Refund.objects.count(), Order.objects.get().refunded_cents, ticket.state, ticket.version) == (
        0,
        0,
        "arrived",
        version,
    )
    assert (totals(member), Event.objects.filter(name="order.refunded").exists()) == ((300, 0, 0), False)


def test_above_the_limit_a_second_person_decides_and_all_of_it_happens_then():
    desk, _member = house()
    of.agent("boss", role="admin")
    ticket = arrived(desk)
    Order.objects.update(total_cents=90_000)
    Line.objects.filter(pk=desk.lines[1].pk).update(total_cents=80_000)
    cents = {desk.lines[1].pk: 60_000}
    asked = refund_ticket.decide(ticket_id=ticket.pk, cents=cents, staff=desk.staff, reason="坏了")
    again = refund_ticket.decide(ticket_id=ticket.pk, cents=cents, staff=desk.staff, reason="坏了")
    assert (asked.refunded_cents, again.approval_id, Refund.objects.count()) == (0, asked.approval_id, 0)
    assert asked.approval_id is not None
    assert desk.staff.user_id is not None
    with pytest.raises(approvals.OwnApproval):
        approvals.decide(approval_id=asked.approval_id, user_id=desk.staff.user_id, is_agreed=True)
    refund_ticket.preview(ticket_id=ticket.pk, cents=cents)
    boss = User.objects.get(username="boss")
    approvals.decide(approval_id=asked.approval_id, user_id=boss.pk, is_agreed=True)
    assert (Order.objects.get().refunded_cents, Ticket.objects.get().state) == (60_000, "resolved")
    assert tickets.Ticket.objects.get().due_at is None
