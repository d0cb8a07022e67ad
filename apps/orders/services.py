"""Every write of orders one by one; many at once come through `imports`.

Whatever changes a purchase history leaves a `Change` note and a fact in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from apps.core import clock
from apps.core.errors import NotFound
from apps.events import services as events
from apps.orders.errors import (
    AmountNotPositive,
    OrderNotOpen,
    OrderNumberReused,
    RefundExceeds,
    RefundSourceReused,
)
from apps.orders.models import Change, Line, Order, Refund
from apps.orders.moves import MOVES, PAID_STATES, legal


@dataclass(frozen=True)
class NewLine:
    """One thing on an order. `total_cents` is what was paid for the line, after `discount_cents`."""

    product_id: int | None
    total_cents: int
    quantity: Decimal = Decimal(1)
    discount_cents: int = 0


@transaction.atomic
def record(
    *,
    source: str,
    order_no: str,
    member_id: int,
    lines: Sequence[NewLine],
    total_cents: int,
    store_id: int | None = None,
    guide_id: int | None = None,
    channel: str = "",
    created_at: datetime | None = None,
) -> Order:
    """Store an order that is not yet paid. The same content again is the same order, other content OrderNumberReused.

    `created_at` is not part of the content: a repeat may come later. Line totals need not add up to the order's (freight, rounding).
    """
    content = {
        "member_id": member_id,
        "store_id": store_id,
        "guide_id": guide_id,
        "channel": channel,
        "total_cents": total_cents,
    }
    order, created = Order.objects.get_or_create(
        source=source, order_no=order_no, defaults={**content, "created_at": created_at or clock.now()}
    )
    if created:
        Line.objects.bulk_create(
            Line(order=order, line_no=number, **vars(line)) for number, line in enumerate(lines, start=1)
        )
        return order
    stored = order.lines.order_by("line_no").values_list("product_id", "total_cents", "quantity", "discount_cents")
    differs = [name for name, value in content.items() if getattr(order, name) != value]
    if list(stored) != [astuple(line) for line in lines]:
        differs.append("lines")
    if differs:
        raise OrderNumberReused(source=source, order_no=order_no, differs=differs)
    return order


@transaction.atomic
def mark_paid(*, order_id: int, paid_at: datetime | None = None) -> Order:
    """Record the payment; what follows stands in `apps/flows/order_paid.py`.

    A repeat is a no-op, except with another `paid_at`, which is refused.
    """
    order = _locked(order_id)
    if order.status in PAID_STATES and paid_at in {None, order.paid_at}:
        return order
    moment = paid_at or clock.now()
    _move(order, "pay", paid_at=moment)
    Change.objects.create(member_id=order.member_id, due_at=moment)
    _publish("order.paid", order)
    return order


def mark_shipped(*, order_id: int) -> Order:
    return _advance(order_id, "ship")


def mark_ready(*, order_id: int) -> Order:
    """The goods wait in the store to be picked up."""
    return _advance(order_id, "make_ready")


@transaction.atomic
def mark_received(*, order_id: int) -> Order:
    order = _locked(order_id)
    if order.status != Order.Status.RECEIVED:
        _move(order, "receive", received_at=clock.now())
        _publish("order.received", order)
    return order


@transaction.atomic
def cancel(*, order_id: int) -> Order:
    """Before payment only; a paid order is refunded."""
    order = _locked(order_id)
    if order.status != Order.Status.CANCELLED:
        _move(order, "cancel")
        _publish("order.cancelled", order)
    return order


@transaction.atomic
def refund(
    *,
    order_id: int,
    source: str,
    amount_cents: int | None = None,
    line_id: int | None = None,
    refunded_at: datetime | None = None,
) -> Refund:
    """Give money back: by amount, by line (whole or part), or, with neither, all that is left of the order.

    The same `source` again is the same refund; with another amount or line RefundSourceReused. Raises OrderNotOpen, RefundExceeds,
    AmountNotPositive. An amount without a line stays on the order: the lines keep their own refunded amounts.
    """
    order = _locked(order_id)
    earlier = Refund.objects.filter(order=order, source=source).first()
    if earlier:
        if earlier.line_id != line_id or amount_cents not in {None, earlier.amount_cents}:
            raise RefundSourceReused(order_id=order_id, recorded_cents=earlier.amount_cents)
        return earlier
    if order.status not in PAID_STATES:
        raise OrderNotOpen(order_id=order_id, order_status=order.status, move="refund", legal_moves=legal(order.status))
    refundable = _refundable(order, line_id)
    amount = refundable if amount_cents is None else amount_cents
    if amount > refundable or not refundable:
        raise RefundExceeds(order_id=order_id, asked_cents=amount, refundable_cents=refundable)
    if amount <= 0:
        raise AmountNotPositive(asked_cents=amount)
    return _give_back(order, source=source, amount=amount, line_id=line_id, moment=refunded_at or clock.now())


def _give_back(order: Order, *, source: str, amount: int, line_id: int | None, moment: datetime) -> Refund:
    made = Refund.objects.create(
        order=order, line_id=line_id, amount_cents=amount, source=source, refunded_at=moment, recorded_at=clock.now()
    )
    Order.objects.filter(pk=order.pk).update(refunded_cents=F("refunded_cents") + amount)
    if line_id is not None:
        Line.objects.filter(pk=line_id).update(refunded_cents=F("refunded_cents") + amount)
    Change.objects.create(member_id=order.member_id, due_at=moment)
    events.publish(
        "order.refunded",
        key=str(made.pk),
        lane=f"member:{order.member_id}",
        order_id=order.pk,
        member_id=order.member_id,
        refund_id=made.pk,
    )
    return made


def _refundable(order: Order, line_id: int | None) -> int:
    """分 still to give back on the order, or on one line of it. Refunds by amount count against every line."""
    left = order.total_cents - order.refunded_cents
    if line_id is None:
        return left
    line = order.lines.filter(pk=line_id).first()
    if line is None:
        raise NotFound(line_id=line_id)
    return min(left, line.total_cents - line.refunded_cents)


@transaction.atomic
def _advance(order_id: int, move: str) -> Order:
    order = _locked(order_id)
    if order.status != MOVES[move][1]:
        _move(order, move)
    return order


def _locked(order_id: int) -> Order:
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        raise NotFound(order_id=order_id)
    return order


def _move(order: Order, move: str, **fields: datetime) -> None:
    before, after = MOVES[move]
    if order.status not in before:
        raise OrderNotOpen(order_id=order.pk, order_status=order.status, move=move, legal_moves=legal(order.status))
    order.status = after
    for name, value in fields.items():
        setattr(order, name, value)
    order.save(update_fields=["status", *fields])


def _publish(name: str, order: Order) -> None:
    events.publish(
        name, key=str(order.pk), lane=f"member:{order.member_id}", order_id=order.pk, member_id=order.member_id
    )
