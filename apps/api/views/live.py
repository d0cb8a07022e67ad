"""Live streams for a member: the schedule, reminders, pieces put aside to be tried on in a store."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import Paged, operation
from apps.core import clock, ids
from apps.livestream import joining, selectors
from apps.livestream.models import Product, Reservation, Stream

STREAM, PRODUCT, PIECE, STORE = "liv", "lvp", "lvr", "sto"


class StreamProductOut(f.Serializer[Any]):
    id = f.CharField()
    sku = f.CharField()
    name = f.CharField()
    left = f.IntegerField(allow_null=True, help_text="pieces that can still be put aside; null: none ever")


class StreamOut(f.Serializer[Any]):
    id = f.CharField()
    title = f.CharField()
    note = f.CharField(allow_blank=True)
    state = f.CharField(help_text="open list: planned, live, ended")
    host = f.CharField()
    platform = f.CharField()
    room = f.CharField()
    url = f.CharField(allow_blank=True, help_text="of the room, where the platform has one")
    starts_at = f.DateTimeField()
    ends_at = f.DateTimeField()
    is_reminded = f.BooleanField()
    products = StreamProductOut(many=True, help_text="in the order they are shown")


STREAM_EXAMPLE = {
    "id": "liv_3f8k2m9pq7wxz", "title": "春茶专场", "note": "", "state": "planned", "host": "小满", "platform": "视频号",
    "room": "旗舰店直播间", "url": "", "starts_at": "2026-11-23T20:00:00+08:00", "ends_at": "2026-11-23T22:00:00+08:00",
    "is_reminded": True,
    "products": [{"id": "lvp_3f8k2m9pq7wxz", "sku": "TEA-018", "name": "桂花乌龙茶", "left": 5}],
}  # fmt: skip


class PieceOut(f.Serializer[Any]):
    id = f.CharField()
    stream = f.CharField()
    sku = f.CharField()
    name = f.CharField()
    store = f.CharField()
    store_name = f.CharField()
    visit_on = f.DateField(help_text="the last day it is kept")
    state = f.CharField(help_text="open list: open, tried, missed, cancelled")


PIECE_EXAMPLE = {
    "id": "lvr_3f8k2m9pq7wxz", "stream": "liv_3f8k2m9pq7wxz", "sku": "TEA-018", "name": "桂花乌龙茶",
    "store": "sto_3f8k2m9pq7wxz", "store_name": "武康路店", "visit_on": "2026-11-24", "state": "open",
}  # fmt: skip


class PieceInput(Input):
    product = shapes.Id(PRODUCT, help_text="a product of a stream")
    store = shapes.Id(STORE)
    visit_on = f.DateField(help_text="from the stream's day on, within two weeks of it")


class Streams(ApiView):
    route = "my_streams"

    @operation(
        "Streams to come within a month, on now, and over within a week",
        answer=StreamOut(many=True),
        example=[STREAM_EXAMPLE],
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        rows = list(selectors.schedule(moment=clock.now()))
        reminded = selectors.reminded(member_id=self.member_id)
        products = selectors.products(stream_ids=[row.pk for row in rows])
        return self.tagged([_stream(row, row.pk in reminded, products.get(row.pk, [])) for row in rows])


class StreamReminder(ApiView):
    route = "my_stream_reminder"

    @operation(
        "Be reminded a day and a quarter of an hour before; what may be sent follows your consents and accepts",
        status=204,
        problems=["not_found", "livestream_wrong_state"],
    )
    def put(self, request: Request, stream: str) -> Response:
        joining.remind(stream_id=ids.decode(STREAM, stream), member_id=self.member_id)
        return Response(status=204)

    @operation("Be not reminded", status=204, problems=["not_found"])
    def delete(self, request: Request, stream: str) -> Response:
        joining.forget(stream_id=ids.decode(STREAM, stream), member_id=self.member_id)
        return Response(status=204)


class Pieces(ApiView):
    route = "my_pieces"
    key_required = ("POST",)

    @operation(
        "Pieces put aside for you, newest first", answer=Paged(PieceOut), example=PIECE_EXAMPLE, is_tagged=True
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        return self.newest_first(selectors.put_aside(member_id=self.member_id), of="pieces", shown=_piece)

    @operation(
        "Have a piece put aside to try on in a store; the Idempotency-Key is also its source: for good, not for a day",
        form=PieceInput,
        asks={"product": "lvp_3f8k2m9pq7wxz", "store": "sto_3f8k2m9pq7wxz", "visit_on": "2026-11-24"},
        answer=PieceOut,
        example=PIECE_EXAMPLE,
        status=201,
        problems=["not_found", "livestream_not_to_reserve", "livestream_already_reserved", "livestream_none_left"],
    )
    def post(self, request: Request) -> Response:
        wanted = self.read(PieceInput)
        made = joining.reserve(
            product_id=wanted["product"], member_id=self.member_id, store_id=wanted["store"],
            visit_on=wanted["visit_on"], source=self.source("piece"),
        )  # fmt: skip
        return Response(_own(self.member_id, made.pk), status=201)


class PieceGiveBack(ApiView):
    route = "my_piece_give_back"

    @operation(
        "Give a piece back: it is free for others again",
        answer=PieceOut,
        example=PIECE_EXAMPLE | {"state": "cancelled"},
        problems=["not_found", "livestream_wrong_state"],
    )
    def post(self, request: Request, piece: str) -> Response:
        key = ids.decode(PIECE, piece)
        joining.settle(reservation_id=key, state=Reservation.State.CANCELLED, member_id=self.member_id)
        return Response(_own(self.member_id, key))


def _stream(row: Stream, is_reminded: bool, products: list[Product]) -> dict[str, Any]:
    return {
        "id": ids.encode(STREAM, row.pk),
        "title": row.title,
        "note": row.note,
        "state": row.state,
        "host": row.host.name,
        "platform": str(row.room.platform),
        "room": row.room.name,
        "url": row.room.url,
        "starts_at": shapes.at(row.starts_at),
        "ends_at": shapes.at(row.ends_at),
        "is_reminded": is_reminded,
        "products": [_product(one) for one in products],
    }


def _product(row: Product) -> dict[str, Any]:
    left = None if row.quantity is None else row.quantity - row.reserved
    return {"id": ids.encode(PRODUCT, row.pk), "sku": row.product.sku, "name": row.product.name, "left": left}


def _own(member_id: int, piece_id: int) -> dict[str, Any]:
    return _piece(selectors.put_aside(member_id=member_id).get(pk=piece_id))


def _piece(row: Reservation) -> dict[str, Any]:
    return {
        "id": ids.encode(PIECE, row.pk),
        "stream": ids.encode(STREAM, row.product.stream_id),
        "sku": row.product.product.sku,
        "name": row.product.product.name,
        "store": ids.encode(STORE, row.store_id),
        "store_name": row.store.name,
        "visit_on": row.visit_on.isoformat(),
        "state": row.state,
    }
