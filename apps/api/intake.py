"""What programs hand in, item by item: the form of each, and what becomes of it. The same at once and in a job."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers as f

from apps.api import shapes
from apps.api.base import Input
from apps.api.principals import Principal
from apps.catalog import services as catalog
from apps.core import ids
from apps.core.errors import NotFound, ValidationFailed
from apps.members import selectors as members
from apps.members import upsert
from apps.orders import selectors as orders
from apps.orders import services as order_services
from apps.orders.models import Line
from apps.stores.models import Staff, Store

CENTS = {"min_value": 0, "max_value": 10**12}


def wrong(pointer: str, sentence: str) -> ValidationFailed:
    return ValidationFailed(errors=[{"pointer": pointer, "code": "invalid", "message": sentence}])


def source_of(principal: Principal) -> str:
    """Who numbers the orders: each program by itself, the tills of a store together."""
    return f"store:{principal.store_id}" if principal.kind == "device" else f"api:{principal.credential_id}"


def store_id_of(code: str) -> int | None:
    """Raises ValidationFailed for a code that no store has."""
    if not code:
        return None
    found = Store.objects.filter(code=code).values_list("pk", flat=True).first()
    if found is None:
        raise wrong("/store", _("No store has this code."))
    return found


class MemberInput(Input):
    member_no = f.RegexField(r"^[\x21-\x7e]{1,40}$", help_text="the number in your system")
    phone = f.CharField(max_length=40, required=False, default="", allow_blank=True)
    nickname = f.CharField(max_length=40, required=False, allow_blank=True)
    gender = f.ChoiceField(["", "f", "m"], required=False)
    birthday = f.DateField(required=False)
    store = f.CharField(max_length=40, required=False, default="", allow_blank=True, help_text="code of the home store")
    joined_at = f.DateTimeField(required=False)
    attributes = shapes.Attributes(required=False, help_text="values of the brand's own fields; null takes one away")


class LineInput(Input):
    sku = f.CharField(max_length=60, required=False, default="", allow_blank=True)
    product = f.CharField(
        max_length=120, required=False, default="", allow_blank=True, help_text="its name, should the SKU be new"
    )
    quantity = f.DecimalField(max_digits=12, decimal_places=3, required=False, default=Decimal(1), min_value=0)
    total_cents = f.IntegerField(**CENTS, help_text="paid for the line, after its discount")  # type: ignore[arg-type]
    discount_cents = f.IntegerField(**CENTS, required=False, default=0)  # type: ignore[arg-type]


class OrderInput(Input):
    order_no = f.RegexField(
        r"^[\x21-\x7e]{1,64}$", help_text="unique in your system; the tills of a store share theirs"
    )
    member = shapes.Id(shapes.MEMBER)
    store = f.CharField(
        max_length=40, required=False, default="", allow_blank=True, help_text="its code; tills: their own"
    )
    guide = f.CharField(max_length=40, required=False, default="", allow_blank=True, help_text="staff number")
    channel = f.CharField(max_length=40, required=False, default="", allow_blank=True)
    total_cents = f.IntegerField(**CENTS)  # type: ignore[arg-type]
    lines = LineInput(many=True, required=False, default=list, max_length=500)  # type: ignore[call-arg]  # of the list
    created_at = f.DateTimeField(required=False)
    paid_at = f.DateTimeField(required=False, help_text="absent: not paid yet")


class RefundInput(Input):
    refund_no = f.RegexField(r"^[\x21-\x7e]{1,60}$", help_text="unique for its order in your system")
    order = shapes.Id(shapes.ORDER)
    line_no = f.IntegerField(required=False, min_value=1, max_value=32767, help_text="absent: the order as a whole")
    amount_cents = f.IntegerField(required=False, min_value=1, max_value=10**12, help_text="absent: all that is left")
    refunded_at = f.DateTimeField(required=False)


def take_member(principal: Principal, item: dict[str, Any]) -> tuple[str, str]:
    item["home_store_id"] = store_id_of(item.pop("store"))
    member_id, is_new = upsert.upsert(source=source_of(principal), **item)
    return ids.encode(shapes.MEMBER, member_id), "created" if is_new else "updated"


def take_order(principal: Principal, item: dict[str, Any]) -> tuple[str, str]:
    lines = item.pop("lines")
    paid_at = item.pop("paid_at", None)
    store_id = store_id_of(item.pop("store"))
    if principal.kind == "device":
        store_id = principal.store_id
    order = order_services.record(
        source=source_of(principal),
        order_no=item["order_no"],
        member_id=_member(item["member"]),
        lines=_lines(lines),
        total_cents=item["total_cents"],
        store_id=store_id,
        guide_id=_guide(item["guide"]),
        channel=item["channel"],
        created_at=item.get("created_at") or paid_at,
    )
    if paid_at:
        order_services.mark_paid(order_id=order.pk, paid_at=paid_at)
    return ids.encode(shapes.ORDER, order.pk), "stored"


def _member(member_id: int) -> int:
    try:
        return members.current_id(member_id)
    except NotFound:
        raise wrong("/member", _("There is no such member.")) from None


def _guide(code: str) -> int | None:
    if not code:
        return None
    found = Staff.objects.filter(code=code).values_list("pk", flat=True).first()
    if found is None:
        raise wrong("/guide", _("Nobody has this staff number."))
    return found


def _lines(lines: list[dict[str, Any]]) -> list[order_services.NewLine]:
    products = catalog.known_products({line["sku"]: line["product"] for line in lines if line["sku"]})
    for number, line in enumerate(lines):
        if line["sku"] and line["sku"] not in products:
            raise wrong(f"/lines/{number}/sku", _("This SKU is new: give the product's name, too."))
    return [
        order_services.NewLine(
            product_id=products.get(line["sku"]),
            total_cents=line["total_cents"],
            quantity=line["quantity"],
            discount_cents=line["discount_cents"],
        )
        for line in lines
    ]


def take_refund(principal: Principal, item: dict[str, Any]) -> tuple[str, str]:
    store_ids = [principal.store_id] if principal.store_id else None
    try:
        orders.detail(order_id=item["order"], store_ids=store_ids)
    except NotFound:
        raise wrong("/order", _("There is no such order.")) from None
    line_id = None
    if "line_no" in item:
        rows = Line.objects.filter(order_id=item["order"], line_no=item["line_no"])
        line_id = rows.values_list("pk", flat=True).first()
        if line_id is None:
            raise wrong("/line_no", _("The order has no such line."))
    made = order_services.refund(
        order_id=item["order"],
        source=f"{source_of(principal)}:{item['refund_no']}",
        amount_cents=item.get("amount_cents"),
        line_id=line_id,
        refunded_at=item.get("refunded_at"),
    )
    return ids.encode(shapes.REFUND, made.pk), "refunded"


@dataclass(frozen=True)
class Intake:
    """One kind of item: how it must look, and what takes it in: (public id, status)."""

    form: type[Input]
    take: Callable[[Principal, dict[str, Any]], tuple[str, str]]


INTAKES = {
    "members": Intake(MemberInput, take_member),
    "orders": Intake(OrderInput, take_order),
    "refunds": Intake(RefundInput, take_refund),
}
