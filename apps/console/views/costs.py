"""What marketing cost: by hand, from a file, taken back; totals per campaign and channel."""

import secrets
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.care.campaigns import costs
from apps.care.campaigns.costs import Entry
from apps.care.models import Cost, Journey, Policy
from apps.console import asked, cost_files, people
from apps.console.policy_form import Yuan
from apps.console.rule_rows import Day
from apps.core import clock, csv_files, ids, money
from apps.core.errors import DomainError

PREFIX = "cst"
SHOWN, MOST_EXPORTED = 200, 20_000


class CostForm(forms.Form):
    """One cost. `number` is drawn with the page, so that a double click enters it once."""

    about = forms.ChoiceField(label=gettext_lazy("Campaign, journey or policy"))
    channel = forms.ChoiceField(label=pgettext_lazy("cost", "Channel"), choices=Cost.Channel.choices)
    day = forms.DateField(label=gettext_lazy("Day"), widget=Day)
    amount = Yuan(label=pgettext_lazy("cost", "Yuan"))
    note = forms.CharField(label=gettext_lazy("Note, such as the invoice"), max_length=200, required=False)
    number = forms.RegexField(r"^[0-9a-f]{16}$", widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["about"].choices = costs.names()  # type: ignore[attr-defined]

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if not date(2000, 1, 1) <= day <= clock.local_date(clock.now()):
            raise forms.ValidationError(_("The day lies in the future, or too far back."))
        return day

    def clean_amount(self) -> int:
        amount: int | None = self.cleaned_data["amount"]
        if not amount or not 0 < amount <= costs.MOST_CENTS:
            raise forms.ValidationError(_("Enter an amount such as 12.50."))
        return amount

    def entry(self) -> Entry:
        said = self.cleaned_data
        return Entry(
            said["about"], said["channel"], said["day"], said["amount"], f"hand:{said['number']}", said["note"]
        )


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Posting enters one cost."""
    form = CostForm(request.POST or None, initial=_fresh(request))
    if request.method == "POST" and request.access.can("costs.edit") and form.is_valid():  # type: ignore[attr-defined]
        try:
            costs.enter([form.entry()], user_id=request.user.pk)
        except DomainError as refusal:
            people.complain(request, refusal)
        else:
            messages.success(request, _("Entered %(amount)s.") % {"amount": money.show(form.cleaned_data["amount"])})
        return redirect("console:costs")
    since, until = asked.a_date(request, name="since"), asked.a_date(request, name="until")
    rows = list(_rows(since, until)[:SHOWN])
    totals = _totals(since, until)
    facts = {
        "form": form,
        "rows": [_row(row) for row in rows],
        "is_cut": len(rows) == SHOWN,
        "totals": totals,
        "sum_cents": sum(total["amount_cents"] for total in totals),
        "since": since,
        "until": until,
        "query": request.GET.urlencode(),
        "may_edit": request.access.can("costs.edit"),  # type: ignore[attr-defined]
    }
    return render(request, "console/costs.html", facts, status=422 if form.errors else 200)


@require_safe
def csv(request: HttpRequest) -> HttpResponse:
    """All rows of the chosen days, corrections too, as the import reads them: what was taken back stands with a minus."""
    since, until = asked.a_date(request, name="since"), asked.a_date(request, name="until")
    rows = (
        [_key(row), row.channel, row.day, money.yuan(row.amount_cents), row.note, row.source]
        for row in _rows(since, until)[:MOST_EXPORTED]
    )
    return csv_files.response(name="costs.csv", headers=cost_files.COLUMNS, rows=rows)


@require_http_methods(["GET", "HEAD", "POST"])
def file(request: HttpRequest) -> HttpResponse:
    facts: dict[str, Any] = {"columns": cost_files.COLUMNS, "most": cost_files.MOST, "names": costs.names()}
    if request.method != "POST":
        return render(request, "console/cost_file.html", facts)
    read = cost_files.read(request.FILES.get("file"))
    facts["faults"] = read.faults
    if not read.faults:
        try:
            new = costs.enter(read.entries, user_id=request.user.pk)
        except DomainError as refusal:
            facts["faults"] = [(0, str(refusal))]
        else:
            text = _("%(new)s rows are new; %(old)s stood already.")
            messages.success(request, text % {"new": new, "old": len(read.entries) - new})
            return redirect("console:costs")
    return render(request, "console/cost_file.html", facts, status=422)


@require_POST
def take_back(request: HttpRequest, cost: str) -> HttpResponse:
    try:
        costs.take_back(cost_id=ids.decode(PREFIX, cost), user_id=request.user.pk, note=request.POST.get("note", ""))
    except costs.TakenBack as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("Taken back. Enter the right amount anew."))
    return redirect("console:costs")


def _fresh(request: HttpRequest) -> dict[str, Any]:
    today = clock.local_date(clock.now())
    return {"day": today, "number": secrets.token_hex(8), "about": request.GET.get("about", "")[:60]}


def _rows(since: date | None, until: date | None) -> QuerySet[Cost]:
    rows = Cost.objects.select_related("journey", "policy", "by", "correction").order_by("-day", "-pk")
    rows = rows.filter(day__gte=since) if since else rows
    return rows.filter(day__lte=until) if until else rows


def _row(row: Cost) -> dict[str, Any]:
    thing = row.journey or row.policy
    return {
        "cost": row,
        "public_id": ids.encode(PREFIX, row.pk),
        "name": thing.name if thing else "",
        "is_back": row.corrects_id is not None,
        "is_gone": hasattr(row, "correction"),
    }


def _key(row: Cost) -> str:
    thing = row.journey or row.policy
    return thing.key if thing else ""


def _totals(since: date | None, until: date | None) -> list[dict[str, Any]]:
    found = costs.totals(since=since, until=until)
    journeys = Journey.objects.in_bulk([total.journey_id for total in found if total.journey_id])
    policies = Policy.objects.in_bulk([total.policy_id for total in found if total.policy_id])
    labels = dict(Cost.Channel.choices)
    return [
        {
            "name": (journeys[total.journey_id] if total.journey_id else policies[total.policy_id or 0]).name,
            "channel": labels[total.channel],
            "amount_cents": total.amount_cents,
        }
        for total in found
    ]
