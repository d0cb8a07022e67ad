"""One row of every table that holds member data, filled by the kinds of its columns: a new table needs no line here."""

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.core import clock, holdings
from apps.core.holdings import Holding
from apps.members.models import Member

_numbers = itertools.count(1)
SPECIAL: dict[str, dict[str, Any]] = {
    "care.Enrolment": {"ended_at": None, "ending": ""},
    "care.JourneyVersion": {"graph": {"nodes": []}},
    "care.Touch": {"deaths": 0, "zone": "Asia/Tokyo"},
    "care.Version": {"fallback": []},
    "catalog.Product": {"barcode": ""},
    "members.MemberCode": {"expires_at": datetime(2999, 1, 1, tzinfo=UTC), "used_at": None},
    "community.Contact": {"agreed_tags": []},
    "community.Follow": {"phone_digests": []},
    "community.SendItem": {"state": "failed", "spent_on": None, "group": None},
    "community.GroupTask": {
        "group_ids": [],
        "kind": "check_in",
        "points": 5,
        "needed": 1,
        "first_on": date(2026, 5, 1),
        "last_on": date(2026, 5, 2),
    },
    "community.PoolCase": {"state": "kept", "why": "no_deal", "pooled_at": None},
    "community.WindowMessage": {"is_ours": False, "state": "handed", "upload": None},
    "orders.Order": {"paid_at": datetime(2026, 5, 1, tzinfo=UTC), "refunded_cents": 0, "total_cents": 500},
    "orders.Line": {"refunded_cents": 0, "total_cents": 500},
    "points.Account": {"debt": 0},
    "points.Lot": {"amount": 500, "remaining": 500, "reversed": 0},
    "points.Reward": {"starts_at": None, "ends_at": None, "auto_from": None},
    "points.Hold": {"settled_at": None},
    "points.Tier": {"rank": 0, "threshold": 0, "segment_key": ""},
    "points.Ladder": {"window": {"kind": "life"}, "validity": {"kind": "none"}},
    "points.Exchange": {"state": "cancelled", "why": "staff"},
    "segments.Segment": {"kind": "list", "rule": None, "asks": []},
    "coupons.Template": {"opens_at": None, "closes_at": None},
    "coupons.Coupon": {"state": "recalled", "starts_at": None, "ends_at": None},
    "coupons.Use": {"state": "cancelled", "saved_cents": 500, "store_cents": 0},
    "coupons.Gift": {"state": "revoked"},
    "referral.Credit": {"stage": "void", "why": "self", "due_at": None, "kept_at": None},
    "referral.Commission": {"level": 1, "taken_cents": 0, "freed_at": None},
    "referral.Withdrawal": {"state": "paid", "amount_cents": 5, "settled_by": None},
    "segments.Placement": {"left_at": None},
    "segments.PredictionModel": {"is_active": False, "parameters": {"clv_days": 365}},
    "segments.Prediction": {"p_alive": 0.5, "p_lapse": 0.5, "reasons": ["pace+"], "reason_values": [1.0]},
    "bookings.Booking": {"state": "cancelled", "staff_from": None, "staff_until": None},
    "bookings.Person": {"weekdays": [1]},
    "bookings.Service": {"minutes": 30},
    "bookings.Slot": {"capacity": 5, "taken": 0, "ends_at": datetime(2999, 1, 1, tzinfo=UTC)},
    "livestream.Product": {"quantity": None, "reserved": 0},
    "livestream.Reservation": {"state": "cancelled"},
    "livestream.Stream": {"state": "expired", "began_at": None, "ends_at": datetime(2999, 1, 1, tzinfo=UTC)},
    "tickets.Ticket": {
        "state": "working",
        "kind": "question",
        "priority": 2,
        "ended_at": None,
        "into": None,
        "due_at": None,
    },
    "tickets.Amends": {"kind": "points", "worth": 5},
    "tickets.Pause": {"ended_at": None},
    "tickets.Message": {"side": "agent", "is_internal": False},
    "tickets.Vote": {"score": 4},
    "tickets.Posting": {"state": "sent"},
    "followups.Task": {"state": "cancelled", "outcome": "", "pooled_at": None, "priority": 2},
    "flows.Checkout": {"points_spent": 0, "points_cents": 0, "coupons": 0, "undone_at": None},
    "flows.PrivacyRequest": {"kind": "export", "state": "taken", "sealed": None},
}


class Rows:
    """Builds rows around one member; parents are shared."""

    def __init__(self, member: Member, canary: str) -> None:
        self.member, self.canary = member, canary
        self.known: dict[type[models.Model], models.Model] = {Member: member}
        if member.user is not None:
            self.known[type(member.user)] = member.user

    def add(self, held: Holding) -> models.Model:
        return self.of(holdings.model_of(held.model), path=held.member.removesuffix("_id"))

    def of(self, model: type[models.Model], path: str = "") -> models.Model:
        """`path` leads from the row to the member."""
        if model in self.known:
            return self.known[model]
        own, _, rest = path.partition("__")
        values = {
            field.name: self._value(field, is_own=field.name in {own, f"{own}_id"}, rest=rest)
            for field in model._meta.concrete_fields
            if not (field.primary_key and isinstance(field, models.AutoField))
        }
        row = model(**values | SPECIAL.get(model._meta.label, {}))
        row.save(force_insert=True)
        self.known[model] = row
        return row

    def _value(self, field: Any, *, is_own: bool, rest: str) -> Any:
        if field.name == "member_id" or (is_own and not field.is_relation):
            return self.member.pk
        if field.is_relation:
            if field.null and not is_own:
                return None
            if field.related_model is Member and not is_own:
                return Member.objects.create(member_no=f"other-{next(_numbers)}")
            return self.of(field.related_model, path=rest if is_own else "")
        return self._plain(field)

    def _plain(self, field: Any) -> Any:
        if isinstance(field, ArrayField):
            return [self.word(field)]
        if field.choices:
            return field.choices[0][0]
        for kinds, make in MAKERS:
            if isinstance(field, kinds):
                return make(self, field)
        raise AssertionError(f"tests/flows/rows.py knows no value for {field}")

    def word(self, field: Any) -> str:
        """The canary; another word in a table that holds nothing about members."""
        is_theirs = field.model._meta.label in {held.model for held in holdings.holdings()}
        word = f"{self.canary if is_theirs else 'house'}{next(_numbers)}"
        return word[: field.max_length] if getattr(field, "max_length", None) else word


MAKERS: tuple[tuple[Any, Any], ...] = (
    (models.DateTimeField, lambda rows, field: clock.now() - timedelta(seconds=next(_numbers))),
    (models.DateField, lambda rows, field: clock.local_date(clock.now())),
    (models.JSONField, lambda rows, field: {"word": rows.word(field)}),
    ((models.CharField, models.TextField), lambda rows, field: rows.word(field)),
    (models.BooleanField, lambda rows, field: False),
    (models.DecimalField, lambda rows, field: Decimal(1)),
    (models.FloatField, lambda rows, field: 1.5),
    (models.IntegerField, lambda rows, field: next(_numbers)),
    (models.BinaryField, lambda rows, field: rows.word(field).encode()[:32]),
    (models.UUIDField, lambda rows, field: uuid4()),
    (models.GenericIPAddressField, lambda rows, field: "192.0.2.1"),
)
