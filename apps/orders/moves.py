"""The life of an order: which move leads from where to where."""

from apps.orders.models import Order

_S = Order.Status
PAID_STATES = frozenset({_S.PAID, _S.SHIPPED, _S.READY, _S.RECEIVED})

# A paid order is refunded, never cancelled: the money must go somewhere.
MOVES: dict[str, tuple[frozenset[_S], _S]] = {
    "pay": (frozenset({_S.RECORDED}), _S.PAID),
    "ship": (frozenset({_S.PAID}), _S.SHIPPED),
    "make_ready": (frozenset({_S.PAID}), _S.READY),
    "receive": (frozenset({_S.PAID, _S.SHIPPED, _S.READY}), _S.RECEIVED),
    "cancel": (frozenset({_S.RECORDED}), _S.CANCELLED),
}


def legal(status: str) -> list[str]:
    """The moves open to an order in this state; `refund` counts as one."""
    moves = [name for name, (before, _after) in MOVES.items() if status in before]
    return [*moves, "refund"] if status in PAID_STATES else moves
