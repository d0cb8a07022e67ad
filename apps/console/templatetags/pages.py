"""Filters of the console's pages: names half hidden, codes in words, public ids."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, pgettext

from apps.activity.models import Code
from apps.bookings.models import Booking
from apps.care import reasons
from apps.care.models import Channel, Lane, Policy, Touch
from apps.community.models import Follow, GroupMember, GroupPlan, GroupTask, GroupTodo, PoolCase, Send
from apps.console import words
from apps.console.charts import svg
from apps.core import ids
from apps.core.models import Job
from apps.flows import source_words
from apps.flows.models import PrivacyRequest
from apps.followups.models import Task
from apps.gateways.models import SmsTemplate
from apps.livestream.models import Stream
from apps.members.models import Consent, Identity, Member, StateChange
from apps.members.names import half_hidden
from apps.orders.models import Order
from apps.points.models import Exchange, Reward
from apps.points.rules import State
from apps.segments.models import Cell, Stage, StageChange
from apps.stores.models import Scope
from apps.webhooks.models import Delivery

register = template.Library()

_WORDS: dict[str, Any] = {
    "stage": Stage,
    "cell": Cell,
    "cause": StageChange.Cause,
    "touch": Touch.State,
    "channel": Channel,
    "circuit": Lane.Circuit,
    "review": SmsTemplate.State,
    "code_channel": Code.Channel,
    "consent_channel": Consent.Channel,
    "purpose": Consent.Purpose,
    "order": Order.Status,
    "member": Member.Status,
    "state_cause": StateChange.Cause,
    "identity": Identity.Kind,
    "policy": Policy.Status,
    "job": Job.State,
    "rule": State,
    "wish": PrivacyRequest.State,
    "wish_kind": PrivacyRequest.Kind,
    "scope": Scope,
    "task": Task.State,
    "stream": Stream.State,
    "booking": Booking.State,
    "task_kind": Task.Kind,
    "outcome": Task.Outcome,
    "delivery": Delivery.State,
    "wecom_ending": Follow.Ending,
    "wecom_send": Send.State,
    "pool": PoolCase.State,
    "pool_why": PoolCase.Why,
    "group_plan": GroupPlan.Kind,
    "todo": GroupTodo.State,
    "todo_kind": GroupTodo.Kind,
    "group_way": GroupMember.Way,
    "group_task": GroupTask.Kind,
}
_TONES = {
    "task": {"open": "brand", "done": "ok", "cancelled": "warn", "expired": "bad"},
    "wecom_send": {
        "pending": "brand",
        "making": "brand",
        "confirmed": "ok",
        "cancelled": "warn",
        "failed": "bad",
        "unknown": "warn",
    },
    "pool": {"warned": "warn", "pooled": "brand", "done": "ok", "kept": "ok"},
    "todo": {"open": "brand", "done": "ok", "missed": "bad", "cancelled": "warn"},
    "outcome": {"reached": "ok", "will_buy": "ok", "not_reached": "warn", "refused": "bad"},
    "stream": {"planned": "brand", "live": "ok", "cancelled": "bad", "expired": "warn"},
    "booking": {"booked": "brand", "waiting": "warn", "arrived": "ok", "missed": "bad"},
    "touch": {
        "sent": "ok",
        "delivered": "ok",
        "failed": "bad",
        "unknown": "warn",
        "planned": "brand",
        "sending": "brand",
    },
    "delivery": {"delivered": "ok", "failed": "bad", "dropped": "warn", "sending": "brand", "waiting": "brand"},
    "exchange": {"awaiting": "warn", "ready": "brand", "done": "ok", "lapsed": "bad"},
    "order": {"cancelled": "bad", "recorded": "warn"},
    "wish": {"ready": "brand", "waiting": "brand", "cooling": "warn", "taken": "ok", "done": "ok"},
    "policy": {"live": "ok", "paused": "warn"},
    "rule": {"live": "ok", "paused": "warn"},
    "circuit": {"closed": "ok", "open": "bad", "half_open": "warn"},
    "review": {"approved": "ok", "refused": "bad", "pending": "warn"},
    "job": {"done": "ok", "failed": "bad", "stopped": "warn", "paused": "warn", "running": "brand", "queued": "brand"},
}


register.filter("half_hidden", half_hidden)


@register.filter
def public(key: int, prefix: str) -> str:
    """`{{ row.member_id|public:"mem" }}`: the id an address may carry."""
    return ids.encode(prefix, key)


@register.filter
def word(code: str, kind: str) -> str:
    """`{{ row.state|word:"touch" }}`: the label of a code in the reader's language."""
    labels = dict(_WORDS[kind].choices)
    return str(labels.get(code, code))


@register.filter
def reason(code: str) -> str:
    return reasons.text(code)


@register.simple_tag
def badge(kind: str, code: str) -> SafeString:
    """`{% badge "touch" row.state %}`: shape and word."""
    return format_html('<span class="c-bd {}">{}</span>', _TONES.get(kind, {}).get(code, ""), word(code, kind))


@register.filter
def percent(share: float) -> str:
    """0.1234 → 12.3%."""
    return f"{100 * share:.1f}%"


@register.simple_tag
def exchange_badge(row: dict[str, Any]) -> SafeString:
    """`{% exchange_badge row %}`: the state of an exchange; a virtual reward was not handed over by anybody."""
    state = row["state"]
    is_sent = state == Exchange.State.DONE and row["kind"] == Reward.Kind.VIRTUAL
    text = pgettext("rewards", "Delivered") if is_sent else Exchange.State(state).label
    return format_html('<span class="c-bd {}">{}</span>', _TONES["exchange"].get(state, ""), text)


@register.filter
def told_of(row: dict[str, Any], name: str) -> str:
    """`{{ row|told_of:"reward" }}`: the English text of a list's row where English is read and there is one."""
    is_english = not (get_language() or "").startswith("zh")
    return str((is_english and row.get(f"{name}_en")) or row[name])


@register.simple_tag
def stage_mark(code: str) -> SafeString | str:
    return format_html('<span class="c-stage {}">{}</span>', code, word(code, "stage")) if code else ""


@register.filter
def channel_name(code: str) -> str:
    """Where an order was placed: the usual codes in the reader's words, what else a file says as it stands."""
    return str(words.CHANNELS.get(code.replace("_", "-").lower(), code.replace("_", " ")))


@register.filter
def whole(value: object) -> str:
    """A figure with separators; words as they are."""
    return svg.number(value) if isinstance(value, int) else str(value)


@register.filter
def door(source: str) -> str:
    """Where a consent, a log-in or what was brought along came from, in words."""
    return source_words.said(source)
