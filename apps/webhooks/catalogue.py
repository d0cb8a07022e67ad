"""What can be told to other systems: a closed list, each with the form of its data. Ids, keys, amounts (分) and times only.

Data are read when the fact is delivered, a moment after it happened; members stand under the id of the record they were then.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core import ids
from apps.coupons.models import Template, Use
from apps.followups.models import Task
from apps.members import selectors as members
from apps.members.models import Member
from apps.orders.models import Order, Refund
from apps.points.shelf import Exchange

Payload = Mapping[str, Any]
Schema = dict[str, Any]
ORDER, REFUND, TASK, ENROLMENT, COUPON, EXCHANGE = "ord", "ref", "fup", "enr", "cpn", "exg"
CALLED, PING = "journey.called", "webhook.ping"

_KEY: Schema = {"type": "string"}
_CENTS: Schema = {"type": "integer", "minimum": 0, "description": "分"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TIME: Schema = {"type": "string", "format": "date-time"}
_DAY: Schema = {"type": "string", "format": "date", "description": "day in Asia/Shanghai"}
_FLAG: Schema = {"type": "boolean"}


def _id(prefix: str) -> Schema:
    return {"type": "string", "pattern": f"^{prefix}_[0-9a-z]{{13}}$"}


def _maybe(schema: Schema) -> Schema:
    return schema | {"type": [schema["type"], "null"]}


_MEMBER, _STORE = _id(members.PREFIX), _maybe(_KEY | {"description": "code of the store"})
_OF_ORDER: dict[str, Schema] = {
    "order": _id(ORDER), "source": _KEY, "order_no": _KEY, "member": _MEMBER, "store": _STORE, "status": _KEY,
    "total_cents": _CENTS, "refunded_cents": _CENTS, "paid_at": _maybe(_TIME),
}  # fmt: skip
_OF_USE: dict[str, Schema] = {
    "coupon": _id(COUPON), "template": _KEY | {"description": "its kind's key"}, "member": _MEMBER, "order": _maybe(_id(ORDER)),
    "store": _STORE, "saved_cents": _CENTS, "at": _TIME,
}  # fmt: skip
_OF_EXCHANGE: dict[str, Schema] = {
    "exchange": _id(EXCHANGE), "reward": _KEY, "member": _MEMBER, "state": _KEY, "points": _COUNT, "cash_cents": _CENTS,
}  # fmt: skip
_OF_TASK: dict[str, Schema] = {
    "task": _id(TASK), "member": _maybe(_MEMBER), "store": _STORE, "kind": _KEY, "state": _KEY, "outcome": _KEY,
}  # fmt: skip


@dataclass(frozen=True)
class Fact:
    """`fields`: the form of `data`, all of them always there. `made` gives them from the payload of the fact."""

    label: Promise
    fields: dict[str, Schema]
    made: Callable[[Payload], dict[str, Any]]

    @property
    def schema(self) -> Schema:
        return {
            "type": "object", "properties": self.fields, "required": list(self.fields), "additionalProperties": False,
        }  # fmt: skip


def stamp(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def _who(member_id: int) -> str:
    return ids.encode(members.PREFIX, member_id)


def _order(payload: Payload) -> dict[str, Any]:
    row = Order.objects.select_related("store").get(pk=payload["order_id"])
    return {
        "order": ids.encode(ORDER, row.pk), "source": row.source, "order_no": row.order_no, "member": _who(row.member_id),
        "store": row.store.code if row.store else None, "status": row.status, "total_cents": row.total_cents,
        "refunded_cents": row.refunded_cents, "paid_at": stamp(row.paid_at),
    }  # fmt: skip


def _refund(payload: Payload) -> dict[str, Any]:
    row = Refund.objects.get(pk=payload["refund_id"])
    own = {
        "refund": ids.encode(REFUND, row.pk),
        "amount_cents": row.amount_cents,
        "refunded_at": stamp(row.refunded_at),
    }
    return _order(payload) | own


def _registered(payload: Payload) -> dict[str, Any]:
    row = Member.objects.select_related("home_store").get(pk=payload["member_id"])
    store = row.home_store
    return {"member": _who(row.pk), "store": store.code if store else None, "joined_at": stamp(row.joined_at)}


def _member(payload: Payload) -> dict[str, Any]:
    return {"member": _who(payload["member_id"])}


def _two(payload: Payload) -> dict[str, Any]:
    return {"member": _who(payload["survivor_id"]), "other": _who(payload["loser_id"])}


def _tier(payload: Payload) -> dict[str, Any]:
    return _member(payload) | {name: payload[name] for name in ("before", "after", "is_rise", "cause")}


def _falling(payload: Payload) -> dict[str, Any]:
    return _member(payload) | {name: payload[name] for name in ("tier", "falls_to", "missing", "last_day")}


def _points(payload: Payload) -> dict[str, Any]:
    return _member(payload) | {name: payload[name] for name in ("currency", "points", "last_day")}


def _use(payload: Payload) -> dict[str, Any]:
    row = Use.objects.select_related("template", "store").get(pk=payload["use_id"])
    return {
        "coupon": ids.encode(COUPON, row.coupon_id), "template": row.template.key, "member": _who(row.member_id),
        "order": ids.encode(ORDER, row.order_id) if row.order_id else None, "store": row.store.code if row.store else None,
        "saved_cents": row.saved_cents, "at": stamp(row.undone_at or row.done_at or row.at),
    }  # fmt: skip


def _coupons(payload: Payload) -> dict[str, Any]:
    return _member(payload) | {"coupons": payload["coupons"], "last_day": payload["last_day"]}


def _stock(payload: Payload) -> dict[str, Any]:
    return {
        "template": Template.objects.values_list("key", flat=True).get(pk=payload["template_id"]),
        "left": payload["left"],
    }


def _exchange(payload: Payload) -> dict[str, Any]:
    row = Exchange.objects.select_related("reward").get(pk=payload["exchange_id"])
    return {
        "exchange": ids.encode(EXCHANGE, row.pk), "reward": row.reward.key, "member": _who(row.member_id), "state": row.state,
        "points": row.points, "cash_cents": row.cash_cents,
    }  # fmt: skip


def _task(payload: Payload) -> dict[str, Any]:
    row = Task.objects.select_related("store").get(pk=payload["task_id"])
    return {
        "task": ids.encode(TASK, row.pk), "member": _who(row.member_id) if row.member_id else None,
        "store": row.store.code if row.store else None, "kind": row.kind, "state": row.state, "outcome": row.outcome,
    }  # fmt: skip


def _moved(payload: Payload) -> dict[str, Any]:
    return _member(payload) | {name: payload[name] for name in ("currency", "kind", "amount", "balance")}


def _issued(payload: Payload) -> dict[str, Any]:
    return _member(payload) | {
        "coupon": ids.encode(COUPON, payload["coupon_id"]), "template": payload["template"], "channel": payload["channel"],
        "ends_at": stamp(payload["ends_at"]),
    }  # fmt: skip


def _stage(payload: Payload) -> dict[str, Any]:
    return _member(payload) | {name: payload[name] for name in ("before", "after", "cause")}


def _consent(payload: Payload) -> dict[str, Any]:
    return _member(payload) | {name: payload[name] for name in ("purpose", "channel", "is_granted")}


def _same(*names: str) -> Callable[[Payload], dict[str, Any]]:
    return lambda payload: {name: payload[name] for name in names}


def _called(payload: Payload) -> dict[str, Any]:
    return {
        "journey": payload["journey"], "step": payload["node"], "member": _who(payload["member_id"]),
        "enrolment": ids.encode(ENROLMENT, payload["enrolment_id"]),
    }  # fmt: skip


FACTS: dict[str, Fact] = {
    "order.paid": Fact(_("An order was paid"), _OF_ORDER, _order),
    "order.refunded": Fact(
        _("Money was given back"),
        _OF_ORDER | {"refund": _id(REFUND), "amount_cents": _CENTS, "refunded_at": _TIME},
        _refund,
    ),
    "order.received": Fact(_("An order was received"), _OF_ORDER, _order),
    "order.cancelled": Fact(_("An order was cancelled"), _OF_ORDER, _order),
    "member.registered": Fact(
        _("A member joined"), {"member": _MEMBER, "store": _STORE, "joined_at": _TIME}, _registered
    ),
    "member.merged": Fact(_("Two records became one"), {"member": _MEMBER, "other": _MEMBER}, _two),
    "member.unmerged": Fact(_("Two records were parted again"), {"member": _MEMBER, "other": _MEMBER}, _two),
    "member.erased": Fact(_("A member was erased: erase them too"), {"member": _MEMBER}, _member),
    "member.personalisation_off": Fact(_("A member objects to personalisation"), {"member": _MEMBER}, _member),
    "member.tier_changed": Fact(
        _("A member's tier changed"),
        {"member": _MEMBER, "before": _maybe(_KEY), "after": _KEY, "is_rise": _FLAG, "cause": _KEY},
        _tier,
    ),
    "member.tier_falling": Fact(
        _("A member's tier will fall soon"),
        {"member": _MEMBER, "tier": _KEY, "falls_to": _KEY, "missing": _COUNT, "last_day": _DAY},
        _falling,
    ),
    "points.expiring": Fact(
        _("Points run out soon"), {"member": _MEMBER, "currency": _KEY, "points": _COUNT, "last_day": _DAY}, _points
    ),
    "points.changed": Fact(
        _("A member's points changed"),
        {"member": _MEMBER, "currency": _KEY, "kind": _KEY, "amount": {"type": "integer"}, "balance": _COUNT},
        _moved,
    ),
    "coupon.issued": Fact(
        _("A coupon was issued to a member"),
        {"coupon": _id(COUPON), "template": _KEY, "member": _MEMBER, "channel": _KEY, "ends_at": _maybe(_TIME)},
        _issued,
    ),
    "member.stage_changed": Fact(
        _("A member's stage changed"), {"member": _MEMBER, "before": _maybe(_KEY), "after": _KEY, "cause": _KEY}, _stage
    ),
    "member.consent_changed": Fact(
        _("A member agreed to something, or took it back"),
        {"member": _MEMBER, "purpose": _KEY, "channel": _KEY, "is_granted": _FLAG},
        _consent,
    ),
    "coupon.redeemed": Fact(_("A coupon was redeemed"), _OF_USE, _use),
    "coupon.returned": Fact(_("A redeemed coupon was given back"), _OF_USE, _use),
    "coupon.expiring": Fact(
        _("Coupons run out soon"), {"member": _MEMBER, "coupons": _COUNT, "last_day": _DAY}, _coupons
    ),
    "coupon.low_stock": Fact(_("A coupon's stock runs low"), {"template": _KEY, "left": _COUNT}, _stock),
    "reward.exchanged": Fact(_("Points were exchanged for a reward"), _OF_EXCHANGE, _exchange),
    "reward.handed_over": Fact(_("A reward was handed over"), _OF_EXCHANGE, _exchange),
    "reward.taken_back": Fact(_("A handed-over reward was taken back"), _OF_EXCHANGE, _exchange),
    "reward.cancelled": Fact(_("An exchange was cancelled"), _OF_EXCHANGE, _exchange),
    "reward.lapsed": Fact(_("A reward was not picked up in time"), _OF_EXCHANGE, _exchange),
    "followup.completed": Fact(_("Staff finished a follow-up"), _OF_TASK, _task),
    "followup.cancelled": Fact(_("A follow-up was called off"), _OF_TASK, _task),
    "followup.expired": Fact(_("A follow-up came too late"), _OF_TASK, _task),
    "segment.changed": Fact(
        _("Members entered or left a segment"),
        {"segment": _KEY, "entered": _COUNT, "left": _COUNT},
        _same("segment", "entered", "left"),
    ),
    "track.step_entered": Fact(
        _("Members came to a step of a life track"),
        {"track": _KEY, "step": _KEY, "entered": _COUNT},
        _same("track", "step", "entered"),
    ),
}
CALL = Fact(
    _("A journey calls this endpoint"),
    {"journey": _KEY, "step": _KEY, "member": _MEMBER, "enrolment": _id(ENROLMENT)},
    _called,
)
TEST = Fact(_("A test from the back office"), {"text": _KEY}, _same("text"))
ALL: dict[str, Fact] = FACTS | {CALLED: CALL, PING: TEST}
