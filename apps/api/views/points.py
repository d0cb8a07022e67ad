"""Points: what members see of theirs, and what programs of the brand book."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.utils.translation import get_language
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers as f
from rest_framework.request import Request

from apps.api import shapes
from apps.api.base import ApiView, Input
from apps.api.rendering import Response
from apps.api.schema import Paged, operation
from apps.core import ids
from apps.core.errors import NotFound
from apps.members import selectors as members
from apps.points import selectors, telling
from apps.points import services as points
from apps.points.models import Currency

ENTRY, HOLD = "pte", "hld"
POINTS = "points"  # the currency that every house has
MOST = 1_000_000  # points in one call of a program: what is more is a mistake or a theft
LONGEST_HOLD = 15  # minutes
_CURRENCY = OpenApiParameter("currency", str, description="points (default), growth or another key")


def _currency(request: Request) -> str:
    """One that nobody knows has no lines, so that is what an odd text is, too; PostgreSQL's texts hold no NUL."""
    return request.query_params.get("currency", "points")[:20].replace("\0", "")


class AccountOut(f.Serializer[Any]):
    currency = f.CharField()
    name = f.CharField()
    balance = f.IntegerField()
    pending = f.IntegerField(help_text="granted, not yet usable")
    held = f.IntegerField(help_text="set aside for something that is not finished")
    debt = f.IntegerField(help_text="owed after refunds; the next earnings pay it first")
    earned_total = f.IntegerField()
    is_frozen = f.BooleanField()
    expires_first = shapes.ExpiryOut(allow_null=True)


ACCOUNT_EXAMPLE = {
    "currency": "points", "name": "积分", "balance": 12480, "pending": 120, "held": 0, "debt": 0, "earned_total": 20160,
    "is_frozen": False, "expires_first": {"points": 320, "on": "2026-12-31"},
}  # fmt: skip


class AccountsOut(f.Serializer[Any]):
    data = AccountOut(many=True)  # type: ignore[assignment]  # DRF makes it a field


class EntryOut(f.Serializer[Any]):
    id = f.CharField()
    kind = f.CharField(help_text="open list: earn, spend, return, reverse, expire, hold, release …")
    title = f.CharField(help_text="in the caller's language")
    about = f.CharField(allow_blank=True, help_text="which order, rule or store")
    amount = f.IntegerField(help_text="of the balance; 0 where only pending or held points moved")
    pending = f.IntegerField()
    held = f.IntegerField()
    debt = f.IntegerField()
    balance = f.IntegerField(help_text="after this line")
    order_id = f.CharField(allow_null=True)
    at = f.DateTimeField()


ENTRY_EXAMPLE = {
    "id": "pte_3f8k2m9pq7wxz", "kind": "earn", "title": "获得", "about": "消费得积分 · 订单 POS-20261122-0017", "amount": 128,
    "pending": 0, "held": 0, "debt": 0, "balance": 12480, "order_id": "ord_7hq2c0m4tz9ba", "at": "2026-11-22T10:32:05+08:00",
}  # fmt: skip


def account(currency: Currency, *, member_id: int) -> dict[str, Any]:
    totals = selectors.totals(member_id=member_id, currency=currency.key)
    is_english = (get_language() or "").startswith("en")
    return {
        "currency": currency.key,
        "name": currency.name_en if is_english else currency.name,
        "balance": totals.balance,
        "pending": totals.pending,
        "held": totals.held,
        "debt": totals.debt,
        "earned_total": totals.earned_total,
        "is_frozen": totals.is_frozen,
        "expires_first": shapes.expires_first(totals),
    }


def _accounts(member_id: int) -> dict[str, Any]:
    return {"data": [account(currency, member_id=member_id) for currency in Currency.objects.all()]}


def _entry(told: telling.Told) -> dict[str, Any]:
    line = told.entry
    return {
        "id": ids.encode(ENTRY, line.pk),
        "kind": line.kind,
        "title": told.title,
        "about": told.about,
        "amount": line.amount,
        "pending": line.pending,
        "held": line.held,
        "debt": line.debt,
        "balance": line.balance_after,
        "order_id": ids.encode(shapes.ORDER, told.order_id) if told.order_id else None,
        "at": shapes.at(line.at),
    }


