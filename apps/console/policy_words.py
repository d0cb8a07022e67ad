"""A policy in words: its trigger, its audience, its text with the variables marked."""

from collections.abc import Callable
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from apps.care import templates
from apps.care.models import Version
from apps.community.models import Group
from apps.console.policy_form import VARIABLE_WORDS
from apps.segments.models import Stage


def trigger(draft: dict[str, Any]) -> str:
    given = draft.get("params")
    params: dict[str, Any] = given if isinstance(given, dict) else {}
    days = params.get("days", 0)
    kind = draft.get("trigger")
    if kind == Version.Trigger.STAGE_ENTERED:
        return _("When a member becomes %(stage)s") % {"stage": _label(Stage, params.get("stage"))}
    if kind == Version.Trigger.DAYS_SINCE_ORDER:
        return ngettext("%(days)s day after the last order", "%(days)s days after the last order", days) % {
            "days": days
        }
    if kind == Version.Trigger.SECOND_PURCHASE:
        return _("%(days)s days after the first order, when no second has come") % {"days": days}
    words = _OTHER_TRIGGERS.get(str(kind))
    return words(params) if words else _("No trigger chosen yet")


def _before(ahead: Any, at_once: Any) -> Callable[[dict[str, Any]], str]:
    """`ahead` for so many days before, `at_once` for none."""

    def words(params: dict[str, Any]) -> str:
        days = params.get("days_before", 0)
        return str(ahead % {"days": days} if days else at_once)

    return words


def _registered(params: dict[str, Any]) -> str:
    days = params.get("days", 0)
    return (
        ngettext("%(days)s day after joining", "%(days)s days after joining", days) % {"days": days}
        if days
        else _("On joining")
    )


def _cart_left(params: dict[str, Any]) -> str:
    hours = params.get("hours", 0)
    return ngettext(
        "%(hours)s hour after the cart was left", "%(hours)s hours after the cart was left", hours
    ) % {"hours": hours}  # fmt: skip


def _group_name(key: str) -> str:
    return str(Group.objects.filter(key=key).first() or key)


_OTHER_TRIGGERS: dict[str, Callable[[dict[str, Any]], str]] = {
    Version.Trigger.BIRTHDAY: _before(
        ngettext_lazy("%(days)s day before the birthday", "%(days)s days before the birthday", "days"),
        gettext_lazy("On the birthday"),
    ),
    Version.Trigger.REGISTERED: _registered,
    Version.Trigger.POINTS_EXPIRING: _before(
        ngettext_lazy("%(days)s day before points run out", "%(days)s days before points run out", "days"),
        gettext_lazy("On the last day of points"),
    ),
    Version.Trigger.COUPON_EXPIRING: _before(
        ngettext_lazy("%(days)s day before a coupon runs out", "%(days)s days before a coupon runs out", "days"),
        gettext_lazy("On the last day of a coupon"),
    ),
    Version.Trigger.CART_LEFT: _cart_left,
    Version.Trigger.REPLENISHMENT_DUE: _before(
        ngettext_lazy("%(days)s day before something is needed again", "%(days)s days before something is needed again", "days"),
        gettext_lazy("When something is needed again"),
    ),
    Version.Trigger.SEGMENT_ENTERED: lambda params: _("When a member comes into the segment %(name)s") % {
        "name": params.get("segment"),
    },
    Version.Trigger.LIVE_REMINDER: lambda params: {
        "day": _("A day before a live stream"),
    }.get(params.get("before", ""), _("A quarter of an hour before a live stream")),
    Version.Trigger.BOOKING_NOTICE: lambda params: {
        "day": _("A day before a booking"), "hours": _("Two hours before a booking"),
    }.get(params.get("notice", ""), _("When a place comes free for who waited")),
    Version.Trigger.GROUP_INVITE: lambda params: _("When somebody is invited into a WeCom group"),
    Version.Trigger.GROUP_JOINED: lambda params: (
        _("When a member joins the WeCom group %(name)s") % {"name": _group_name(params["group"])}
        if params.get("group")
        else _("When a member joins a WeCom group")
    ),
    Version.Trigger.TRACK_STEP: lambda params: _("When a member comes to the step %(step)s of the life track %(track)s") % {
        "step": params.get("step"), "track": params.get("track"),
    },
}  # fmt: skip


def rule_now(draft: dict[str, Any]) -> dict[str, Any]:
    """The audience narrowed to those in the situation the trigger waits for, as far as a rule can say it."""
    params = draft["params"]
    situation: dict[str, list[dict[str, Any]]] = {
        Version.Trigger.STAGE_ENTERED: [{"field": "stage", "op": "in", "value": [params.get("stage")]}],
        Version.Trigger.SECOND_PURCHASE: [
            {"field": "orders", "op": "gte", "value": 1},
            {"field": "orders", "op": "lte", "value": 1},
        ],
    }
    parts = [*situation.get(draft["trigger"], []), *([draft["audience"]] if draft["audience"] else [])]
    return {"all": parts} if parts else {}


def audience(draft: dict[str, Any], say: Callable[[Any], str]) -> str:
    """One sentence. `say`: a rule in words, "" for everybody (`journey_words.Brand.rule`)."""
    return say(draft.get("audience") or {}) or _("everybody")


def text(template: str) -> SafeString | str:
    """The text with each variable as a tinted word."""
    try:
        parts = templates.parse(template)
    except templates.BadTemplate:
        return template
    pieces = ((index % 2, part) for index, part in enumerate(parts))
    return format_html_join(
        "",
        "{}",
        (
            (format_html('<span class="c-fb">{}</span>', VARIABLE_WORDS[part]) if is_name else part,)
            for is_name, part in pieces
        ),
    )


def _label(choices: Any, code: Any) -> str:
    return str(dict(choices.choices).get(code, code))
