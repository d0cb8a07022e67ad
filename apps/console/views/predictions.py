"""How well the house foresees: the version that speaks, how it did when it was tried, the ones before it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.console import foresight, navigation, people
from apps.core import jobs
from apps.core.errors import DomainError
from apps.segments.predictions import selectors, terms, versions, work

MANAGE = "predictions.manage"


class TermsForm(forms.Form):
    clv_days = forms.IntegerField(
        label=gettext_lazy("Days that a customer's value looks ahead"), min_value=30, max_value=1825
    )
    discount = forms.FloatField(label=gettext_lazy("Discount a year, percent"), min_value=0, max_value=100)


def _terms() -> TermsForm:
    now = terms.current()
    return TermsForm(initial={"clv_days": now["clv_days"], "discount": round(now["discount_a_year"] * 100, 2)})


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    active, run = selectors.active(), selectors.last_run()
    gate = selectors.gate(run)
    may = navigation.allowed(request, permission=MANAGE)
    job = jobs.live(work.KIND) if may else None
    facts: dict[str, Any] = {
        "model": active,
        "run": run,
        "gate": gate,
        "missing": foresight.missing(gate) if gate else [],
        "may_manage": may,
        "at_work": reverse("console:work", args=[jobs.public_id(job)]) if job else "",
        "former": selectors.former(),
        "versions": _versions(),
        "cycles": selectors.cycles(limit=12),
        "ahead_days": terms.AHEAD_DAYS,
        "terms": _terms() if may else None,
    }
    if active:
        facts |= {
            "calibration": foresight.calibration(active),
            "tenths": foresight.tenths(active),
            "bands": foresight.bands(selectors.bands()),
            "tried": foresight.tried(active),
            "parameters": foresight.parameters(active),
            "held_out": foresight.held_out(active),
            "orders": foresight.orders(active),
            "clv_days": int(active.parameters["clv_days"]),
            "discount": active.parameters["discount_a_year"] * 100,
        }
    return render(request, "console/predictions.html", facts)


@require_POST
def fit(request: HttpRequest) -> HttpResponse:
    """A new version by job; the page of the job leads back here."""
    job = jobs.start_alone(kind=work.KIND, params={}, user_id=request.user.pk)
    return redirect("console:work", jobs.public_id(job))


@require_POST
def set_terms(request: HttpRequest) -> HttpResponse:
    """How far the value of a customer looks ahead, and its discount: from the next version on."""
    form = TermsForm(request.POST)
    if form.is_valid():
        days, percent = form.cleaned_data["clv_days"], form.cleaned_data["discount"]
        terms.save(clv_days=days, discount_a_year=round(percent / 100, 4))
        messages.success(request, _("Saved. It holds from the next version on."))
    else:
        messages.error(request, _("Not saved: 30 to 1,825 days, and 0 to 100% a year."))
    return redirect("console:predictions")


@require_POST
def activate(request: HttpRequest, version: int) -> HttpResponse:
    model = versions.activate(version=version)
    messages.success(request, _("Version %(n)s speaks from the next scoring on") % {"n": model.version})
    return redirect("console:predictions")


@require_POST
def roll_back(request: HttpRequest) -> HttpResponse:
    try:
        model = versions.roll_back()
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("Back to version %(n)s, from the next scoring on") % {"n": model.version})
    return redirect("console:predictions")


def _versions() -> list[dict[str, Any]]:
    rows = selectors.versions()
    names = people.log_in_names([name for row in rows for name in (row.fitted_by, row.activated_by)])
    return [
        {
            "row": row,
            "by": _who(row.fitted_by, names),
            "chosen_by": _who(row.activated_by, names),
            "used": next((one for one in foresight.tried(row) if one.is_used), None),
        }
        for row in rows
    ]


def _who(actor: str, names: dict[str, str]) -> str:
    return names.get(actor, "") or (_("by itself") if actor else "")
