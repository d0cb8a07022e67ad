"""A desk with its people, a member and what they bought: what tickets are about."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apps.core.models import User
from apps.members import services as members
from apps.orders import services as orders
from apps.orders.models import Line, Order
from apps.stores.models import Staff, Store
from apps.tickets import services as tickets
from apps.tickets.models import Ticket
from apps.tickets.services import Actor, NewTicket
from tests import ready

NOON = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)  # Monday, noon in the shop; promises count by 10:00 to 21:00
MEMBER, WAREHOUSE = Actor("member"), Actor("warehouse")


@dataclass
class Desk:
    store: Store
    staff: Staff
    agent: Actor
    member: int
    order: Order
    lines: list[Line]


@ready.once
def build(*, received: datetime | None = NOON - timedelta(days=1)) -> Desk:
    store = Store.objects.create(code="HERE", name="HERE")
    staff = agent("one", store)
    member = members.register(source="test", nickname="林", phone="19900010001")
    order = orders.record(
        source="pos", order_no="1", member_id=member, total_cents=30_000, store_id=store.pk,
        lines=[orders.NewLine(product_id=None, total_cents=cents) for cents in (10_000, 20_000)],
    )  # fmt: skip
    orders.mark_paid(order_id=order.pk, paid_at=NOON - timedelta(days=3))
    Order.objects.filter(pk=order.pk).update(received_at=received, status="received" if received else "paid")
    return Desk(store, staff, Actor("agent", staff.pk), member, order, list(order.lines.order_by("line_no")))


def agent(code: str, store: Store | None = None, *, role: str = "agent") -> Staff:
    return Staff.objects.create(
        user=User.objects.create_user(username=code), code=code, name=code, role=role, store=store
    )


def opened(desk: Desk, kind: str = "return", *, lines: int = 1, number: int = 1, at: datetime = NOON) -> Ticket:
    wanted = NewTicket(
        source=f"test:{number}", member_id=desk.member, kind=kind, title="扣子掉了", text="第二颗扣子掉了。",
        line_ids=[line.pk for line in desk.lines[:lines]],
    )  # fmt: skip
    return tickets.open_ticket(wanted, by=MEMBER, moment=at)


def say(ticket: Ticket, by: Actor, number: int = 1, **more: object) -> None:
    said = {"text": "好的。", "source": f"said:{ticket.pk}:{number}", "moment": NOON} | more
    tickets.say(ticket_id=ticket.pk, by=by, **said)  # type: ignore[arg-type]
    ticket.refresh_from_db()


def move(ticket: Ticket, name: str, by: Actor, at: datetime = NOON) -> None:
    tickets.move(ticket_id=ticket.pk, move=name, by=by, moment=at)
    ticket.refresh_from_db()
