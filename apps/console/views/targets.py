"""Targets of a month: set one by one or from a file, and everything they were before."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from apps.analytics.house import figures, targets
from apps.analytics.house.figures import GOALS
from apps.analytics.house.targets import Place, Wish
from apps.console import house_words, month_asked, people, target_files, words
from apps.core import brand, csv_files
from apps.core.errors import DomainError
from apps.stores.access import Access
from apps.stores.models import Region, Staff

HISTORY = 100
SEEN = "dashboard.view"


class TargetForm(forms.Form):
    """One target; an empty value takes it away."""

    place = forms.ChoiceField(label=pgettext_lazy("target", "For whom"))
    figure = forms.ChoiceField(label=gettext_lazy("Figure"))
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"), required=False,
        help_text=gettext_lazy("For orders and sales of the brand, a region or a store."),
    )  # fmt: skip
    value = forms.CharField(
        label=gettext_lazy("Target"), max_length=20, required=False,
        help_text=gettext_lazy("Yuan, percent or a number. Empty: no target any more."),
    )  # fmt: skip

    def __init__(self, *args: Any, by: Access, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.fields["place"].choices = _places(by)  # type: ignore[attr-defined]
        self.fields["figure"].choices = [(name, figures.worded(name).label) for name in GOALS]  # type: ignore[attr-defined]
        every = [("", _("All of them"))]
        self.fields["channel"].choices = [*every, *words.CHANNELS.items()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        goal, text = GOALS.get(given.get("figure", "")), given.get("value", "")
        if goal is None or "place" not in given:
            return given
        place, channel = _place(given["place"], given.get("channel", "")), given.get("channel", "")
        if place.staff_id and not goal.of_people:
            self.add_error("figure", _("This figure is not counted by person."))
        if goal.of_brand and place != targets.BRAND:
            self.add_error("figure", _("This figure is of the brand as a whole."))
        if channel and (place.staff_id or not goal.has_channels):
            self.add_error("channel", _("This figure is not counted by channel."))
        try:
            given["amount"] = figures.read(goal.name, text) if text else None
        except ValueError:
            self.add_error("value", _("“%(text)s” is no target of this figure.") % {"text": text})
        return given


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Posting sets one target of the month."""
    access: Access = request.access  # type: ignore[attr-defined]
    month, may_set = month_asked.month(request), access.can(targets.PERMISSION)
    form = TargetForm(request.POST or None, by=access) if may_set else None
    if request.method == "POST" and form is not None and form.is_valid():
        said = form.cleaned_data
        place = _place(said["place"], said.get("channel", ""))
        try:
            changed = targets.put(
                [Wish(month=month, figure=said["figure"], place=place, value=said["amount"])], by=access
            )
        except DomainError as refusal:
            people.complain(request, refusal)
        else:
            messages.success(request, _("The target is set.") if changed else _("The target stood like that already."))
        return redirect(f"{reverse('console:targets')}?month={month:%Y-%m}")
    rows = list(targets.history(month=month, store_ids=access.store_ids(SEEN)))
    facts = {
        "month": month,
        "earlier": f"?month={month_asked.neighbour(month, by=-1)}",
        "later": f"?month={month_asked.neighbour(month, by=1)}",
        "rows": [_told(row) for row in rows if row.ended_at is None and row.value is not None],
        "history": [_told(row) for row in rows[:HISTORY]],
        "form": form,
        "back": f"{reverse('console:headquarters')}?month={month:%Y-%m}",
    }
    return render(request, "console/targets.html", facts, status=422 if form is not None and form.errors else 200)


@require_safe
def csv(request: HttpRequest) -> HttpResponse:
    """The month's targets, as the import reads them."""
    month = month_asked.month(request)
    seen = targets.history(month=month, store_ids=request.access.store_ids(SEEN))  # type: ignore[attr-defined]
    rows = [row for row in seen if row.ended_at is None and row.value is not None]
    name = f"targets-{month:%Y-%m}.csv"
    return csv_files.response(name=name, headers=target_files.COLUMNS, rows=target_files.lines(rows))


@require_http_methods(["GET", "HEAD", "POST"])
def file(request: HttpRequest) -> HttpResponse:
    access: Access = request.access  # type: ignore[attr-defined]
    facts: dict[str, Any] = {
        "columns": target_files.COLUMNS,
        "most": target_files.MOST,
        "figures": [(name, figures.worded(name).label) for name in GOALS],
    }
    if request.method != "POST":
        return render(request, "console/target_file.html", facts)
    wishes, facts["faults"] = target_files.read(request.FILES.get("file"), by=access)
    if not facts["faults"]:
        changed = targets.put(wishes, by=access, way="file")
        text = _("%(new)s targets are new or changed; %(old)s stood like that already.")
        messages.success(request, text % {"new": changed, "old": len(wishes) - changed})
        return redirect(f"{reverse('console:targets')}?month={wishes[0].month:%Y-%m}")
    return render(request, "console/target_file.html", facts, status=422)


def _told(row: Any) -> dict[str, Any]:
    return {
        "row": row,
        "place": house_words.place(row),
        "label": figures.worded(row.figure).label,
        "value": figures.shown(row.figure, row.value),
        "before": figures.shown(row.figure, row.before),
    }


def _places(by: Access) -> list[tuple[str, Any]]:
    """What this person may set a target for, in groups."""
    reach, store_ids = by.reach(targets.PERMISSION), by.store_ids(targets.PERMISSION)
    found: list[tuple[str, Any]] = []
    if reach == "all":
        found.append(("brand", brand.name()))
        found.append((_("Regions"), [(f"region-{pk}", name) for pk, name in Region.objects.values_list("pk", "name")]))
    if reach in {"all", "region"}:
        found.append((_("Stores"), [(f"store-{one.pk}", one.name) for one in targets.stores(store_ids)]))
    staff = (
        Staff.objects.filter(is_active=True, store__isnull=False)
        .select_related("store")
        .order_by("store__code", "code")
    )
    staff = staff if store_ids is None else staff.filter(store_id__in=store_ids).exclude(pk=by.staff_id or 0)
    found.append((_("Staff"), [(f"staff-{one.pk}", f"{one.name} ({one.code}) · {one.store}") for one in staff]))
    return [one for one in found if one[1]]


def _place(key: str, channel: str) -> Place:
    level, _dash, pk = key.partition("-")
    return Place(**({} if level == "brand" else {f"{level}_id": int(pk)}), channel=channel)
