"""Recomputations of the points books: when, how much was looked at, and each contradiction by name."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.core import jobs
from apps.core.errors import NotFound
from apps.points import checking
from apps.points.faults import FAULTS
from apps.points.models import Check

SHOWN = 30


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The newest runs; the faults of one of them, the newest that has any unless `run` names another."""
    runs = list(Check.objects.order_by("-pk")[:SHOWN])
    wanted = request.GET.get("run", "")
    if wanted:
        shown = next((run for run in runs if str(run.pk) == wanted), None)
        if shown is None:
            raise NotFound
    else:
        shown = next((run for run in runs if run.faults), None)
    job = jobs.live(checking.KIND)
    facts = {
        "runs": runs,
        "last": next((run for run in runs if run.finished_at), None),
        "shown": shown,
        "faults": [
            (fault, FAULTS[fault.kind].text) for fault in checking.found(shown, limit=200) if fault.kind in FAULTS
        ]
        if shown
        else [],
        "at_work": reverse("console:work", args=[jobs.public_id(job)]) if job else "",
    }
    return render(request, "console/points_checks.html", facts)


@require_POST
def run(request: HttpRequest) -> HttpResponse:
    """Recompute everything now, by job."""
    job = jobs.start_alone(kind=checking.KIND, params={}, user_id=request.user.pk)
    return redirect("console:work", jobs.public_id(job))
