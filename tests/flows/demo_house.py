"""The demo as tests load it: how, when, and what there is afterwards."""

from datetime import UTC, datetime
from io import StringIO

from django.core.management import call_command

from apps.care.models import Attempt, Touch
from apps.catalog.models import Category, Product
from apps.core.models import AuditEntry, User
from apps.members.models import Consent, Identity, Member
from apps.orders.models import Line, Order
from apps.segments.models import StageChange
from apps.stores.models import Staff, Store

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # a Sunday, noon in the shops
SMALL = ("--households", "10", "--no-replay")


def load(*arguments: str) -> str:
    said = StringIO()
    call_command("load_demo", *arguments, stdout=said)
    return said.getvalue()


def state_of_things() -> dict[str, int]:
    tables = (
        Member,
        Identity,
        Consent,
        Order,
        Line,
        Product,
        Category,
        Store,
        Staff,
        User,
        Touch,
        Attempt,
        StageChange,
    )
    return {table.__name__: table.objects.count() for table in tables} | {"audit": AuditEntry.objects.count()}


def lives() -> set[tuple[str, datetime, int, int]]:
    rows = Order.objects.values_list("order_no", "paid_at", "member_id", "total_cents")
    return set(rows)
