"""People of the house in a month: their goals, what they came to, and what the rule pays for it."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.analytics.day.sources import NET
from apps.analytics.house import figures, months, pay, score, targets
from apps.analytics.house.figures import GOALS, OF_PEOPLE
from apps.analytics.house.months import Month
from apps.analytics.house.targets import Place
from apps.analytics.models import Incentive
from apps.console import house_words, month_asked, places
from apps.console.places import Map
from apps.core import csv_files, ids, money
from apps.core.errors import NotFound
from apps.stores.models import Staff

PERMISSION, EDIT, PREFIX = "incentives.view", "incentives.edit", "inc"
SHOWN = 200


class RuleForm(forms.Form):
    """One more line of the rule."""

    kind = forms.ChoiceField(label=pgettext_lazy("incentive", "Kind"), choices=Incentive.Kind.choices)
    figure = forms.ChoiceField(
        label=gettext_lazy("Figure"),
        help_text=gettext_lazy("A share is always one of what was kept of sales."),
        choices=[(name, figures.worded(name).label) for name in OF_PEOPLE],
    )
    rate = forms.DecimalField(
        label=pgettext_lazy("incentive", "How much"),
        help_text=gettext_lazy("Percent for a share, else yuan."),
        min_value=0,
        max_value=1_000_000,
        decimal_places=2,
    )
    percent = forms.IntegerField(
        label=gettext_lazy("From this percentage of the goal on"),
        help_text=gettext_lazy("Only where a goal has to be reached."),
        min_value=1,
        max_value=1000,
        initial=100,
    )
    month = forms.CharField(label=gettext_lazy("From the month"), widget=forms.TextInput(attrs={"type": "month"}))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        rate = given.get("rate")
        if rate is not None and not rate:
            self.add_error("rate", _("Say an amount above 0."))
        if rate and given.get("kind") == Incentive.Kind.SHARE and rate > 100:
            self.add_error("rate", _("Nobody gets more than 100% of sales."))
        if month_asked.read(given.get("month", "")) is None and "month" not in self.errors:
            self.add_error("month", _("A month looks like 2026-11."))
        return given


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Posting adds a line to the rule."""
    month, where = _asked(request)
    may_edit = request.access.can(EDIT)  # type: ignore[attr-defined]
    form = RuleForm(request.POST or None, initial={"month": month.key})
    if request.method == "POST" and may_edit and form.is_valid():
        said = form.cleaned_data
        first = month_asked.read(said["month"])
        assert first is not None  # noqa: S101 - the form has looked
        row = pay.make(
            kind=said["kind"], figure=said["figure"], rate=int(said["rate"] * 100), percent=said["percent"],
            first_month=first, user_id=request.user.pk,
        )  # fmt: skip
        messages.success(request, _("The rule has one more line: %(line)s") % {"line": house_words.rule(row)})
        return redirect(_address("console:incentives", month, where))
    rules = pay.in_force(month=month.first)
    found = _people(month, where, rules)
    facts = {
        "month": month,
        "where": where,
        "heading": _finding(found, rules),
        "earlier": _address("console:incentives", month_asked.neighbour(month.first, by=-1), where),
        "later": _address("console:incentives", month_asked.neighbour(month.first, by=1), where),
        "people": found[:SHOWN],
        "more": max(len(found) - SHOWN, 0),
        "rules": [house_words.rule(rule) for rule in rules],
        "history": [_told(row, month) for row in pay.history()[:50]],
        "form": form if may_edit else None,
        "csv_url": _address("console:incentives_csv", month, where),
        "targets_url": _address("console:targets", month, where, place="") + "#staff",
        "may_set": request.access.can(targets.PERMISSION),  # type: ignore[attr-defined]
        "back": _address("console:headquarters", month, where),
    }
    return render(request, "console/incentives.html", facts, status=422 if form.errors else 200)


@require_safe
def csv(request: HttpRequest) -> HttpResponse:
    """Everybody of the list, with each line of the rule in a column of its own."""
    month, where = _asked(request)
    rules = pay.in_force(month=month.first)
    labels = [str(figures.worded(name).label) for name in OF_PEOPLE]
    head = [
        _("Month"), _("Staff number"), _("Name"), _("Store"), _("Days with work"),
        *(text for label in labels for text in (label, _("Goal: %(figure)s") % {"figure": label})),
        *(house_words.rule(rule) for rule in rules), _("Incentive"), _("Worked elsewhere, too"),
    ]  # fmt: skip
    rows = [
        [
            month.key, one["staff"].code, one["staff"].name, one["staff"].store or "", one["days"],
            *(text for cell in one["cells"] for text in (cell["plain"], cell["goal_plain"])),
            *(money.yuan(line.cents) for line in one["lines"]), money.yuan(one["cents"]), _("yes") if one["is_part"] else "",
        ]
        for one in _people(month, where, rules)
    ]  # fmt: skip
    return csv_files.response(name=f"incentives-{month.key}.csv", headers=head, rows=rows)


