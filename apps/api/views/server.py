"""For programs of the brand: members, orders and refunds, many at once. Keys, never people."""

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework import serializers as f
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import bulk, shapes
from apps.api.base import ApiView, Input
from apps.api.principals import Principal
from apps.api.schema import operation
from apps.catalog import services as catalog
from apps.core import ids
from apps.core.errors import NotFound, ValidationFailed
from apps.core.models import Job
from apps.members import selectors as members
from apps.members import upsert
from apps.members.models import Member
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


MembersInput = bulk.items_of(MemberInput)


class Members(ApiView):
    route = "members"

    @operation(
        "Add members, or bring known ones up to date; 200 at most",
        form=MembersInput,
        asks={"items": [{"member_no": "POS-88123", "phone": "17000000001", "nickname": "小满"}]},
        answer=bulk.BulkOut,
        example=bulk.example("mem_3f8k2m9pq7wxz", "created"),
        tag="server",
    )
    @transaction.atomic
    def post(self, request: Request) -> Response:
        return Response(bulk.each(self.read(MembersInput)["items"], form=MemberInput, act=self._take))

    def _take(self, item: dict[str, Any]) -> tuple[str, str]:
        item["home_store_id"] = store_id_of(item.pop("store"))
        member_id, is_new = upsert.upsert(source=source_of(self.principal), **item)
        return ids.encode(shapes.MEMBER, member_id), "created" if is_new else "updated"


class OneMember(ApiView):
    route = "member"

    @operation(
        "One member",
        answer=shapes.MemberOut,
        example=shapes.MEMBER_EXAMPLE,
        problems=["not_found"],
        is_tagged=True,
        tag="server",
    )
    def get(self, request: Request, member: str) -> HttpResponse:
        member_id = members.current_id(ids.decode(shapes.MEMBER, member))
        return self.tagged(shapes.member(members.card(member_id)))


class FindInput(Input):
    """One of the two."""

    phone = f.CharField(max_length=40, required=False)
    member_no = f.CharField(max_length=40, required=False)


class FoundOut(f.Serializer[Any]):
    data = shapes.MemberOut(many=True, help_text="one or none")  # type: ignore[assignment]  # DRF makes it a field


class FindMember(ApiView):
    route = "member_find"
    keeps_answers = False  # they name a person

    @operation(
        "Find a member by phone or number; in the body, so that no address carries it",
        form=FindInput,
        asks={"phone": "17000000001"},
        answer=FoundOut,
        example={"data": [shapes.MEMBER_EXAMPLE]},
        is_keyed=False,
        tag="server",
    )
    def post(self, request: Request) -> Response:
        wanted = self.read(FindInput)
        if len(wanted) != 1:
            raise wrong("", _("Give a phone or a member number."))
        if "phone" in wanted:
            found = members.find_by_phone(wanted["phone"])
        else:
            found = Member.objects.filter(member_no=wanted["member_no"]).values_list("pk", flat=True).first()
        shown = [shapes.member(members.card(members.current_id(found)))] if found else []
        return Response({"data": shown})


class LineInput(Input):
    sku = f.CharField(max_length=60, required=False, default="", allow_blank=True)
    product = f.CharField(max_length=120, required=False, default="", help_text="its name, should the SKU be new")
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


OrdersInput = bulk.items_of(OrderInput)
ORDER_ASKS = {
    "items": [
        {
            "order_no": "E-20261122-0017", "member": "mem_3f8k2m9pq7wxz", "channel": "mini-program", "total_cents": 12800,
            "lines": [{"sku": "TEA-018", "product": "桂花乌龙 100 g", "total_cents": 12800}],
            "paid_at": "2026-11-22T10:32:05+08:00",
        }
    ]
}  # fmt: skip


