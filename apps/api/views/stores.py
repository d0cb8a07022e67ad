"""Stores for who looks for one: nearest first."""

import re
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers as f
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from apps.api.base import ApiView
from apps.api.rendering import Response
from apps.api.schema import operation
from apps.catalog import stocking
from apps.core import clock, ids
from apps.stores import nearby
from apps.stores.nearby import Near, Point

STORE = "sto"
_POINT = (
    r"^(-?(?:[0-8]?[0-9](?:\.[0-9]{1,8})?|90(?:\.0{1,8})?)),"
    r"(-?(?:(?:1[0-7][0-9]|[0-9]{1,2})(?:\.[0-9]{1,8})?|180(?:\.0{1,8})?))$"
)
_NEAR = OpenApiParameter(
    "near",
    {"type": "string", "pattern": _POINT},
    description="31.211,121.439: latitude and longitude in WGS 84, three decimals are enough; not kept",
)

_SKU = OpenApiParameter("sku", str, description="also says whether stores have this product")


class StoreOut(f.Serializer[Any]):
    id = f.CharField()
    code = f.CharField()
    name = f.CharField()
    address = f.CharField(allow_blank=True)
    phone = f.CharField(allow_blank=True)
    latitude = f.FloatField(allow_null=True)
    longitude = f.FloatField(allow_null=True)
    hours = f.ListField(
        child=f.ListField(child=f.CharField(), allow_null=True),
        help_text="seven from Monday on, [first from, last until] in shop time or null for a day off; [] where not known",
    )
    intervals = f.ListField(
        child=f.ListField(child=f.ListField(child=f.CharField())),
        help_text="seven from Monday on, each all of its [from, until]; [] where not known",
    )
    today = f.ListField(
        child=f.ListField(child=f.CharField()),
        help_text="[from, until] of today, with holidays and other special days; [] when closed or not known",
    )
    is_open_now = f.BooleanField(allow_null=True, help_text="null: the hours are not known")
    distance_m = f.IntegerField(allow_null=True, help_text="as the crow flies; null without `near` or a position")
    stock = f.CharField(
        allow_null=True,
        help_text="of `sku`; open list: many, few, none; null: not asked for, or the store never counted it",
    )


STORE_EXAMPLE = {
    "id": "sto_3f8k2m9pq7wxz", "code": "SH01", "name": "武康路店", "address": "武康路 376 号", "phone": "021-5550 0101",
    "latitude": 31.2109, "longitude": 121.4389, "hours": [["10:00", "22:00"]] * 7,
    "intervals": [[["10:00", "22:00"]]] * 7, "today": [["10:00", "22:00"]], "is_open_now": True, "distance_m": 640,
    "stock": "few",
}  # fmt: skip


class Stores(ApiView):
    route = "stores"

    @operation(
        "Stores in business, at most 50: nearest first, without `near` by name",
        answer=StoreOut(many=True),
        example=[STORE_EXAMPLE],
        problems=["validation_failed"],
        parameters=[_NEAR, _SKU],
        tag="server",
    )
    def get(self, request: Request) -> HttpResponse:
        moment, sku = clock.now(), request.query_params.get("sku", "")[:60].replace("\0", "")
        levels = stocking.levels(sku) if sku else {}
        found = nearby.find(near=_point(request))
        return Response([_store(one, moment) | {"stock": levels.get(one.store_id)} for one in found])


def _point(request: Request) -> Point | None:
    text = request.query_params.get("near")
    if text is None:
        return None
    found = re.fullmatch(_POINT, text)
    if found is None:
        raise ValidationError({"near": [ErrorDetail(_("Latitude and longitude are expected."), code="invalid")]})
    return Point(float(found[1]), float(found[2]))


def _store(one: Near, moment: Any) -> dict[str, Any]:
    week = one.calendar.week if one.calendar.hours_are_known else []
    is_open = nearby.is_open(one.calendar, moment=moment)
    return {
        "id": ids.encode(STORE, one.store_id),
        "code": one.code,
        "name": one.name,
        "address": one.address,
        "phone": one.phone,
        "latitude": one.latitude,
        "longitude": one.longitude,
        "hours": [[day[0][0], day[-1][1]] if day else None for day in week],
        "intervals": week,
        "today": one.calendar.day(clock.local_date(moment)) if is_open is not None else [],
        "is_open_now": is_open,
        "distance_m": one.meters,
    }
