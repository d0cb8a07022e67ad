"""What others may know about orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Q, QuerySet

from apps.core import prepared
from apps.core.errors import NotFound
from apps.orders.models import Order
from apps.orders.moves import PAID_STATES, legal

PAGE = 50

# The one definition of a kept order as of %(moment)s: paid by then, not cancelled, and with money left in it after the refunds
# made by then. Columns: id, member_id, store_id, channel, paid_at, net_cents. `orders_order` stands as `o`: a caller may
# narrow it by appending " and o.member_id = ...".
KEPT_ORDERS = """
    select o.id, o.member_id, o.store_id, o.channel, o.paid_at, o.total_cents - o.refunded_cents + later.cents as net_cents
    from orders_order o
    cross join lateral (
        select case when o.refunded_cents = 0 then 0 else coalesce((
            select sum(r.amount_cents)::bigint from orders_refund r where r.order_id = o.id and r.refunded_at > %(moment)s
        ), 0) end as cents
    ) later
    where o.paid_at <= %(moment)s and o.status <> 'cancelled' and o.total_cents - o.refunded_cents + later.cents > 0
"""

# Takes the notes that are due, once: whoever deletes a note must refresh the member in the same transaction. For a CTE.
TAKE_CHANGES = "delete from orders_change where due_at <= %(moment)s returning member_id, due_at"


def take_changes(*, moment: datetime) -> dict[int, datetime]:
    """Members whose purchase history changed by `moment`, each with the earliest time the change takes effect.

    Takes the notes away: call it inside the transaction that brings these members' stats up to date.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"with taken as ({TAKE_CHANGES}) select member_id, min(due_at) from taken group by 1 order by 1",
            {"moment": moment},
        )
        return dict(cursor.fetchall())


@dataclass(frozen=True)
class Row:
    """An order in a list. Money in 分."""

    id: int
    order_no: str
    source: str
    member_id: int
    member_no: str
    nickname: str
    store_id: int | None
    store: str
    channel: str
    status: str
    status_label: str
    total_cents: int
    refunded_cents: int
    paid_at: datetime | None
    created_at: datetime


_NEWEST = """
    select o.id, o.order_no, o.source, o.member_id, m.member_no, m.nickname, o.store_id, coalesce(s.name, ''), o.channel,
           o.status, o.total_cents, o.refunded_cents, o.paid_at, o.created_at
      from orders_order o join members_member m on m.id = o.member_id left join stores_store s on s.id = o.store_id
     where o.member_id = %s order by o.paid_at desc, o.id desc limit %s
"""
_STATUS = 9  # where `status` stands in it; `Row` has its label after it


@dataclass(frozen=True)
class Page:
    """`older` is the cursor of the next page, None on the last."""

    rows: tuple[Row, ...]
    older: str | None


@dataclass(frozen=True)
class LineRow:
    id: int
    line_no: int
    sku: str
    product: str
    category: str
    quantity: Decimal
    total_cents: int
    discount_cents: int
    refunded_cents: int
    refundable_cents: int


@dataclass(frozen=True)
class RefundRow:
    id: int
    line_no: int | None
    amount_cents: int
    source: str
    refunded_at: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class Detail:
    """One order with all it holds. `moves` are those its state allows now (see `moves.py`)."""

    order: Row
    guide: str
    received_at: datetime | None
    refundable_cents: int
    moves: tuple[str, ...]
    lines: tuple[LineRow, ...]
    refunds: tuple[RefundRow, ...]


def find(
    *,
    store_ids: Sequence[int] | None = None,
    member_id: int | None = None,
    status: str = "",
    statuses: Sequence[str] = (),
    is_refunded: bool = False,
    order_no: str = "",
    channel: str = "",
    paid_from: datetime | None = None,
    paid_before: datetime | None = None,
    cursor: str = "",
    limit: int = PAGE,
) -> Page:
    """Orders, newest payment first; those not yet paid stand before them. `store_ids` None means every store.

    `statuses`: any of them; `is_refunded`: with money given back. `order_no` finds exact numbers only. A cursor that `find`
    did not make counts as none.
    """
    wanted: dict[str, object] = {"member_id": member_id, "status": status, "order_no": order_no, "channel": channel}
    wanted |= {"paid_at__gte": paid_from, "paid_at__lt": paid_before}
    wanted |= {"status__in": list(statuses), "refunded_cents__gte": 1 if is_refunded else None}
    orders = _in_scope(store_ids).filter(**{name: value for name, value in wanted.items() if value})
    orders = _older_than(orders, cursor).select_related("member", "store").order_by("-paid_at", "-id")
    found = list(orders[: limit + 1])
    rows = tuple(_row(order) for order in found[:limit])
    return Page(rows=rows, older=_cursor(rows[-1]) if len(found) > limit else None)


