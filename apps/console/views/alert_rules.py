"""Alert rules: which figures are watched, what they found lately, quiet for a while or for good."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.analytics.day import sources
from apps.analytics.models import AlertRule
from apps.analytics.notices import rules, telling
from apps.console import alert_form
from apps.console.alert_form import AlertRuleForm
from apps.core import clock, ids
from apps.core.errors import NotFound
from apps.stores.models import Store

PREFIX, VIEW, EDIT = "alr", "alerts.view", "alerts.edit"
MUTES = {"1": timedelta(days=1), "7": timedelta(days=7)}
SHOWN, BACK = 50, timedelta(days=30)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    access, moment = request.access, clock.now()  # type: ignore[attr-defined]
    seen = access.store_ids(VIEW)
    edits = access.store_ids(EDIT) if access.can(EDIT) else []
    names = dict(Store.objects.values_list("pk", "name"))
    found = rules.breaches(seen, since=moment - BACK, limit=SHOWN)
    facts = {
        "rules": [
            {
                "rule": rule,
                "public_id": ids.encode(PREFIX, rule.pk),
                "condition": telling.condition(rule),
                "where": _("each store") if rule.is_each_store else telling.place(rule.store_id or 0, names),
                "is_muted": rule.muted_until is not None and rule.muted_until > moment,
                "may_edit": access.can(EDIT) and rules.editable(rule, edits),
            }
            for rule in rules.seen_by(seen)
        ],
        "breaches": [{"breach": one, "said": telling.sentence(one, stores=names)} for one in found],
        "may_edit": access.can(EDIT),
    }
    return render(request, "console/alert_rules.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, alert: str) -> HttpResponse:
    """`new`, or the public id of a rule."""
    access = request.access  # type: ignore[attr-defined]
    stores = access.store_ids(EDIT)
    row = None if alert == "new" else _one(request, alert)
    figures = [name for name, source in sources.SOURCE_OF.items() if access.can(source.permission)]
    given: dict[str, Any] = {"stores": stores, "figures": figures}
    form = AlertRuleForm(request.POST or None, initial=alert_form.initial(row) if row else None, **given)
    if request.method == "POST" and form.is_valid():
        made = rules.save(rule_id=row.pk if row else None, user_id=access.user_id, store_ids=stores, **form.wish())
        messages.success(request, _("Saved “%(name)s”") % {"name": made.name})
        return redirect("console:alert_rules")
    return render(request, "console/alert_rule.html", {"form": form, "rule": row}, status=422 if form.errors else 200)


@require_POST
def act(request: HttpRequest, alert: str) -> HttpResponse:
    """`do`: mute (for `days`), unmute, stop, start."""
    row, do = _one(request, alert), request.POST.get("do", "")
    asked: dict[str, Any] = {"rule_id": row.pk, "store_ids": request.access.store_ids(EDIT)}  # type: ignore[attr-defined]
    if do == "mute" and (span := MUTES.get(request.POST.get("days", ""))):
        rules.mute(until=clock.now() + span, **asked)
    elif do == "unmute":
        rules.mute(until=None, **asked)
    elif do in {"stop", "start"}:
        rules.set_active(is_active=do == "start", **asked)
    else:
        raise NotFound
    messages.success(request, _("Saved “%(name)s”") % {"name": row.name})
    return redirect("console:alert_rules")


def _one(request: HttpRequest, public_id: str) -> AlertRule:
    row = AlertRule.objects.filter(pk=ids.decode(PREFIX, public_id)).first()
    if row is None or not rules.editable(row, request.access.store_ids(EDIT)):  # type: ignore[attr-defined]
        raise NotFound
    return row
