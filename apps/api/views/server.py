"""For programs of the brand: members, orders and refunds, many at once, now or in a job. Keys, never people."""

from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import bulk, intake, later, shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.core import ids
from apps.members import attributes
from apps.members import selectors as members
from apps.members.models import Member
from apps.orders import selectors as orders

MembersInput = bulk.items_of(intake.MemberInput)
OrdersInput = bulk.items_of(intake.OrderInput)
RefundsInput = bulk.items_of(intake.RefundInput)


class BulkView(ApiView):
    """Takes items one by one, each in a savepoint; more than a call can wait for go into a job (`Prefer: respond-async`)."""

    intake = ""
    body: type[Input]

    def take_in(self, request: Request) -> Response:
        is_later = later.is_wanted(request, self.principal)
        items = self.read(self.body, context={"most": later.MOST if is_later else bulk.MOST})["items"]
        if is_later:
            job = later.start(intake=self.intake, items=items, principal=self.principal)
            headers = {"Location": later.address(job), "Preference-Applied": later.PREFERENCE}
            return Response(later.shown(job), status=202, headers=headers)
        one = intake.INTAKES[self.intake]
        return Response(bulk.each(items, form=one.form, act=partial(one.take, self.principal)))


class Members(BulkView):
    route = "members"
    intake, body = "members", MembersInput

    @operation(
        "Add members, or bring known ones up to date; 200 at most, or 5,000 in a job",
        form=MembersInput,
        asks={"items": [{"member_no": "POS-88123", "phone": "17000000001", "nickname": "小满"}]},
        answer=bulk.BulkOut,
        example=bulk.example("mem_3f8k2m9pq7wxz", "created"),
        parameters=[later.PARAMETER],
        also=later.ANSWER,
        tag="server",
    )
    @transaction.atomic
    def post(self, request: Request) -> Response:
        return self.take_in(request)


class OneMember(ApiView):
    route = "member"

    @operation(
        "One member",
        answer=shapes.ProfileOut,
        example=shapes.PROFILE_EXAMPLE,
        problems=["not_found"],
        is_tagged=True,
        tag="server",
    )
    def get(self, request: Request, member: str) -> HttpResponse:
        member_id = members.current_id(ids.decode(shapes.MEMBER, member))
        return self.tagged(shapes.profile(members.card(member_id), attributes.held(member_id)))


class FindInput(Input):
    """One of the three."""

    limits = {"minProperties": 1, "maxProperties": 1}
    phone = f.CharField(max_length=40, required=False)
    member_no = f.CharField(max_length=40, required=False)
    card_no = f.CharField(max_length=40, required=False, help_text="on a card that staff added to the member")


class FoundOut(f.Serializer[Any]):
    data = shapes.MemberOut(many=True, help_text="one or none")  # type: ignore[assignment]  # DRF makes it a field


