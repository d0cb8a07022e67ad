"""What the rules of orders may refuse."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class OrderNumberReused(DomainError):
    code = "order_number_reused"
    title = _("This order number already stands for an order with other content.")


class OrderNotOpen(DomainError):
    """Facts: `order_id`, `order_status`, `move`, and `legal_moves` as a list."""

    code = "order_not_open"
    title = _("The order is not in a state that allows this.")


class RefundExceeds(DomainError):
    """Facts in 分: `asked_cents`, `refundable_cents`."""

    code = "refund_exceeds"
    title = _("This is more than can still be refunded.")


class RefundSourceReused(DomainError):
    code = "refund_source_reused"
    title = _("This refund was already recorded with another amount or line.")


class AmountNotPositive(DomainError):
    code = "amount_not_positive"
    status = 422
    title = _("The amount must be more than zero.")
