"""The dry run of rules: nothing is written, whatever is tried."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from apps.console import rule_trial, rule_words
from apps.console.rule_trial import LineSet, TrialForm
from apps.core.errors import DomainError
from apps.points import rules
from apps.points.models import Rule


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Orders and members within the reader's stores. A post, so that no address carries a member's number."""
    known = rule_words.names()
    stores = request.access.store_ids("points.view")  # type: ignore[attr-defined]
    sent = request.POST if request.method == "POST" else None
    form, lines = TrialForm(sent, known=known, stores=stores), LineSet(sent, prefix="l")
    facts: dict[str, Any] = {"form": form, "lines": lines, "has_rules": Rule.objects.exists()}
    if sent is None:
        return render(request, "console/rule_trial.html", facts)
    if not (form.is_valid() and lines.is_valid()):
        return render(request, "console/rule_trial.html", facts, status=422)
    facts |= _tried(form, lines, known)
    return render(request, "console/rule_trial.html", facts, status=422 if form.errors else 200)


def _tried(form: TrialForm, lines: Any, known: rule_words.Names) -> dict[str, Any]:
    """Drafts that are not whole are left out, their rules count as published; the page names them."""
    every = {row.pk: row for row in Rule.objects.all()}
    broken = {row.pk for row in rules.unfinished()}
    drafts = [key for key, row in every.items() if row.draft is not None and key not in broken]
    drafts = drafts if form.cleaned_data["drafts"] else []
    try:
        if form.order is not None:
            outcomes = rules.dry_run(order_id=form.order.pk, drafts=drafts)
        else:
            outcomes = rules.dry_run(basket=form.basket(lines), drafts=drafts)
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return {}
    named = {key: rule_words.name_of(row) for key, row in every.items()}
    found = rule_trial.rows(outcomes, known, named, drafts)
    given = rules.awarded(order_id=form.order.pk) if form.order is not None else []
    return {
        "rows": found,
        "sums": rule_trial.sums((row.currency, row.points) for row in found),
        "order": form.order,
        "was_given": rule_trial.sums((known.currencies[one.rule.currency_id], one.points) for one in given),
        "left_out": [named[key] for key in sorted(broken)] if form.cleaned_data["drafts"] else [],
        "is_tried": True,
    }
