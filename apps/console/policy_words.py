"""A policy in words: its trigger, its audience, its text with the variables marked."""

from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.care import templates
from apps.care.models import Version
from apps.console import audience_rule
from apps.console.policy_form import VARIABLE_WORDS
from apps.core import money
from apps.members.models import Member
from apps.segments.models import Cell, Stage


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
    if kind == Version.Trigger.BIRTHDAY:
        before = params.get("days_before", 0)
        return _("%(days)s days before the birthday") % {"days": before} if before else _("On the birthday")
    return _("No trigger chosen yet")


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


def audience(draft: dict[str, Any]) -> str:
    """One sentence; a rule that needs JSON says so."""
    rule = draft.get("audience", {})
    simple = audience_rule.chosen(rule)
    if simple is None:
        return _("members who fit a rule of their own")
    if not simple:
        return _("everybody")
    return _(", and ").join(_part(name, value) for name, value in simple.items())


def _part(name: str, value: Any) -> str:
    listed = value if isinstance(value, list) else []
    words = {
        "stages": lambda: _("stage %(names)s") % {"names": _joined(_label(Stage, code) for code in listed)},
        "cells": lambda: _("RFM cell %(names)s") % {"names": _joined(_label(Cell, code) for code in listed)},
        "genders": lambda: _joined(_label(Member.Gender, code) for code in listed),
        "stores": lambda: _("home store %(names)s") % {"names": _joined(listed)},
        "tags_any": lambda: _("tagged %(names)s") % {"names": _joined(listed)},
        "tags_none": lambda: _("not tagged %(names)s") % {"names": _joined(listed)},
        "orders_least": lambda: _("at least %(count)s orders") % {"count": value},
        "orders_most": lambda: _("at most %(count)s orders") % {"count": value},
        "net_least": lambda: _("spent at least %(amount)s") % {"amount": money.show(value)},
    }
    return words[name]()


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


def _joined(names: Any) -> str:
    return _(" or ").join(str(name) for name in names)


def _label(choices: Any, code: Any) -> str:
    return str(dict(choices.choices).get(code, code))
