"""What orders hold about members."""

from django.utils.translation import gettext_lazy as _

from apps.core.holdings import Holding

_BOOKS = _("Business records that the law asks to keep; without the identities nobody can tell whose they are.")

HOLDINGS = (
    Holding(
        model="orders.Order",
        sensitivity="personal",
        member="member_id",
        export=(
            "source",
            "order_no",
            "store",
            "channel",
            "status",
            "total_cents",
            "refunded_cents",
            "created_at",
            "paid_at",
            "received_at",
        ),
        on_erase="keep",
        on_merge="move",
        reason=_BOOKS,
        purpose="orders",
    ),
    Holding(
        model="orders.Line",
        sensitivity="personal",
        member="order__member_id",
        export=("order", "line_no", "product", "quantity", "total_cents", "discount_cents", "refunded_cents"),
        on_erase="keep",
        on_merge="stay",
        reason=_BOOKS,
        purpose="orders",
    ),
    Holding(
        model="orders.Refund",
        sensitivity="personal",
        member="order__member_id",
        export=("order", "amount_cents", "refunded_at"),
        on_erase="keep",
        on_merge="stay",
        reason=_BOOKS,
        purpose="orders",
    ),
    Holding(
        model="orders.Change",
        sensitivity="technical",
        member="member_id",
        export=("due_at",),
        on_erase="delete",
        on_merge="move",
        purpose="profiling",
    ),
)
IMPERSONAL = ("orders.ImportRun",)
