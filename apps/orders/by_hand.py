"""What staff do to an order by hand: the deed, and its line in the audit trail, in one transaction."""

from typing import Any

from django.db import transaction

from apps.core import audit
from apps.orders import services
from apps.orders.models import Order, Refund


@transaction.atomic
def mark_paid(*, order_id: int) -> Order:
    """The shop took the payment outside. Like `services.mark_paid`; a repeat changes nothing and is not noted again."""
    before = Order.objects.select_for_update().filter(pk=order_id).values_list("status", flat=True).first()
    order = services.mark_paid(order_id=order_id)
    if before == Order.Status.RECORDED:
        audit.record("order.paid", object_type="order", object_id=order_id, after={"total_cents": order.total_cents})
    return order


@transaction.atomic
def refund(*, order_id: int, source: str, amount_cents: int | None = None, line_id: int | None = None) -> Refund:
    """Like `services.refund`; a repeat is not noted again."""
    Order.objects.select_for_update().filter(pk=order_id).first()
    is_known = Refund.objects.filter(order_id=order_id, source=source).exists()
    made = services.refund(order_id=order_id, source=source, amount_cents=amount_cents, line_id=line_id)
    if not is_known:
        facts: dict[str, Any] = {"amount_cents": made.amount_cents, "line": line_id, "refund": made.pk}
        audit.record("order.refunded", object_type="order", object_id=order_id, after=facts)
    return made
