"""Macros and automations of the desk: the lists, one with its history, and what automations did."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.console import machine_words, people, ticket_rule_words
from apps.console.ticket_panel import PREFIX
from apps.console.ticket_rule_form import AutomationForm, MacroForm, of_automation, of_macro
from apps.core import ids
from apps.core.errors import ValidationFailed
from apps.core.models import AuditEntry
from apps.flows import ticket_texts
from apps.tickets import automations, macros
from apps.tickets.models import Automation, AutomationRun, Macro

MACRO, AUTOMATION = "tmc", "tau"
SHOWN = 30


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    every = Macro.objects.select_related("use").order_by("-is_active", "-use__times", "name")
    ours = Automation.objects.order_by("-is_active", "trigger", "position", "pk")
    runs = AutomationRun.objects.select_related("automation", "ticket").order_by("-pk")[:SHOWN]
    facts = {
        "macros": [(row, ids.encode(MACRO, row.pk), ticket_rule_words.actions(row.actions)) for row in every],
        "automations": [(row, ids.encode(AUTOMATION, row.pk), *_said(row)) for row in ours],
        "runs": [_run(run) for run in runs],
    }
    return render(request, "console/ticket_rules.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def macro(request: HttpRequest, macro: str) -> HttpResponse:
    """`new` is one that is not there yet."""
    row = macros.one(ids.decode(MACRO, macro)) if macro != "new" else None
    form = MacroForm(request.POST or None, initial=of_macro(row) if row else {"is_active": True})
    if request.method == "POST" and form.is_valid():
        said, done = form.cleaned_data, form.actions()
        try:
            ticket_texts.check(done)
            macros.save(
                macro_id=row.pk if row else None, name=said["name"], kinds=said["kinds"], actions=done,
                is_active=said["is_active"],
            )  # fmt: skip
        except ValidationFailed as refusal:
            _show(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("console:ticket_rules")
    return _page(request, row, form, table="tickets_macro")


@require_http_methods(["GET", "HEAD", "POST"])
def automation(request: HttpRequest, automation: str) -> HttpResponse:
    """`new` is one that is not there yet."""
    row = automations.one(ids.decode(AUTOMATION, automation)) if automation != "new" else None
    form = AutomationForm(request.POST or None, initial=of_automation(row) if row else {"is_active": True})
    if request.method == "POST" and form.is_valid():
        said, done = form.cleaned_data, form.actions()
        try:
            ticket_texts.check(done)
            automations.save(
                automation_id=row.pk if row else None, name=said["name"], trigger=said["trigger"],
                conditions=form.conditions(), actions=done, position=said["position"], is_active=said["is_active"],
            )  # fmt: skip
        except ValidationFailed as refusal:
            _show(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("console:ticket_rules")
    return _page(request, row, form, table="tickets_automation")


def _page(request: HttpRequest, row: Any, form: Any, *, table: str) -> HttpResponse:
    history = _history(table, row.pk) if row else []
    runs = AutomationRun.objects.filter(automation=row).order_by("-pk") if isinstance(row, Automation) else ()
    facts = {
        "row": row,
        "form": form,
        "is_automation": table == "tickets_automation",
        "history": history,
        "runs": [_run(run) for run in runs[:SHOWN]],
    }
    return render(request, "console/ticket_rule.html", facts, status=422 if form.is_bound else 200)


def _show(form: Any, refusal: ValidationFailed) -> None:
    """Beside its field where there is one."""
    errors: Any = refusal.facts["errors"]
    for error in errors:
        name = error["pointer"].strip("/").split("/")[-1]
        form.add_error(
            {"text": "reply", "text_en": "reply_en", "actions": None}.get(name, name if name in form.fields else None),
            error["message"],
        )


def _said(row: Automation) -> tuple[str, list[str], list[str]]:
    return (
        str(ticket_rule_words.TRIGGERS[row.trigger]),
        ticket_rule_words.conditions(row.conditions),
        ticket_rule_words.actions(row.actions),
    )


def _run(run: AutomationRun) -> dict[str, Any]:
    return {
        "run": run,
        "ticket": ids.encode(PREFIX, run.ticket_id),
        "outcome": ticket_rule_words.OUTCOMES[run.outcome],
        "tone": {"done": "ok", "refused": "bad"}.get(run.outcome, "warn"),
    }


def _history(table: str, key: int) -> list[tuple[Any, str, list[tuple[str, str]]]]:
    """When, who, and what was and is of each part; newest first."""
    lines = list(AuditEntry.objects.filter(object_type=table, object_id=str(key)).order_by("-pk")[:SHOWN])
    names = people.log_in_names(line.actor for line in lines)
    return [
        (
            line.at,
            names.get(line.actor) or machine_words.actor(line.actor),
            [(_part(line.before, name), _part(line.after, name)) for name in (line.after or {}) if name != "id"],
        )
        for line in lines
    ]


def _part(said: Mapping[str, Any] | None, name: str) -> str:
    value = (said or {}).get(name)
    if value is None:
        return ""
    if name == "actions":
        return "; ".join(ticket_rule_words.actions(value))
    if name == "conditions":
        return "; ".join(ticket_rule_words.conditions(value)) or _("always")
    if name == "trigger":
        return str(ticket_rule_words.TRIGGERS.get(value, value))
    if name == "is_active":
        return _("In use") if value else _("Not in use")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
