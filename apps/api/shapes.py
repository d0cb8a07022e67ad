"""How our things look in JSON: ids with prefixes, money in 分, times with +08:00. Beside each shape stand its schema and an example."""

import re
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers as f
from rest_framework.exceptions import ErrorDetail

from apps.core import clock, ids
from apps.core.errors import NotFound
from apps.gateways.models import InboxMessage
from apps.members.selectors import Card, Standing
from apps.orders.selectors import Detail, Row
from apps.points.selectors import Totals

MEMBER, ORDER, MESSAGE, SESSION, REFUND, JOB, FILE = "mem", "ord", "msg", "ses", "ref", "job", "file"
_AT = "2026-11-22T10:32:05+08:00"


def at(moment: datetime | None) -> str | None:
    """RFC 3339 on the shop's wall clock."""
    return clock.local(moment).isoformat(timespec="seconds") if moment else None


class Id(f.CharField):
    """A public id in a body: turned into the key; one that we never made is refused as `unknown`."""

    def __init__(self, prefix: str, **options: Any) -> None:
        self.prefix = prefix
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        try:
            return ids.decode(self.prefix, text)
        except NotFound:
            raise f.ValidationError(_("There is nothing with this id."), code="unknown") from None


class MemberOut(f.Serializer[Any]):
    id = f.CharField()
    member_no = f.CharField()
    nickname = f.CharField(allow_blank=True)
    gender = f.ChoiceField(["", "f", "m"])
    birthday = f.DateField(allow_null=True)
    phone = f.CharField(help_text="masked", allow_blank=True)
    status = f.CharField()
    joined_at = f.DateTimeField()
    avatar = f.CharField(allow_null=True, help_text="a file; null without a picture")


MEMBER_EXAMPLE = {
    "id": "mem_3f8k2m9pq7wxz", "member_no": "M0042117730", "nickname": "小满", "gender": "f", "birthday": "1994-05-21",
    "phone": "170****0001", "status": "active", "joined_at": _AT, "avatar": None,
}  # fmt: skip


@extend_schema_field(
    {
        "type": "object",
        "propertyNames": {"pattern": "^[a-z][a-z0-9_]{0,39}$"},
        "additionalProperties": {"type": ["string", "number", "boolean", "null"], "maxLength": 500},
        "maxProperties": 200,
    }
)
class Attributes(f.Field[Any, Any, Any, Any]):
    """Values of the brand's own fields by key; the rules know which fields there are and what fits them."""

    _key = re.compile(r"[a-z][a-z0-9_]{0,39}")
    _text = f.CharField(allow_blank=True, trim_whitespace=False, max_length=500)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict) or len(data) > 200:
            raise f.ValidationError(_("Fields and their values are expected."), code="invalid")
        return {key: self._value(key, value) for key, value in data.items()}

    def to_representation(self, value: Any) -> Any:
        return value

    def _value(self, key: str, value: Any) -> Any:
        if not self._key.fullmatch(key):
            raise f.ValidationError({key: [ErrorDetail(_("There is no such field."), code="unknown_field")]})
        if isinstance(value, str):
            return self._text.run_validation(value)
        if value is not None and not isinstance(value, bool | int | float):
            sentence = _("A text, a number, yes or no, or nothing is expected.")
            raise f.ValidationError({key: [ErrorDetail(sentence, code="invalid")]})
        return value


class ProfileOut(MemberOut):
    attributes = Attributes(help_text="values of the brand's own fields")


PROFILE_EXAMPLE = MEMBER_EXAMPLE | {"attributes": {"favourite_tea": "oolong", "first_visit": "2025-03-08"}}


def profile(card: Card, attributes: dict[str, Any]) -> dict[str, Any]:
    return member(card) | {"attributes": attributes}


def member(profile: Card) -> dict[str, Any]:
    return {
        "id": profile.public_id,
        "member_no": profile.member_no,
        "nickname": profile.nickname,
        "gender": profile.gender,
        "birthday": birthday(profile.birthday),
        "phone": profile.masked_phone,
        "status": profile.status,
        "joined_at": at(profile.joined_at),
        "avatar": ids.encode(FILE, profile.avatar_id) if profile.avatar_id else None,
    }


def birthday(parts: tuple[int | None, int | None, int | None]) -> str | None:
    year, month, day = parts
    if year is None or month is None or day is None:
        return None
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


class MessageOut(f.Serializer[Any]):
    id = f.CharField()
    title = f.CharField()
    body = f.CharField()
    created_at = f.DateTimeField()
    read_at = f.DateTimeField(allow_null=True)


MESSAGE_EXAMPLE = {
    "id": "msg_3f8k2m9pq7wxz", "title": "好久不见", "body": "小满，天凉了，来店里喝杯热茶吧。", "created_at": _AT, "read_at": None,
}  # fmt: skip


def message(row: InboxMessage) -> dict[str, Any]:
    return {
        "id": ids.encode(MESSAGE, row.pk),
        "title": row.title,
        "body": row.body,
        "created_at": at(row.created_at),
        "read_at": at(row.read_at),
    }


