"""A refund that is killed half way leaves nothing; the next one does all of it once."""

import os
import signal
import subprocess
import sys

import pytest

from apps.flows import refund_ticket
from apps.members.models import Member
from apps.orders.models import Order, Refund
from apps.tickets.errors import MoveRefused
from apps.tickets.models import Ticket
from tests.flows.test_refund_ticket import arrived
from tests.orders.test_imports_at_work import ROOT, nobody_else_works, somebody_waits, until
from tests.points.orders import rule, totals
from tests.tickets import desk as of

pytestmark = [pytest.mark.nightly, pytest.mark.django_db(transaction=True)]
_DECIDE = """
import django
django.setup()
from apps.flows import refund_ticket
from apps.stores.models import Staff
refund_ticket.decide(ticket_id={ticket}, cents={{{line}: 5_000}}, staff=Staff.objects.get(pk={staff}))
"""


@pytest.mark.parametrize("held", ["points_account", "tickets_ticket"])
def test_a_refund_killed_while_it_waits_leaves_nothing_and_the_next_one_does_it_once(held: str, owner_cursor):
    """Somebody holds the member's points (the order has its refund by then), or the ticket."""
    rule("base")
    desk = of.build()
    ticket, member = arrived(desk), Member.objects.get(pk=desk.member)
    cents = {desk.lines[1].pk: 5_000}
    refund_ticket.preview(ticket_id=ticket.pk, cents=cents)  # the points of the payment are there
    assert totals(member) == (300, 0, 0)
    script = _DECIDE.format(ticket=ticket.pk, line=desk.lines[1].pk, staff=desk.staff.pk)
    with owner_cursor.connection.transaction(force_rollback=True):
        owner_cursor.execute(f"select * from {held} where member_id = %s for update", [member.pk])
        process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=os.environ.copy())
        until(lambda: somebody_waits() or process.poll() is not None)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    until(nobody_else_works)
    assert (Refund.objects.count(), Order.objects.get().refunded_cents, Ticket.objects.get().state, totals(member)) == (
        0, 0, "arrived", (300, 0, 0),
    )  # fmt: skip

    done = refund_ticket.decide(ticket_id=ticket.pk, cents=cents, staff=desk.staff)

    assert (done.refunded_cents, totals(member), Ticket.objects.get().state) == (5_000, (250, 0, 0), "resolved")
    with pytest.raises(MoveRefused):
        refund_ticket.decide(ticket_id=ticket.pk, cents=cents, staff=desk.staff)
    assert (Refund.objects.count(), Order.objects.get().refunded_cents) == (1, 5_000)
