"""What products cost: handed in by the brand's programs, read by a member or for one."""

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers as f
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from apps.api import bulk, shapes
from apps.api.base import ApiView, Input
from apps.api.principals import Principal
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.catalog import intake, selectors, words
from apps.catalog.intake import Item
from apps.catalog.models import MOST_CENTS
from apps.catalog.prices import Terms, Who
from apps.catalog.pricing import Buyer
from apps.core import clock, ids
from apps.coupons.basket import Shopper
from apps.flows import shopper
from apps.members import selectors as members

PRODUCT, MOST, SKU_SIZE = "prd", 50, 60
_CHANNEL = OpenApiParameter("channel", str, description="of prices that count there only")
_STORE = OpenApiParameter("store", str, description="a store's code, for prices that count there only")
_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"


def skus_parameter(most: int) -> OpenApiParameter:
    """`sku`, one to `most` times."""
    schema = {"type": "array", "minItems": 1, "maxItems": most, "items": {"type": "string", "maxLength": SKU_SIZE}}
    return OpenApiParameter("sku", schema, required=True, description=f"up to {most}, each a parameter of its own")


def skus_asked(request: Request, *, most: int) -> list[str]:
    """What `skus_parameter` promises. Raises ValidationError."""
    skus = request.query_params.getlist("sku")
    if not 1 <= len(skus) <= most or any(len(sku) > SKU_SIZE or "\0" in sku for sku in skus):
        sentence = _("One to %(most)s SKUs are expected.") % {"most": most}
        raise ValidationError({"sku": [ErrorDetail(sentence, code="invalid")]})
    return skus


class HoursInput(Input):
    since = f.RegexField(_CLOCK, max_length=5, help_text="shop time")
    until = f.RegexField(_CLOCK, max_length=5, help_text="past midnight where it is not later")


class SpecialInput(Input):
    cents = f.IntegerField(min_value=0, max_value=MOST_CENTS, help_text="below the list price")
    label = f.CharField(max_length=60, required=False, allow_blank=True)  # type: ignore[assignment]  # DRF makes it a field
    audience = f.CharField(
        max_length=20,
        required=False,
        allow_blank=True,
        help_text="* any member, or the key of a tier; left out: everyone",
    )
    store = f.CharField(max_length=40, required=False, allow_blank=True)
    channel = f.CharField(max_length=40, required=False, allow_blank=True)
    starts_at = f.DateTimeField(required=False, allow_null=True, help_text="left out: now")
    ends_at = f.DateTimeField(required=False, allow_null=True, help_text="needed for everyone")
    weekdays = f.ListField(child=f.IntegerField(min_value=1, max_value=7), required=False, max_length=7)
    hours = f.ListField(child=HoursInput(), required=False, max_length=5)


class PriceInput(Input):
    sku = f.CharField(max_length=SKU_SIZE)
    name = f.CharField(max_length=120, required=False)
    category = f.CharField(max_length=80, required=False, allow_blank=True)
    brand = f.CharField(max_length=60, required=False, allow_blank=True)
    barcode = f.CharField(
        max_length=14, required=False, allow_blank=True, help_text="GTIN of 8, 12, 13 or 14 digits; tills scan it"
    )
    list_cents = f.IntegerField(min_value=0, max_value=MOST_CENTS, required=False)
    specials = f.ListField(child=SpecialInput(), required=False, max_length=20)


PricesInput = bulk.items_of(PriceInput)
_ASKS = {
    "items": [
        {
            "sku": "TEA-01", "name": "祁门红茶 250克", "category": "茶", "barcode": "6901234567892", "list_cents": 7800,
            "specials": [{"cents": 6800, "audience": "*", "label": "会员价"}],
        }
    ]
}  # fmt: skip


class BundleOut(f.Serializer[Any]):
    id = f.CharField()
    name = f.CharField()
    said = f.CharField(help_text="what it gives, in words")
    skus = f.ListField(child=f.CharField())
    until = f.DateTimeField(allow_null=True)


class ProductPriceOut(f.Serializer[Any]):
    sku = f.CharField()
    name = f.CharField()
    list_cents = f.IntegerField()
    price_cents = f.IntegerField(help_text="what this member pays for one now")
    kind = f.CharField(help_text="open list: list, member, tier, timed")
    said = f.CharField(help_text="the kind in words")
    until = f.DateTimeField(allow_null=True, help_text="before when the price counts without a break")
    bundles = BundleOut(many=True)