class MyPoints(ApiView):
    route = "my_points"

    @operation(
        "Your points: balance, what is pending, what runs out first",
        answer=AccountsOut,
        example={"data": [ACCOUNT_EXAMPLE]},
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        return self.tagged(_accounts(self.member_id))


class MyEntries(ApiView):
    route = "my_points_entries"

    @operation(
        "Your statement, newest first",
        answer=Paged(EntryOut),
        example=ENTRY_EXAMPLE,
        parameters=[_CURRENCY],
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        currency = _currency(request)
        name = f"points:{currency}:{self.member_id}"
        limit, after = self.page_asked(name)
        whole = telling.lines_of(member_id=self.member_id, currency=currency)
        found, following = telling.statement(
            member_id=self.member_id, currency=currency, before=after[0] if after else None, limit=limit
        )
        told = telling.tell(found, language=get_language() or "")
        return self.page(
            [_entry(one) for one in told], name=name, following=[following] if following else None, whole=whole
        )


class ExpiringOut(f.Serializer[Any]):
    data = shapes.ExpiryOut(many=True)  # type: ignore[assignment]  # DRF makes it a field


class MyExpiring(ApiView):
    route = "my_points_expiring"

    @operation(
        "What runs out when, first day first; points that never do are left out",
        answer=ExpiringOut,
        example={"data": [{"points": 320, "on": "2026-12-31"}, {"points": 1200, "on": "2027-06-30"}]},
        parameters=[_CURRENCY],
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        currency = _currency(request)
        found = selectors.expiring(member_id=self.member_id, currency=currency)
        return self.tagged({"data": [{"points": amount, "on": last_day} for last_day, amount in found]})


class MemberPoints(ApiView):
    route = "member_points"

    @operation(
        "A member's points",
        answer=AccountsOut,
        example={"data": [ACCOUNT_EXAMPLE]},
        problems=["not_found"],
        is_tagged=True,
        tag="server",
    )
    def get(self, request: Request, member: str) -> HttpResponse:
        return self.tagged(_accounts(member_of(member)))


class BookingInput(Input):
    amount = f.IntegerField(min_value=1, max_value=MOST)
    reference = f.RegexField(
        r"^[A-Za-z0-9._:-]{1,64}$",
        max_length=64,
        help_text="your own number of this booking; sent again it is the same booking",
    )
    currency = f.CharField(max_length=20, required=False)


class PostingOut(f.Serializer[Any]):
    id = f.CharField(help_text="of the line of the statement")
    amount = f.IntegerField()
    balance = f.IntegerField()
    pending = f.IntegerField()
    held = f.IntegerField()
    debt = f.IntegerField()
    is_new = f.BooleanField(help_text="false: this reference had been booked before")


POSTING_EXAMPLE = {
    "id": "pte_3f8k2m9pq7wxz", "amount": 128, "balance": 12480, "pending": 0, "held": 0, "debt": 0, "is_new": True,
}  # fmt: skip
_BOOKING = {"amount": 128, "reference": "TILL-3-000187"}
_REFUSALS = ["not_found", "source_reused", "points_account_frozen"]


class _Booking(ApiView):
    """Books under `api:<key of the program>:<act>:<its reference>`: two programs, or two acts, never meet under one reference."""

    key_required = ("POST",)
    act = ""

    def source(self, reference: str) -> str:
        return f"api:{self.principal.actor}:{self.act}:{reference}"

    def book(self, member: str, act: Callable[..., points.Posting]) -> Response:
        given = self.read(BookingInput)
        made = act(
            member_id=ids.decode(shapes.MEMBER, member),
            amount=given["amount"],
            source=self.source(given["reference"]),
            currency=currency_of(given),
        )
        return Response(_posting(made))


class MemberEarn(_Booking):
    route = "member_points_earn"
    act = "earn"

    @operation(
        "Grant points to a member",
        form=BookingInput,
        asks=_BOOKING,
        answer=PostingOut,
        example=POSTING_EXAMPLE,
        problems=["not_found", "source_reused"],
        tag="server",
    )
    def post(self, request: Request, member: str) -> Response:
        return self.book(member, points.earn)


class MemberSpend(_Booking):
    route = "member_points_spend"
    act = "spend"

    @operation(
        "Take points from a member, first-expiring first",
        form=BookingInput,
        asks=_BOOKING | {"amount": 28},
        answer=PostingOut,
        example=POSTING_EXAMPLE,
        problems=[*_REFUSALS, "points_insufficient"],
        tag="server",
    )
    def post(self, request: Request, member: str) -> Response:
        return self.book(member, points.spend)


class HoldInput(BookingInput):
    minutes = f.IntegerField(min_value=1, max_value=LONGEST_HOLD, required=False, help_text="15 where left out")


class HoldOut(PostingOut):
    hold = f.CharField(help_text="for capture and release")


class MemberHolds(_Booking):
    route = "member_points_holds"
    act = "hold"

    @operation(
        "Set points aside for a basket; let go by themselves when the time is over",
        form=HoldInput,
        asks=_BOOKING | {"amount": 40, "minutes": 10},
        answer=HoldOut,
        example=POSTING_EXAMPLE | {"hold": "hld_3f8k2m9pq7wxz", "held": 128},
        problems=[*_REFUSALS, "points_insufficient"],
        tag="server",
    )
    def post(self, request: Request, member: str) -> Response:
        given = self.read(HoldInput)
        minutes = given.get("minutes", LONGEST_HOLD)
        made = points.hold(
            member_id=ids.decode(shapes.MEMBER, member),
            amount=given["amount"],
            source=self.source(given["reference"]),
            currency=currency_of(given),
            keep_for=timedelta(minutes=minutes),
        )
        return Response(_posting(made) | {"hold": ids.encode(HOLD, made.entry_id)})


class CaptureInput(Input):
    amount = f.IntegerField(min_value=1, max_value=MOST)
    reference = f.RegexField(r"^[A-Za-z0-9._:-]{1,64}$", max_length=64)


class HoldCapture(_Booking):
    route = "points_hold_capture"
    act = "capture"

    @operation(
        "Spend what was set aside, or part of it; the rest goes back",
        form=CaptureInput,
        asks=_BOOKING | {"amount": 40},
        answer=PostingOut,
        example=POSTING_EXAMPLE,
        problems=["not_found", "reservation_expired", "points_exceed_line", "source_reused"],
        tag="server",
    )
    def post(self, request: Request, hold: str) -> Response:
        given = self.read(CaptureInput)
        entry_id = held_by(f"api:{self.principal.actor}:hold:", hold)
        made = points.capture(entry_id=entry_id, amount=given["amount"], source=self.source(given["reference"]))
        return Response(_posting(made))


class HoldRelease(_Booking):
    route = "points_hold_release"
    act = "release"

    @operation(
        "Let go of what was set aside; again: nothing happens",
        answer=PostingOut,
        example=POSTING_EXAMPLE,
        problems=["not_found", "reservation_expired"],
        tag="server",
    )
    def post(self, request: Request, hold: str) -> Response:
        entry_id = held_by(f"api:{self.principal.actor}:hold:", hold)
        return Response(_posting(points.let_go(entry_id=entry_id, source=f"hold:{entry_id}:released")))


def held_by(owner: str, hold: str) -> int:
    """The line of a hold that `owner`'s sources wrote. Raises NotFound."""
    entry_id = ids.decode(HOLD, hold)
    if not telling.is_hold_of(entry_id=entry_id, source_prefix=owner):
        raise NotFound
    return entry_id


def member_of(public_id: str) -> int:
    """Aliases stand for their members. Raises NotFound."""
    return members.current_id(ids.decode(shapes.MEMBER, public_id))


def currency_of(given: dict[str, Any]) -> str:
    """The key asked for; points, which every house has, where none is. Raises NotFound for one that does not exist."""
    key = given.get("currency", POINTS)
    if key != POINTS and not Currency.objects.filter(key=key).exists():
        raise NotFound(currency=key)
    return str(key)


def _posting(made: points.Posting) -> dict[str, Any]:
    return {
        "id": ids.encode(ENTRY, made.entry_id),
        "amount": made.amount,
        "balance": made.balance,
        "pending": made.pending,
        "held": made.held,
        "debt": made.debt,
        "is_new": made.is_new,
    }