@require_POST
def end(request: HttpRequest, incentive: str) -> HttpResponse:
    """No more from the month after `last` on; a line that was wrong from its beginning ends before it."""
    row = Incentive.objects.filter(pk=ids.decode(PREFIX, incentive)).first()
    last = month_asked.read(request.POST.get("last", ""))
    if row is None or last is None:
        raise NotFound
    pay.end(incentive_id=row.pk, last_month=last, user_id=request.user.pk)
    messages.success(request, _("Ended: %(line)s") % {"line": house_words.rule(row)})
    return redirect("console:incentives")


def _asked(request: HttpRequest) -> tuple[Month, Map]:
    return months.of(month_asked.month(request)), places.of(request, permission=PERMISSION)


def _address(name: str, month: Month | str, where: Map, **more: str) -> str:
    parts = {"month": month if isinstance(month, str) else month.key, "place": where.here.key, **more}
    return f"{reverse(name)}?{urlencode({key: value for key, value in parts.items() if value})}"


def _people(month: Month, where: Map, rules: list[Incentive]) -> list[dict[str, Any]]:
    """Active staff of the place and whoever did something there, by what they sold. What they did elsewhere counts elsewhere."""
    store_ids = where.here.store_ids
    names = {name for goal in OF_PEOPLE for name in GOALS[goal].needs}
    sums = months.by_person(names, month=month, store_ids=store_ids)
    days = months.days_of_work(month=month, store_ids=store_ids)
    elsewhere = months.elsewhere(month=month, store_ids=store_ids)
    aims = targets.in_force(month=month.first)
    staff = Staff.objects.select_related("store").in_bulk([*sums, *days, *score.active_staff(store_ids)])
    found = [
        _person(one, sums.get(key, {}), aims, month, where, rules)
        | {"days": days.get(key, 0), "is_part": key in elsewhere}
        for key, one in staff.items()
    ]
    return sorted(found, key=lambda one: (-one["kept"], one["staff"].code))


def _person(
    staff: Staff, sums: dict[str, int], aims: dict[tuple[str, Place], int], month: Month, where: Map,
    rules: list[Incentive],
) -> dict[str, Any]:  # fmt: skip
    mine = {name: value for name in OF_PEOPLE if (value := aims.get((name, Place(staff_id=staff.pk))))}
    lines = pay.of(rules, sums=sums, goals=mine)
    cells = []
    for name in OF_PEOPLE:
        told = months.standing(GOALS[name], sums, target=mine.get(name), month=month)
        query = {"month": month.key, "place": where.here.key, "staff": staff.pk}
        href = reverse("console:headquarters_rows", args=[GOALS[name].rows]) + "?" + urlencode(query)
        cells.append({
            "label": figures.worded(name).label, "value": figures.shown(name, told.value), "off": house_words.off(told),
            "is_behind": bool(told.off and told.off < 0), "goal": figures.shown(name, told.target) if told.target else "",
            "plain": figures.plain(name, told.value), "goal_plain": figures.plain(name, told.target),
            "href": href if told.value else "",
        })  # fmt: skip
    return {
        "staff": staff,
        "kept": GOALS[NET].value(sums) or 0,
        "cells": cells,
        "lines": lines,
        "said": [
            (house_words.rule(line.rule), figures.shown(line.rule.figure, line.base), line.cents) for line in lines
        ],
        "cents": sum(line.cents for line in lines),
    }


def _finding(found: list[dict[str, Any]], rules: list[Incentive]) -> str:
    facts = {
        "n": sum(1 for one in found if one["days"]),
        "all": len(found),
        "sum": money.show(sum(one["cents"] for one in found)),
    }
    if not rules:
        return _("%(n)s of %(all)s people did something; no rule pays for it yet") % facts
    return _("%(n)s of %(all)s people did something; the rule gives them %(sum)s") % facts


def _told(row: Incentive, month: Month) -> dict[str, Any]:
    return {"row": row, "public_id": ids.encode(PREFIX, row.pk), "said": house_words.rule(row),
            "last": f"{month.first:%Y-%m}"}  # fmt: skip
