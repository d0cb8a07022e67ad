"""The points mall: what a member can get and took, and what tills and payment systems say about it."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import get_language
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import Paged, operation
from apps.core import ids
from apps.core.errors import NotFound
from apps.points import mall, offers, pick_up
from apps.points.mall_errors import REASONS
from apps.points.models import Exchange, Reward
from apps.points.offers import Offer

REWARD, EXCHANGE, STORE = "rwd", "exg", "sto"
_AT = "2026-11-22T10:32:05+08:00"


class ReasonOut(f.Serializer[Any]):
    code = f.CharField(help_text=f"open list: {', '.join(REASONS)}")
    message = f.CharField(help_text="in the caller's language")


class InStoreOut(f.Serializer[Any]):
    id = f.CharField()
    name = f.CharField()
    left = f.IntegerField()


class RewardOut(f.Serializer[Any]):
    id = f.CharField()
    kind = f.CharField(help_text="gift (with a pick-up code) or virtual (delivered at once)")
    name = f.CharField()
    description = f.CharField(allow_blank=True)
    picture = f.CharField(
        allow_null=True, help_text="a JPEG on this host, open to anybody; its address changes with it"
    )
    points = f.IntegerField()
    cash_cents = f.IntegerField()
    left = f.IntegerField(allow_null=True, help_text="null: no end of it")
    short_by = f.IntegerField(help_text="points that are missing")
    is_available = f.BooleanField()
    reasons = ReasonOut(many=True, help_text="why it is not to be had, the gravest first")
    is_store_limited = f.BooleanField(help_text="an exchange then names one of `stores`")
    stores = InStoreOut(many=True)
    starts_at = f.DateTimeField(allow_null=True)
    ends_at = f.DateTimeField(allow_null=True)
    auto_from = f.IntegerField(allow_null=True, help_text="balance from which it is taken by itself; null: never")
    auto_per_day = f.IntegerField(help_text="how often a day by itself at the most")


REWARD_EXAMPLE = {
    "id": "rwd_3f8k2m9pq7wxz", "kind": "gift", "name": "桂花乌龙茶一罐", "description": "", "points": 120, "cash_cents": 0,
    "picture": f"/my/mall/pictures/{'3f8k2m9p' * 8}.jpg", "left": 5, "short_by": 20, "is_available": False,
    "reasons": [{"code": "insufficient_balance", "message": "积分不足。"}],
    "is_store_limited": False, "stores": [], "starts_at": None, "ends_at": None,
    "auto_from": None, "auto_per_day": 1,
}  # fmt: skip


class ExchangeOut(f.Serializer[Any]):
    id = f.CharField()
    reward = f.CharField()
    name = f.CharField()
    state = f.CharField(help_text="open list: awaiting (payment), ready, done, cancelled, lapsed")
    points = f.IntegerField()
    cash_cents = f.IntegerField()
    store = f.CharField(allow_null=True, help_text="null: any store hands it over")
    created_at = f.DateTimeField()
    expires_at = f.DateTimeField(allow_null=True, help_text="of the payment while awaiting, of the pick-up while ready")
    paid_at = f.DateTimeField(allow_null=True)
    settled_at = f.DateTimeField(allow_null=True)


EXCHANGE_EXAMPLE = {
    "id": "exg_3f8k2m9pq7wxz", "reward": "rwd_3f8k2m9pq7wxz", "name": "桂花乌龙茶一罐", "state": "ready", "points": 120,
    "cash_cents": 0, "store": None, "created_at": _AT, "expires_at": "2026-12-23T00:00:00+08:00", "paid_at": None,
    "settled_at": None,
}  # fmt: skip


class OwnExchangeOut(ExchangeOut):
    pick_up_code = f.CharField(allow_blank=True, help_text="to show in the store, while ready")


OWN_EXAMPLE = EXCHANGE_EXAMPLE | {"pick_up_code": "7KQ2M9PW4XHT"}


class HandedOut(ExchangeOut):
    is_repeat = f.BooleanField(help_text="true: it was handed over before, this is the first receipt")
    handed_over_in = f.CharField(allow_blank=True)


class ExchangeInput(Input):
    reward = shapes.Id(REWARD)
    store = shapes.Id(STORE, required=False, allow_null=True, default=None)


class PaidInput(Input):
    amount_cents = f.IntegerField(min_value=1, max_value=100_000_000)
    payment_no = f.CharField(max_length=80, help_text="the payment's number where it was paid")


class HandOverInput(Input):
    code = f.CharField(max_length=60)


class Rewards(ApiView):
    route = "my_rewards"

    @operation(
        "What you can get for points: first what is within reach, with every reason where something is not",
        answer=RewardOut(many=True),
        example=[REWARD_EXAMPLE],
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        return self.tagged([_reward(one) for one in offers.find(member_id=self.member_id)])


class OneReward(ApiView):
    route = "my_reward"

    @operation("One reward", answer=RewardOut, example=REWARD_EXAMPLE, problems=["not_found"], is_tagged=True)
    def get(self, request: Request, reward: str) -> HttpResponse:
        found = offers.one(member_id=self.member_id, reward_id=ids.decode(REWARD, reward))
        if found is None:
            raise NotFound
        return self.tagged(_reward(found))


class Exchanges(ApiView):
    route = "my_exchanges"
    key_required = ("POST",)

    @operation("Your exchanges, newest first", answer=Paged(OwnExchangeOut), example=OWN_EXAMPLE, is_tagged=True)
    def get(self, request: Request) -> HttpResponse:
        return self.newest_first(offers.of_member(self.member_id), of="exchanges", shown=_own)

    @operation(
        "Exchange points for a reward; the Idempotency-Key is also its source: for good, not for a day",
        form=ExchangeInput,
        asks={"reward": "rwd_3f8k2m9pq7wxz"},
        answer=OwnExchangeOut,
        example=OWN_EXAMPLE,
        status=201,
        problems=[
            "not_found", "points_insufficient", "points_account_frozen", "reward_unavailable", "exchange_contradicts",
        ],
    )  # fmt: skip
    @transaction.atomic
    def post(self, request: Request) -> Response:
        wanted = self.read(ExchangeInput)
        shopper = mall.Shopper(member_id=self.member_id, tier_key=offers.tier_key(self.member_id))
        source = self.source("exchange")
        taken = mall.exchange(shopper=shopper, reward_id=wanted["reward"], source=source, store_id=wanted["store"])
        return Response(_own(taken.exchange), status=201)


class ExchangeCancel(ApiView):
    route = "my_exchange_cancel"

    @operation(
        "Cancel an exchange before it is handed over: the points go back, valid as long as before",
        answer=OwnExchangeOut,
        example=OWN_EXAMPLE | {"state": "cancelled", "pick_up_code": "", "settled_at": _AT},
        problems=["not_found", "exchange_over", "exchange_paid"],
    )
    @transaction.atomic
    def post(self, request: Request, exchange: str) -> Response:
        taken = mall.cancel(exchange_id=ids.decode(EXCHANGE, exchange), by_member=self.member_id)
        return Response(_own(taken.exchange))


class ExchangePaid(ApiView):
    route = "exchange_paid"

    @operation(
        "Say that the cash of an exchange has come; the same payment again changes nothing",
        form=PaidInput,
        asks={"amount_cents": 990, "payment_no": "PAY-20261122-0017"},
        answer=ExchangeOut,
        example=EXCHANGE_EXAMPLE | {"cash_cents": 990, "paid_at": _AT},
        problems=["not_found", "reservation_expired", "payment_contradicts"],
        tag="server",
    )
    @transaction.atomic
    def post(self, request: Request, exchange: str) -> Response:
        given = self.read(PaidInput)
        taken = mall.confirm_paid(
            exchange_id=ids.decode(EXCHANGE, exchange), cents=given["amount_cents"], ref=given["payment_no"]
        )
        return Response(_exchange(taken.exchange))


class HandOver(ApiView):
    route = "exchange_hand_over"

    @operation(
        "Hand a gift over by its pick-up code, once; a second scan answers the first receipt",
        form=HandOverInput,
        asks={"code": "7KQ2 M9PW 4XHT"},
        answer=HandedOut,
        example=EXCHANGE_EXAMPLE
        | {"state": "done", "settled_at": _AT, "is_repeat": False, "handed_over_in": "武康路店"},
        problems=["pick_up_code_unknown", "pick_up_elsewhere", "exchange_over"],
        tag="server",
    )
    def post(self, request: Request) -> Response:
        caller = self.principal
        at = mall.Counter(store_id=caller.store_id, staff_id=None, guesser=caller.actor)
        taken = mall.hand_over(code=self.read(HandOverInput)["code"], at=at)
        store = taken.exchange.handed_store
        more = {"is_repeat": not taken.is_new, "handed_over_in": store.name if store else ""}
        return Response(_exchange(taken.exchange) | more)


def _name(row: Reward) -> str:
    return row.name if (get_language() or "").startswith("zh") else row.name_en


def _reward(found: Offer) -> dict[str, Any]:
    row = found.reward
    is_chinese = (get_language() or "").startswith("zh")
    return {
        "id": ids.encode(REWARD, row.pk),
        "kind": row.kind,
        "name": _name(row),
        "description": row.description if is_chinese else row.description_en,
        "picture": reverse("portal:reward_picture", args=[row.picture_id]) if row.picture_id else None,
        "points": row.points,
        "cash_cents": row.cash_cents,
        "left": found.left,
        "short_by": found.short_by,
        "is_available": found.is_available,
        "reasons": [{"code": reason, "message": str(REASONS[reason])} for reason in found.reasons],
        "is_store_limited": row.is_store_limited,
        "stores": [{"id": ids.encode(STORE, one.id), "name": one.name, "left": one.left} for one in found.stores],
        "starts_at": shapes.at(row.starts_at),
        "ends_at": shapes.at(row.ends_at),
        "auto_from": row.auto_from,
        "auto_per_day": row.auto_per_day,
    }


def _exchange(row: Exchange) -> dict[str, Any]:
    return {
        "id": ids.encode(EXCHANGE, row.pk),
        "reward": ids.encode(REWARD, row.reward_id),
        "name": _name(row.reward),
        "state": row.state,
        "points": row.points,
        "cash_cents": row.cash_cents,
        "store": ids.encode(STORE, row.store_id) if row.store_id else None,
        "created_at": shapes.at(row.at),
        "expires_at": shapes.at(row.expires_at),
        "paid_at": shapes.at(row.paid_at),
        "settled_at": shapes.at(row.settled_at),
    }


def _own(row: Exchange) -> dict[str, Any]:
    code = ""
    if row.state == Exchange.State.READY and row.code_sealed:
        code = pick_up.opened(bytes(row.code_sealed), member_id=row.member_id)
    return _exchange(row) | {"pick_up_code": code}