def of_member(member_id: int) -> QuerySet[Order]:
    """To be counted."""
    return Order.objects.filter(member_id=member_id)


def newest(*, member_id: int, limit: int) -> tuple[Row, ...]:
    """The head of `find(member_id=…)`, for first screens: one written statement."""
    return tuple(
        Row(*(*row[: _STATUS + 1], str(Order.Status(row[_STATUS]).label), *row[_STATUS + 1 :]))
        for row in prepared.rows(_NEWEST, [member_id, limit])
    )


def detail(*, order_id: int, store_ids: Sequence[int] | None = None, member_id: int | None = None) -> Detail:
    """Raises NotFound for an order that is not there, lies outside `store_ids`, or is another one's than `member_id`'s."""
    scope = _in_scope(store_ids).select_related("member", "store", "guide").filter(pk=order_id)
    order = (scope if member_id is None else scope.filter(member_id=member_id)).first()
    if order is None:
        raise NotFound(order_id=order_id)
    left = order.total_cents - order.refunded_cents if order.status in PAID_STATES else 0
    lines = order.lines.select_related("product__category").order_by("line_no")
    refunds = order.refunds.select_related("line").order_by("refunded_at", "id")
    return Detail(
        order=_row(order),
        guide=order.guide.name if order.guide else "",
        received_at=order.received_at,
        refundable_cents=left,
        moves=tuple(move for move in legal(order.status) if move != "refund" or left),
        lines=tuple(
            LineRow(
                id=line.pk,
                line_no=line.line_no,
                sku=line.product.sku if line.product else "",
                product=line.product.name if line.product else "",
                category=line.product.category.name if line.product and line.product.category else "",
                quantity=line.quantity,
                total_cents=line.total_cents,
                discount_cents=line.discount_cents,
                refunded_cents=line.refunded_cents,
                refundable_cents=min(left, line.total_cents - line.refunded_cents),
            )
            for line in lines
        ),
        refunds=tuple(
            RefundRow(
                id=given.pk,
                line_no=given.line.line_no if given.line else None,
                amount_cents=given.amount_cents,
                source=given.source,
                refunded_at=given.refunded_at,
                recorded_at=given.recorded_at,
            )
            for given in refunds
        ),
    )


def _in_scope(store_ids: Sequence[int] | None) -> QuerySet[Order]:
    return Order.objects.all() if store_ids is None else Order.objects.filter(store_id__in=store_ids)


def _cursor(row: Row) -> str:
    return f"{row.paid_at.isoformat() if row.paid_at else ''}_{row.id}"


def _older_than(orders: QuerySet[Order], cursor: str) -> QuerySet[Order]:
    paid, _, order_id = cursor.partition("_")
    if not (order_id.isascii() and order_id.isdigit()) or len(order_id) > 18:
        return orders
    if not paid:  # unpaid orders come first (NULLS FIRST is PostgreSQL's order for descending columns)
        return orders.filter(Q(paid_at=None, id__lt=int(order_id)) | Q(paid_at__isnull=False))
    try:
        moment = datetime.fromisoformat(paid)
    except ValueError:
        return orders
    if moment.tzinfo is None:
        return orders
    return orders.filter(paid_at__lte=moment).exclude(paid_at=moment, id__gte=int(order_id))


def _row(order: Order) -> Row:
    return Row(
        id=order.pk,
        order_no=order.order_no,
        source=order.source,
        member_id=order.member_id,
        member_no=order.member.member_no,
        nickname=order.member.nickname,
        store_id=order.store_id,
        store=order.store.name if order.store else "",
        channel=order.channel,
        status=order.status,
        status_label=order.get_status_display(),
        total_cents=order.total_cents,
        refunded_cents=order.refunded_cents,
        paid_at=order.paid_at,
        created_at=order.created_at,
    )
