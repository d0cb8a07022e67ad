"""What stores have on the shelf: handed in by their systems, read by the other channels."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import bulk, shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.api.views.prices import PRODUCT, SKU_SIZE, skus_asked, skus_parameter
from apps.catalog import stocking
from apps.catalog.models import Stock
from apps.catalog.stocking import MOST_PIECES, Count
from apps.core import ids

MOST = 20
_STORE = OpenApiParameter("store", str, description="a store's code; without it, every store that counted it")


class StockCountInput(Input):
    sku = f.CharField(max_length=SKU_SIZE)
    store = f.CharField(max_length=40, help_text="its code")
    on_hand = f.IntegerField(min_value=0, max_value=MOST_PIECES)
    as_of = f.DateTimeField(required=False, help_text="when it was counted; left out: now")


class StockCountOut(f.Serializer[Any]):
    sku = f.CharField()
    store = f.CharField()
    on_hand = f.IntegerField()
    as_of = f.DateTimeField()


StockInput = bulk.items_of(StockCountInput)
_EXAMPLE = {"sku": "TEA-01", "store": "SH01", "on_hand": 12, "as_of": "2026-11-29T10:32:05+08:00"}


class StockOfStores(ApiView):
    route = "stock"

    @operation(
        "What stores have of products, as they last counted",
        answer=StockCountOut(many=True),
        example=[_EXAMPLE],
        problems=["validation_failed"],
        parameters=[skus_parameter(MOST), _STORE],
        is_tagged=True,
        tag="server",
    )
    def get(self, request: Request) -> HttpResponse:
        skus, store = skus_asked(request, most=MOST), request.query_params.get("store", "").replace("\0", "")
        return self.tagged([_shown(row) for row in stocking.of_skus(skus, store=store)])

    @operation(
        "Hand in what stores have, 200 at most: each by itself; a count older than the one that stands changes nothing",
        form=StockInput,
        asks={"items": [_EXAMPLE]},
        answer=bulk.BulkOut,
        example=bulk.example("prd_3f8k2m9pq7wxz", "updated"),
        tag="server",
    )
    def post(self, request: Request) -> Response:
        items = self.read(StockInput)["items"]
        return Response(bulk.each(items, form=StockCountInput, act=_take))


def _take(item: dict[str, Any]) -> tuple[str, str]:
    product_id, status = stocking.put(Count(**item))
    return ids.encode(PRODUCT, product_id), status


def _shown(row: Stock) -> dict[str, Any]:
    return {
        "sku": row.product.sku,
        "store": row.store.code,
        "on_hand": row.on_hand,
        "as_of": shapes.at(row.as_of),
    }
