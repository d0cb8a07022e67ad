"""What the columns of an order file are called and how long their texts may be."""

from apps.core.files.staging import Layout

REQUIRED = ("order_no", "member_no", "paid_at", "total")
TEXT_LIMITS = {
    "order_no": 64, "member_no": 40, "store": 40, "channel": 40, "staff": 40, "phone": 40,
    "sku": 60, "product": 120, "category": 80,
}  # fmt: skip
TIMES = ("paid_at", "refunded_at")
AMOUNTS = ("total", "line_total", "discount")
COLUMNS = (*TEXT_LIMITS, *TIMES, *AMOUNTS, "quantity")
OF_THE_ORDER = ("member_no", "paid_at", "total", "store", "channel", "staff", "phone", "refunded_at")
LAYOUT = Layout(columns={name: name for name in COLUMNS}, required=REQUIRED, keep="order_no")