class FindMember(ApiView):
    route = "member_find"
    keeps_answers = False  # they name a person

    @operation(
        "Find a member by phone, number or card; in the body, so that no address carries it",
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
            raise intake.wrong("", _("Give a phone, a member number or a card number."))
        if "phone" in wanted:
            found = members.find_by_phone(wanted["phone"])
        elif "card_no" in wanted:
            found = members.find_by_card(wanted["card_no"])
        else:
            found = Member.objects.filter(member_no=wanted["member_no"]).values_list("pk", flat=True).first()
        shown = [shapes.member(members.card(members.current_id(found)))] if found else []
        return Response({"data": shown})


class FieldOut(f.Serializer[Any]):
    key = f.CharField()
    label = f.CharField()  # type: ignore[assignment]  # DRF makes it a field
    type = f.CharField(help_text="open list: text, number, date, flag, choice")
    choices = f.ListField(child=f.CharField())
    is_shown = f.BooleanField(help_text="members see it, too")
    is_retired = f.BooleanField(help_text="takes no new values")


class FieldsOut(f.Serializer[Any]):
    data = FieldOut(many=True)  # type: ignore[assignment]  # DRF makes it a field


class MemberFields(ApiView):
    route = "member_fields"

    @operation(
        "The brand's own fields on members, in the order of the pages",
        answer=FieldsOut,
        example={
            "data": [
                {
                    "key": "favourite_tea", "label": "最爱的茶", "type": "choice", "choices": ["oolong", "pu-erh"],
                    "is_shown": True, "is_retired": False,
                }
            ]
        },
        is_tagged=True,
        tag="server",
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        return self.tagged(
            {
                "data": [
                    {
                        "key": one.key,
                        "label": one.label,
                        "type": one.type,
                        "choices": one.choices,
                        "is_shown": one.is_shown,
                        "is_retired": one.retired_at is not None,
                    }
                    for one in attributes.fields()
                ]
            }
        )


class AttributesInput(Input):
    attributes = shapes.Attributes(help_text="what is left out stays; null takes a value away")


class AttributesOut(f.Serializer[Any]):
    attributes = shapes.Attributes()


class MemberAttributes(ApiView):
    route = "member_attributes"

    @operation(
        "A member's values in the brand's own fields",
        answer=AttributesOut,
        example={"attributes": shapes.PROFILE_EXAMPLE["attributes"]},
        problems=["not_found"],
        is_tagged=True,
        tag="server",
    )
    def get(self, request: Request, member: str) -> HttpResponse:
        return self.tagged(self._shown(members.current_id(ids.decode(shapes.MEMBER, member))))

    @operation(
        "Change some of these values",
        form=AttributesInput,
        asks={"attributes": {"favourite_tea": "oolong"}},
        answer=AttributesOut,
        example={"attributes": shapes.PROFILE_EXAMPLE["attributes"]},
        problems=["not_found"],
        is_tagged=True,
        tag="server",
    )
    @transaction.atomic
    def put(self, request: Request, member: str) -> HttpResponse:
        wanted = self.read(AttributesInput)
        member_id = members.current_id(ids.decode(shapes.MEMBER, member))
        attributes.hold(member_id=member_id)
        self.demand_match(self._shown(member_id))
        attributes.set_attributes(member_id=member_id, values=wanted["attributes"])
        return self.tagged(self._shown(member_id))

    def _shown(self, member_id: int) -> dict[str, Any]:
        return {"attributes": attributes.held(member_id)}


ORDER_ASKS = {
    "items": [
        {
            "order_no": "E-20261122-0017", "member": "mem_3f8k2m9pq7wxz", "channel": "mini-program", "total_cents": 12800,
            "lines": [{"sku": "TEA-018", "product": "桂花乌龙 100 g", "total_cents": 12800}],
            "paid_at": "2026-11-22T10:32:05+08:00",
        }
    ]
}  # fmt: skip


class Orders(BulkView):
    route = "orders"
    intake, body = "orders", OrdersInput
    key_required = ("POST",)

    @operation(
        "Hand in orders, paid or not; 200 at most, or 5,000 in a job; the same order again changes nothing",
        form=OrdersInput,
        asks=ORDER_ASKS,
        answer=bulk.BulkOut,
        example=bulk.example("ord_7hq2c0m4tz9ba", "stored"),
        parameters=[later.PARAMETER],
        also=later.ANSWER,
        tag="server",
    )
    @transaction.atomic
    def post(self, request: Request) -> Response:
        return self.take_in(request)


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


class Refunds(BulkView):
    route = "refunds"
    intake, body = "refunds", RefundsInput
    key_required = ("POST",)

    @operation(
        "Hand in refunds; 200 at most, or 5,000 in a job; the same refund again changes nothing",
        form=RefundsInput,
        asks={"items": [{"refund_no": "R-1", "order": "ord_7hq2c0m4tz9ba", "amount_cents": 500}]},
        answer=bulk.BulkOut,
        example=bulk.example("ref_3f8k2m9pq7wxz", "refunded"),
        parameters=[later.PARAMETER],
        also=later.ANSWER,
        tag="server",
    )
    @transaction.atomic
    def post(self, request: Request) -> Response:
        return self.take_in(request)
