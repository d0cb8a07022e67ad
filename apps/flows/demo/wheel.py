"""The demo clock: the shop's life goes on as a wheel of 52 weeks. The order of 364 days ago happens again, with a new number.

`D123` becomes `D123.1`, a year later `D123.2`. Numbers are unique, so turning the wheel twice over the same days adds nothing.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from apps.core import runs
from apps.flows.demo import answers, state
from apps.flows.demo.source import TURN
from apps.flows.demo.state import SOURCE
from apps.orders import services as orders
from apps.orders.models import Line, Order
from apps.orders.services import NewLine

LIVE = timedelta(days=1)  # what is older goes in as history: no facts, stats only
STEP = timedelta(days=28)  # of history at a time
LOCK = 7_490_801

_NEXT_NO = (
    "split_part(o.order_no, '.', 1) || '.' || (coalesce(nullif(split_part(o.order_no, '.', 2), ''), '0')::int + 1)"
)
_DUE = """
  from orders_order o join members_member m on m.id = o.member_id and m.status = 'active'
 where o.source = %(source)s and o.paid_at > %(after)s - %(turn)s and o.paid_at <= %(until)s - %(turn)s
"""
_TURN = f"""
with due as materialized (
    select o.*, {_NEXT_NO} as next_no {_DUE}
), added as (
    insert into orders_order (source, order_no, member_id, store_id, guide_id, channel, status, total_cents,
                              refunded_cents, created_at, paid_at, received_at)
    select source, next_no, member_id, store_id, guide_id, channel, 'received', total_cents,
           0, paid_at + %(turn)s, paid_at + %(turn)s, least(received_at, paid_at + interval '2 days') + %(turn)s
      from due order by paid_at, id
    on conflict do nothing
    returning id, order_no, member_id, paid_at
), lines as (
    insert into orders_line (order_id, line_no, product_id, quantity, total_cents, discount_cents, refunded_cents)
    select a.id, l.line_no, l.product_id, l.quantity, l.total_cents, l.discount_cents, 0
      from added a join due d on d.next_no = a.order_no join orders_line l on l.order_id = d.id
), noted as (
    insert into orders_change (member_id, due_at) select member_id, paid_at from added
)
select count(*) from added
"""


def position() -> datetime | None:
    """Up to when the shop has lived: the payment of its newest order. None without a demo."""
    newest: datetime | None = Order.objects.filter(source=SOURCE).aggregate(at=Max("paid_at"))["at"]
    return newest


@transaction.atomic
def turn(*, after: datetime, until: datetime) -> int:
    """Orders due in (after, until] as history, in one statement. Returns how many were new."""
    with connection.cursor() as cursor:
        cursor.execute(_TURN, _window(after, until))
        return int(cursor.fetchone()[0])


def tick_recorded(moment: datetime) -> None:
    """The scheduler's door: members buy and answer. A row in the job console only when somebody bought."""
    if state.read() != state.DONE:
        return
    answers.give()
    if not is_due(moment):
        return
    with runs.recorded("flows.demo_tick") as figures:
        figures.update(tick(moment))


def is_due(moment: datetime) -> bool:
    """Whether an order of the wheel waits to happen."""
    at = position()
    return (
        at is not None
        and Order.objects.filter(source=SOURCE, paid_at__gt=at - TURN, paid_at__lte=moment - TURN).exists()
    )


def tick(moment: datetime) -> dict[str, int]:
    """Live up to `moment`: long gaps as history, the last day order by order. One ticks at a time; the others do nothing."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return {}
        try:
            return _tick(moment)
        finally:
            cursor.execute("select pg_advisory_unlock(%s)", [LOCK])


def _tick(moment: datetime) -> dict[str, int]:
    past = live = 0
    at = position()
    if at is None:
        return {}
    while at < moment - LIVE:
        until = min(at + STEP, moment - LIVE)
        past += turn(after=at, until=until)
        at = until
    for order_id, number, paid_at in _due(after=at, until=moment):
        live += _buy_again(order_id, order_no=number, paid_at=paid_at)
    return {"history": past, "live": live} if past or live else {}


def _due(*, after: datetime, until: datetime) -> list[tuple[int, str, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"select o.id, {_NEXT_NO}, o.paid_at + %(turn)s {_DUE} order by o.paid_at, o.id",
            _window(after, until),
        )
        return cursor.fetchall()


def _window(after: datetime, until: datetime) -> dict[str, Any]:
    return {"source": SOURCE, "after": after, "until": until, "turn": TURN}


@transaction.atomic
def _buy_again(order_id: int, *, order_no: str, paid_at: datetime) -> bool:
    """The way of any order: recorded, paid, and in a shop handed over. False when it has happened already."""
    if Order.objects.filter(source=SOURCE, order_no=order_no).exists():
        return False
    model = Order.objects.get(pk=order_id)
    lines = Line.objects.filter(order_id=order_id).order_by("line_no")
    made = orders.record(
        source=SOURCE,
        order_no=order_no,
        member_id=model.member_id,
        lines=[
            NewLine(
                product_id=line.product_id,
                total_cents=line.total_cents,
                quantity=line.quantity,
                discount_cents=line.discount_cents,
            )
            for line in lines
        ],
        total_cents=model.total_cents,
        store_id=model.store_id,
        guide_id=model.guide_id,
        channel=model.channel,
        created_at=paid_at,
    )
    orders.mark_paid(order_id=made.pk, paid_at=paid_at)
    if model.channel == "store":
        orders.mark_received(order_id=made.pk)
    return True
