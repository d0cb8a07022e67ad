"""What the columns of an order file are called and how long their texts may be."""

from collections.abc import Sequence

from apps.orders.imports.errors import ColumnsMissing, ColumnTwice, FileEmpty

REQUIRED = ("order_no", "member_no", "paid_at", "total")
TEXT_LIMITS = {
    "order_no": 64, "member_no": 40, "store": 40, "channel": 40, "staff": 40, "phone": 40,
    "sku": 60, "product": 120, "category": 80,
}  # fmt: skip
TIMES = ("paid_at", "refunded_at")
AMOUNTS = ("total", "line_total", "discount")
COLUMNS = (*TEXT_LIMITS, *TIMES, *AMOUNTS, "quantity")
OF_THE_ORDER = ("member_no", "paid_at", "total", "store", "channel", "staff", "phone", "refunded_at")


def place(header: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """Where each known column stands, and the names we do not know. Raises FileEmpty, ColumnTwice, ColumnsMissing."""
    names = [name.strip().strip("\ufeff").strip().lower() for name in header]
    if not any(names):
        raise FileEmpty
    placed: dict[str, int] = {}
    for position, name in enumerate(names):
        if name in COLUMNS and placed.setdefault(name, position) != position:
            raise ColumnTwice(column=name)
    missing = [name for name in REQUIRED if name not in placed]
    if missing:
        found = ", ".join(name[:30] for name in names[:20] if name)
        raise ColumnsMissing(missing=", ".join(missing), found=found or "–")
    return placed, [name[:60] for name in names if name and name not in COLUMNS]
