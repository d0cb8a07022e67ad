"""What members are worth by life stage and RFM cell, who moved from cell to cell, and where the stages begin."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.analytics.study import counting, reading, worth
from apps.console import asked, navigation, people, scope, stages_form
from apps.console.charts import svg
from apps.console.stages_form import StagesForm
from apps.core.errors import ValidationFailed
from apps.segments import rules
from apps.segments.models import Cell, Stage
from apps.segments.predictions import selectors as predictions

MAY_CHANGE = "stages.edit"


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return _page(request, StagesForm(initial=stages_form.initial(rules.current())))


@require_POST
def stages(request: HttpRequest) -> HttpResponse:
    """Other thresholds: from the next refresh on, as if they had always been these."""
    form = StagesForm(request.POST)
    if form.is_valid():
        try:
            rules.save(form.wanted())
        except ValidationFailed as refusal:
            people.complain(request, refusal)
        else:
            messages.success(
                request, _("Saved. All stages are worked out anew within ten minutes; that starts no message.")
            )
            return redirect("console:worth")
    return _page(request, form, status=422)


def _page(request: HttpRequest, form: StagesForm, *, status: int = 200) -> HttpResponse:
    where = scope.of(request, permission="segments.view")
    days = asked.a_key(request, name="days")
    days = days if days in counting.SPANS else counting.SPANS[0]
    by_stage, model = worth.by_stage(store_ids=where.ids), predictions.active()
    facts: dict[str, Any] = {
        "stages": _rows(by_stage, dict(Stage.choices)),
        "cells": _rows(worth.by_cell(store_ids=where.ids), dict(Cell.choices)),
        "finding": _finding(by_stage),
        "clv_days": int(model.parameters["clv_days"]) if model else None,
        "stores": where.options, "dropped": asked.without(request, "store"),
        "spans": [(str(one), _("%(n)s days") % {"n": one}, one == days) for one in counting.SPANS],
        "as_of": counting.as_of(worth.NAME),
        **_matrix(reading.cells(days=days, store_ids=where.ids)[1]),
        "form": form if navigation.allowed(request, permission=MAY_CHANGE) else None,
    }  # fmt: skip
    return render(request, "console/worth.html", facts, status=status)


def _rows(found: list[worth.Worth], labels: dict[str, Any]) -> list[tuple[Any, worth.Worth]]:
    return [(labels[one.key], one) for one in found]


def _finding(found: list[worth.Worth]) -> str:
    """Whose value is at stake: of all that is expected, the share of those who are on their way out."""
    whole = sum(one.clv_cents for one in found)
    leaving = sum(one.clv_cents for one in found if one.key in {Stage.LAPSING, Stage.DORMANT})
    if not whole:
        return _("What members have spent, by life stage")
    return _("%(share)s of all that is expected lies with members who are lapsing or asleep") % {
        "share": svg.percent(leaving / whole)
    }


def _matrix(counted: dict[tuple[str, str], int]) -> dict[str, Any]:
    """Rows: where they stood; columns: where they stand. Who stayed is marked."""
    befores = [*Cell.choices, ("", _("No buyer yet"))]
    lines = [
        (
            label,
            [(counted.get((key, after), 0), key == after) for after in Cell.values],
            sum(counted.get((key, after), 0) for after in Cell.values),
        )
        for key, label in befores
    ]
    moved = sum(members for (before, after), members in counted.items() if before and before != after)
    return {"matrix": lines if counted else [], "columns": Cell.labels, "moved": moved}
