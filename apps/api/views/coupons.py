"""A member's coupons over the API: the wallet, the centre, a code that came on paper, a gift to a friend, one that a program gives."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import Paged, operation
from apps.core import clock, ids, requests
from apps.coupons import centre, codes, gifts, issuing, wallet, words
from apps.coupons import terms as grammar
from apps.coupons.centre import Offer
from apps.coupons.errors import REASONS, ActReused, CouponRefused
from apps.coupons.models import Coupon, Template
from apps.coupons.words import Names
from apps.flows import coupon_claim
from apps.flows import shopper as shoppers
from apps.members import selectors as members

COUPON, OFFER = "cpn", "cpt"
KINDS: tuple[wallet.Kind, ...] = ("usable", "used", "over")
_AT = "2026-11-29T10:32:05+08:00"
_SHOW = OpenApiParameter("show", str, description="usable (default; ends soonest first), used, over")


class CouponOut(f.Serializer[Any]):
    id = f.CharField()
    name = f.CharField()
    value = f.CharField(help_text="in words: ¥80, 9折")
    condition = f.CharField()
    rules = f.ListField(child=f.CharField())
    level = f.CharField(help_text="item, order, shipping or gift")
    state = f.CharField(help_text="open list: ready, reserved, used, given, expired, recalled")
    starts_at = f.DateTimeField(allow_null=True)
    ends_at = f.DateTimeField(allow_null=True, help_text="from then on it does not count, whatever `state` says")
    is_giftable = f.BooleanField()
    code = f.CharField(
        allow_blank=True, help_text="a partner's, to be shown there; empty: your member code stands for it"
    )


COUPON_EXAMPLE = {
    "id": "cpn_3f8k2m9pq7wxz", "name": "冬日羊绒券", "value": "¥80", "condition": "满400可用",
    "rules": ["羊绒、大衣可用。", "各店与线上通用。"], "level": "order", "state": "ready", "starts_at": _AT,
    "ends_at": "2026-12-24T00:00:00+08:00", "is_giftable": True, "code": "",
}  # fmt: skip


class CouponOfferOut(f.Serializer[Any]):
    id = f.CharField()
    name = f.CharField()
    value = f.CharField()
    condition = f.CharField()
    rules = f.ListField(child=f.CharField())
    validity = f.CharField()
    left = f.IntegerField(allow_null=True, help_text="null: no end of it")
    mine = f.IntegerField(help_text="how many you have claimed")
    per_member = f.IntegerField(allow_null=True)
    is_flash = f.BooleanField()
    opens_at = f.DateTimeField(allow_null=True)
    closes_at = f.DateTimeField(allow_null=True)
    is_available = f.BooleanField()
    reason = f.CharField(allow_blank=True, help_text="why not, a code as a claim would answer; open list")


OFFER_EXAMPLE = {
    "id": "cpt_3f8k2m9pq7wxz", "name": "新品尝鲜", "value": "8.5折", "condition": "不限金额", "rules": ["全部商品可用。"],
    "validity": "领取后30天内有效", "left": 360, "mine": 0, "per_member": 1, "is_flash": False, "opens_at": None,
    "closes_at": None, "is_available": True, "reason": "",
}  # fmt: skip


class CouponCodeInput(Input):
    code = f.CharField(max_length=60, help_text="as printed; blanks, dashes and small letters do not matter")


class CouponGrantInput(Input):
    coupon = f.CharField(max_length=40, help_text="its key, as the back office shows it")
    reference = f.RegexField(
        r"^[A-Za-z0-9._:-]{1,64}$", max_length=64, help_text="your number of this act; sent again it is the same coupon"
    )
    origin = f.RegexField(
        r"^[-\w.:]{1,40}$", max_length=40, required=False, help_text="campaign or place, for the report of coupons"
    )


class GiftTokenInput(Input):
    token = f.CharField(max_length=60)


class GiftLinkOut(f.Serializer[Any]):
    token = f.CharField(help_text="told this once; whoever sends it first to coupon-gifts:take has the coupon")


class MyCoupons(ApiView):
    route = "my_coupons"

    @operation("Your coupons", answer=Paged(CouponOut), example=COUPON_EXAMPLE, is_tagged=True, parameters=[_SHOW])
    def get(self, request: Request) -> HttpResponse:
        kind = next((kind for kind in KINDS if kind == request.query_params.get("show")), KINDS[0])
        name, moment = f"coupons:{self.member_id}:{kind}", clock.now()
        limit, after = self.page_asked(name)
        key = [clock.parse(after[0]), after[1]] if after else None
        found, following = wallet.page(member_id=self.member_id, kind=kind, after=key, limit=limit, moment=moment)
        whole = Coupon.objects.filter(member_id=self.member_id)
        next_key = [following[0].isoformat(), following[1]] if following else None
        return self.page(_coupons(found), name=name, following=next_key, whole=whole)


class CouponOffers(ApiView):
    route = "my_coupon_offers"

    @operation(
        "The coupon centre: what you can claim first", answer=CouponOfferOut(many=True), example=[OFFER_EXAMPLE],
        is_tagged=True,
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        moment = clock.now()
        found = centre.offers(shopper=shoppers.shopper_of(self.member_id, moment=moment), moment=moment)
        known = words.names([one.terms for one in found])
        return self.tagged([_offer(one, known) for one in found])


class CouponClaim(ApiView):
    route = "my_coupon_claim"
    key_required = ("POST",)

    @operation(
        "Claim a coupon; the Idempotency-Key is also its source: for good, not for a day",
        answer=CouponOut,
        example=COUPON_EXAMPLE,
        status=201,
        problems=[
            "not_found", "coupon_closed", "coupon_not_open", "coupon_out_of_stock", "coupon_limit_reached", "coupon_frozen",
            "coupon_wrong_tier", "coupon_wrong_segment", "coupon_wrong_group", "coupon_first_order_only",
        ],
    )  # fmt: skip
    @transaction.atomic
    def post(self, request: Request, offer: str) -> Response:
        template_id, source = ids.decode(OFFER, offer), self.source("coupon")
        _row, issued = coupon_claim.claim(
            member_id=self.member_id, template_id=template_id, source=source, origin="api"
        )
        return Response(_one(issued.coupon_id), status=201)


class CouponEnter(ApiView):
    route = "my_coupon_enter"

    @operation(
        "Put a coupon with a printed code into the wallet; your own code again changes nothing",
        form=CouponCodeInput,
        asks={"code": "WINTER-7KQ2M9PW"},
        answer=CouponOut,
        example=COUPON_EXAMPLE,
        problems=["coupon_not_found", "coupon_expired", "coupon_limit_reached", "coupon_frozen"],
    )
    def post(self, request: Request) -> Response:
        text, address = self.read(CouponCodeInput)["code"], requests.origin().address
        issued = codes.enter(shopper=shoppers.shopper_of(self.member_id), text=text, address=address)
        return Response(_one(issued.coupon_id))


class CouponGift(ApiView):
    route = "my_coupon_gift"
    keeps_answers = False

    @operation(
        "Offer a coupon to a friend: a token for a link; offering again makes the one before void",
        answer=GiftLinkOut,
        example={"token": "2XEWlSSzxFAYHiVORI8ZrMcD"},
        problems=["coupon_not_found", "coupon_not_giftable", "coupon_expired", "coupon_given", "coupon_frozen"],
        is_keyed=False,
    )
    def post(self, request: Request, coupon: str) -> Response:
        return Response({"token": gifts.offer(member_id=self.member_id, coupon_id=ids.decode(COUPON, coupon))})

    @operation("Make the link void; the coupon stays yours", status=204, problems=["coupon_not_found", "coupon_given"])
    def delete(self, request: Request, coupon: str) -> Response:
        gifts.revoke(member_id=self.member_id, coupon_id=ids.decode(COUPON, coupon))
        return Response(status=204)


class GiftTake(ApiView):
    route = "coupon_gift_take"

    @operation(
        "Take a coupon that a friend offers: the first has it, and has it again when they ask again",
        form=GiftTokenInput,
        asks={"token": "2XEWlSSzxFAYHiVORI8ZrMcD"},
        answer=CouponOut,
        example=COUPON_EXAMPLE,
        problems=["coupon_not_found", "coupon_given", "coupon_own_gift", "coupon_expired", "coupon_frozen"],
    )
    def post(self, request: Request) -> Response:
        issued = gifts.take(member_id=self.member_id, token=self.read(GiftTokenInput)["token"])
        return Response(_one(issued.coupon_id))


class MemberCoupons(ApiView):
    route = "member_coupons"
    key_required = ("POST",)

    @operation(
        "Give a member a coupon: stock, limit per member and the stop count, claim window and conditions do not",
        form=CouponGrantInput,
        asks={"coupon": "winter-cashmere-3f8k2m", "reference": "app-campaign-7:88123", "origin": "app-campaign-7"},
        answer=CouponOut,
        example=COUPON_EXAMPLE,
        status=201,
        problems=[
            "not_found", "coupon_not_found", "coupon_frozen", "coupon_closed", "coupon_out_of_stock", "coupon_limit_reached",
            "coupon_member_gone", "coupon_act_reused",
        ],
        tag="server",
    )  # fmt: skip
    @transaction.atomic
    def post(self, request: Request, member: str) -> Response:
        given = self.read(CouponGrantInput)
        member_id = members.current_id(ids.decode(shapes.MEMBER, member))
        members.card(member_id)
        template_id = Template.objects.filter(key=given["coupon"]).values_list("pk", flat=True).first()
        if template_id is None:
            raise CouponRefused("coupon_not_found")
        source, origin = f"api:{self.principal.actor}:{given['reference']}", given.get("origin", "api")
        try:
            issued = issuing.issue(
                member_id=member_id, template_id=template_id, source=source, channel=Coupon.Channel.API, origin=origin
            )
        except issuing.SourceReused:
            raise ActReused from None
        return Response(_one(issued.coupon_id), status=201)


def _one(coupon_id: int) -> dict[str, Any]:
    return _coupons([Coupon.objects.select_related("template", "version").get(pk=coupon_id)])[0]


def _coupons(found: list[Coupon]) -> list[dict[str, Any]]:
    known = words.names([grammar.parse(row.version.terms) for row in found])
    return [_coupon(row, known) for row in found]


def _coupon(row: Coupon, known: Names) -> dict[str, Any]:
    card = words.card(row.version.terms, known)
    return {
        "id": ids.encode(COUPON, row.pk),
        "name": row.template.shown_name,
        "value": str(card.value),
        "condition": card.condition,
        "rules": list(card.rules),
        "level": row.version.terms["level"],
        "state": row.state,
        "starts_at": shapes.at(row.starts_at),
        "ends_at": shapes.at(row.ends_at),
        "is_giftable": row.may_be_given and row.state == Coupon.State.READY,
        "code": row.partner_code,
    }


def _offer(one: Offer, known: Names) -> dict[str, Any]:
    row = one.template
    card = words.card(row.version.terms, known) if row.version else None
    return {
        "id": ids.encode(OFFER, row.pk),
        "name": row.shown_name,
        "value": str(card.value) if card else "",
        "condition": card.condition if card else "",
        "rules": list(card.rules) if card else [],
        "validity": card.validity if card else "",
        "left": one.left,
        "mine": one.mine,
        "per_member": row.per_member,
        "is_flash": row.is_flash,
        "opens_at": shapes.at(row.opens_at),
        "closes_at": shapes.at(row.closes_at),
        "is_available": not one.why_not,
        "reason": one.why_not if one.why_not in REASONS else "",
    }