class ConsentOut(f.Serializer[Any]):
    purpose = f.CharField()
    channel = f.CharField()
    is_granted = f.BooleanField()
    text_version = f.CharField()
    at = f.DateTimeField()


CONSENT_EXAMPLE = {"purpose": "care", "channel": "sms", "is_granted": True, "text_version": "2026-11", "at": _AT}


def consent(row: Standing) -> dict[str, Any]:
    return {
        "purpose": row.purpose,
        "channel": row.channel,
        "is_granted": row.is_granted and not row.has_ended,
        "text_version": row.text_version,
        "at": at(row.at),
    }


class OrderOut(f.Serializer[Any]):
    id = f.CharField()
    order_no = f.CharField()
    status = f.CharField(help_text="open list: recorded, paid, shipped, ready, received, cancelled …")
    store = f.CharField(allow_blank=True)
    channel = f.CharField(allow_blank=True)
    currency = f.CharField()
    total_cents = f.IntegerField()
    refunded_cents = f.IntegerField()
    created_at = f.DateTimeField()
    paid_at = f.DateTimeField(allow_null=True)


ORDER_EXAMPLE = {
    "id": "ord_7hq2c0m4tz9ba", "order_no": "POS-20261122-0017", "status": "paid", "store": "武康路店", "channel": "store",
    "currency": "CNY", "total_cents": 12800, "refunded_cents": 0, "created_at": _AT, "paid_at": _AT,
}  # fmt: skip


def order(row: Row) -> dict[str, Any]:
    return {
        "id": ids.encode(ORDER, row.id),
        "order_no": row.order_no,
        "status": row.status,
        "store": row.store,
        "channel": row.channel,
        "currency": "CNY",
        "total_cents": row.total_cents,
        "refunded_cents": row.refunded_cents,
        "created_at": at(row.created_at),
        "paid_at": at(row.paid_at),
    }


class LineOut(f.Serializer[Any]):
    line_no = f.IntegerField()
    sku = f.CharField(allow_blank=True)
    product = f.CharField(allow_blank=True)
    quantity = f.CharField(help_text="a decimal number as text")
    total_cents = f.IntegerField()
    discount_cents = f.IntegerField()
    refunded_cents = f.IntegerField()


class RefundOut(f.Serializer[Any]):
    id = f.CharField()
    line_no = f.IntegerField(allow_null=True)
    amount_cents = f.IntegerField()
    refunded_at = f.DateTimeField()


class OrderDetailOut(OrderOut):
    lines = LineOut(many=True)
    refunds = RefundOut(many=True)


ORDER_DETAIL_EXAMPLE = ORDER_EXAMPLE | {
    "lines": [
        {
            "line_no": 1, "sku": "TEA-018", "product": "桂花乌龙 100 g", "quantity": "2.000", "total_cents": 12800,
            "discount_cents": 0, "refunded_cents": 0,
        }
    ],
    "refunds": [],
}  # fmt: skip


def order_detail(found: Detail) -> dict[str, Any]:
    return order(found.order) | {
        "lines": [
            {
                "line_no": line.line_no,
                "sku": line.sku,
                "product": line.product,
                "quantity": str(line.quantity),
                "total_cents": line.total_cents,
                "discount_cents": line.discount_cents,
                "refunded_cents": line.refunded_cents,
            }
            for line in found.lines
        ],
        "refunds": [
            {
                "id": ids.encode(REFUND, given.id),
                "line_no": given.line_no,
                "amount_cents": given.amount_cents,
                "refunded_at": at(given.refunded_at),
            }
            for given in found.refunds
        ],
    }


class ExpiryOut(f.Serializer[Any]):
    points = f.IntegerField()
    on = f.DateField(help_text="the last day they count")


class BalanceOut(f.Serializer[Any]):
    balance = f.IntegerField()
    pending = f.IntegerField(help_text="granted, not yet usable")
    expires_first = ExpiryOut(allow_null=True)


def balance(totals: Totals) -> dict[str, Any]:
    return {"balance": totals.balance, "pending": totals.pending, "expires_first": expires_first(totals)}


def expires_first(totals: Totals) -> dict[str, Any] | None:
    return {"points": totals.next_expiry, "on": totals.last_day} if totals.next_expiry else None


class TierOut(f.Serializer[Any]):
    key = f.CharField()
    name = f.CharField()


class HomeOut(f.Serializer[Any]):
    member = MemberOut()
    tier = TierOut(allow_null=True, help_text="null where the brand has no tiers")
    points = BalanceOut()
    unread = f.IntegerField(help_text="unread messages in the inbox; 100 means 100 or more")
    messages = MessageOut(many=True, help_text="the newest three")
    orders = OrderOut(many=True, help_text="the newest three")


HOME_EXAMPLE = {
    "member": MEMBER_EXAMPLE,
    "tier": {"key": "silver", "name": "银卡"},
    "points": {"balance": 12480, "pending": 120, "expires_first": {"points": 320, "on": "2026-12-31"}},
    "unread": 1, "messages": [MESSAGE_EXAMPLE], "orders": [ORDER_EXAMPLE],
}  # fmt: skip