_EXAMPLE = [
    {
        "sku": "TEA-01", "name": "祁门红茶 250克", "list_cents": 7800, "price_cents": 6800, "kind": "member", "said": "会员价",
        "until": None,
        "bundles": [
            {"id": "bnd_3f8k2m9pq7wxz", "name": "茶叶两件套", "said": "任选2件¥99.00", "skus": ["TEA-01", "TEA-02"], "until": None}
        ],
    }
]  # fmt: skip


class Prices(ApiView):
    route = "prices"

    @operation(
        "Hand in products and their prices, 200 at most: each by itself; the same again changes nothing",
        form=PricesInput,
        asks=_ASKS,
        answer=bulk.BulkOut,
        example=bulk.example("prd_3f8k2m9pq7wxz", "created"),
        problems=[
            "price_overlaps",
            "price_not_below_list",
            "price_wrong_times",
            "price_for_all_needs_end",
            "barcode_invalid",
            "barcode_taken",
        ],
        tag="server",
    )
    def post(self, request: Request) -> Response:
        items = self.read(PricesInput)["items"]
        return Response(bulk.each(items, form=PriceInput, act=partial(_take, self.principal)))


class MyPrices(ApiView):
    route = "my_prices"

    @operation(
        "What products cost you now; those the catalogue has no price of are left out",
        answer=ProductPriceOut(many=True),
        example=_EXAMPLE,
        problems=["validation_failed"],
        parameters=[skus_parameter(MOST), _CHANNEL],
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        return self.tagged(_prices(request, shopper.shopper_of(self.member_id), channel="online"))


class MemberPrices(ApiView):
    route = "member_prices"

    @operation(
        "What products cost a member now",
        answer=ProductPriceOut(many=True),
        example=_EXAMPLE,
        problems=["not_found", "validation_failed"],
        parameters=[skus_parameter(MOST), _STORE, _CHANNEL],
        is_tagged=True,
        tag="server",
    )
    def get(self, request: Request, member: str) -> HttpResponse:
        member_id = members.current_id(ids.decode(shapes.MEMBER, member))
        members.card(member_id)
        return self.tagged(_prices(request, shopper.shopper_of(member_id), store=request.query_params.get("store", "")))


def _take(principal: Principal, item: dict[str, Any]) -> tuple[str, str]:
    specials = tuple((one["cents"], one.get("label", ""), _terms(one)) for one in item.pop("specials", ()))
    product, status = intake.take(Item(**item, specials=specials), who=Who(source=principal.actor[:60]))
    return ids.encode(PRODUCT, product.pk), status


def _terms(said: dict[str, Any]) -> Terms:
    names = ("audience", "store", "channel", "starts_at", "ends_at")
    hours = tuple((one["since"], one["until"]) for one in said.get("hours", ()))
    weekdays = tuple(sorted(set(said.get("weekdays", ()))))
    return Terms(**{name: said[name] for name in names if name in said}, weekdays=weekdays, hours=hours)


def _prices(request: Request, who: Shopper, *, store: str = "", channel: str = "") -> list[dict[str, Any]]:
    channel = request.query_params.get("channel", channel)
    buyer = Buyer(clock.now(), is_member=True, tier=who.tier, store=store, channel=channel)
    return [_shown(one) for one in selectors.shown(skus_asked(request, most=MOST), buyer=buyer)]


def _shown(one: selectors.Shown) -> dict[str, Any]:
    return {
        "sku": one.sku,
        "name": one.name,
        "list_cents": one.list_cents,
        "price_cents": one.cents,
        "kind": one.rule.kind,
        "said": words.rule(one.rule),
        "until": shapes.at(one.rule.until),
        "bundles": [
            {
                "id": ids.encode("bnd", offer.id),
                "name": offer.name,
                "said": words.bundle(offer.kind, count=offer.count or None, cents=offer.cents, percent=offer.percent),
                "skus": sorted(offer.items),
                "until": shapes.at(offer.when.ends_at),
            }
            for offer in one.bundles
        ],
    }
