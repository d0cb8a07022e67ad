"""Plans for groups: a list, a new one, one with its to-dos; ending early, everywhere or in one group."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.community import plan_lists, plans
from apps.community.models import GroupPlan
from apps.console.group_plan_form import GroupPlanForm
from apps.core import clock, ids
from apps.core.errors import NotFound, ValidationFailed

PLAN, GROUP = "wgp", "wcg"
MANAGE = "community.manage"


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    rows = plan_lists.plans(today=clock.local_date(clock.now()))
    return render(request, "console/group_plans.html", {"rows": rows, "may_manage": _may_manage(request)})


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    groups = [(str(row["id"]), row["name"] or "–") for row in plan_lists.groups(group_ids=[])]
    start = {"starts_on": clock.local_date(clock.now()), "kind": GroupPlan.Kind.NEW_GROUP}
    form = GroupPlanForm(request.POST or None, groups=groups, initial=start)
    if request.method == "POST" and form.is_valid():
        try:
            made = plans.create(**form.plan())
        except ValidationFailed as refusal:
            for error in refusal.facts["errors"]:  # type: ignore[attr-defined]
                form.add_error(None, error["message"])
        else:
            messages.success(request, _("“%(name)s” holds from now on.") % {"name": made.name})
            return redirect("console:group_plan", ids.encode(PLAN, made.pk))
    return render(request, "console/group_plan_new.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
def page(request: HttpRequest, plan: str) -> HttpResponse:
    row = _found(plan)
    facts = {
        "row": row,
        "groups": plan_lists.groups(group_ids=row.group_ids),
        "todos": plan_lists.todos(plan_id=row.pk),
        "may_manage": _may_manage(request) and row.ended_at is None,
    }
    return render(request, "console/group_plan.html", facts)


@require_POST
def end(request: HttpRequest, plan: str) -> HttpResponse:
    row = _found(plan)
    chosen = request.POST.get("group", "")
    count = plans.end(plan_id=row.pk, group_id=ids.decode(GROUP, chosen) if chosen else None)
    said = ngettext(
        "Ended. %(count)s open to-do was called off.", "Ended. %(count)s open to-dos were called off.", count
    )
    messages.success(request, said % {"count": count})
    return redirect("console:group_plan", plan)


def _found(plan: str) -> GroupPlan:
    row = GroupPlan.objects.filter(pk=ids.decode(PLAN, plan)).first()
    if row is None:
        raise NotFound
    return row


def _may_manage(request: HttpRequest) -> bool:
    return bool(request.access.can(MANAGE))  # type: ignore[attr-defined]