class Orders(ApiView):
    route = "orders"
    key_required = ("POST",)

    @operation(
        "Hand in orders, paid or not; 200 at most; the same order again changes nothing",
        form=OrdersInput,
        asks=ORDER_ASKS,
        answer=bulk.BulkOut,
        example=bulk.example("ord_7hq2c0m4tz9ba", "stored"),
        tag="server",
    )
    @transaction.atomic
    def post(self, request: Request) -> Response:
        return Response(bulk.each(self.read(OrdersInput)["items"], form=OrderInput, act=self._take))

    def _take(self, item: dict[str, Any]) -> tuple[str, str]:
        lines = item.pop("lines")
        paid_at = item.pop("paid_at", None)
        store_id = store_id_of(item.pop("store"))
        if self.principal.kind == "device":
            store_id = self.principal.store_id
        order = order_services.record(
            source=source_of(self.principal),
            order_no=item["order_no"],
            member_id=self._member(item["member"]),
            lines=self._lines(lines),
            total_cents=item["total_cents"],
            store_id=store_id,
            guide_id=self._guide(item["guide"]),
            channel=item["channel"],
            created_at=item.get("created_at") or paid_at,
        )
        if paid_at:
            order_services.mark_paid(order_id=order.pk, paid_at=paid_at)
        return ids.encode(shapes.ORDER, order.pk), "stored"

    def _member(self, member_id: int) -> int:
        try:
            return members.current_id(member_id)
        except NotFound:
            raise wrong("/member", _("There is no such member.")) from None

    def _guide(self, code: str) -> int | None:
        if not code:
            return None
        found = Staff.objects.filter(code=code).values_list("pk", flat=True).first()
        if found is None:
            raise wrong("/guide", _("Nobody has this staff number."))
        return found

    def _lines(self, lines: list[dict[str, Any]]) -> list[order_services.NewLine]:
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


class OneOrder(ApiView):
    route = "order"

    @operation(
        "One order with its lines and refunds",
        answer=shapes.OrderDetailOut,
        example=shapes.ORDER_DETAIL_EXAMPLE,
        problems=["not_found"],
        is_tagged=True,
        tag="server",
    )
    def get(self, request: Request, order: str) -> HttpResponse:
        store_ids = [self.principal.store_id] if self.principal.store_id else None
        return self.tagged(
            shapes.order_detail(orders.detail(order_id=ids.decode(shapes.ORDER, order), store_ids=store_ids))
        )


class RefundInput(Input):
    refund_no = f.RegexField(r"^[\x21-\x7e]{1,60}$", help_text="unique for its order in your system")
    order = shapes.Id(shapes.ORDER)
    line_no = f.IntegerField(required=False, min_value=1, max_value=32767, help_text="absent: the order as a whole")
    amount_cents = f.IntegerField(required=False, min_value=1, max_value=10**12, help_text="absent: all that is left")
    refunded_at = f.DateTimeField(required=False)


RefundsInput = bulk.items_of(RefundInput)


class Refunds(ApiView):
    route = "refunds"
    key_required = ("POST",)

    @operation(
        "Hand in refunds; 200 at most; the same refund again changes nothing",
        form=RefundsInput,
        asks={"items": [{"refund_no": "R-1", "order": "ord_7hq2c0m4tz9ba", "amount_cents": 500}]},
        answer=bulk.BulkOut,
        example=bulk.example("ref_3f8k2m9pq7wxz", "refunded"),
        tag="server",
    )
    @transaction.atomic
    def post(self, request: Request) -> Response:
        return Response(bulk.each(self.read(RefundsInput)["items"], form=RefundInput, act=self._take))

    def _take(self, item: dict[str, Any]) -> tuple[str, str]:
        store_ids = [self.principal.store_id] if self.principal.store_id else None
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
            source=f"{source_of(self.principal)}:{item['refund_no']}",
            amount_cents=item.get("amount_cents"),
            line_id=line_id,
            refunded_at=item.get("refunded_at"),
        )
        return ids.encode(shapes.REFUND, made.pk), "refunded"


class JobOut(f.Serializer[Any]):
    id = f.CharField()
    kind = f.CharField()
    state = f.CharField(help_text="open list: queued, running, paused, done, failed, stopped")
    done = f.IntegerField()
    total = f.IntegerField(allow_null=True)
    error_code = f.CharField(allow_blank=True)


class OneJob(ApiView):
    route = "job"

    @operation(
        "How far long work is",
        answer=JobOut,
        example={
            "id": "job_3f8k2m9pq7wxz", "kind": "orders.import", "state": "running", "done": 4000, "total": 10000,
            "error_code": "",
        },
        problems=["not_found"],
        tag="server",
    )  # fmt: skip
    def get(self, request: Request, job: str) -> Response:
        row = Job.objects.filter(pk=ids.decode(shapes.JOB, job)).first()
        if row is None:
            raise NotFound
        fields = {name: getattr(row, name) for name in ("kind", "state", "done", "total", "error_code")}
        return Response({"id": job, **fields})
