"""How the house works: scheduled work, the outbox, long jobs."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.analytics import machinery, queues
from apps.console import machine_words, progress, words
from apps.core import audit, clock, ids, jobs
from apps.core.errors import NotFound
from apps.core.models import Job
from apps.events import selectors as facts
from apps.events import services as events
from apps.members import guard

SHOWN = 20
ALARMS_SHOWN = timedelta(days=7)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    moment = clock.now()
    recent = Job.objects.select_related("created_by").order_by("-id")[:SHOWN]
    watched = [
        {
            "job": row,
            "name": words.job(row),
            "public_id": jobs.public_id(row),
            "progress": progress.of(row, moment=moment),
        }
        for row in recent
    ]
    return render(
        request,
        "console/jobs.html",
        {
            "health": queues.health(moment=moment),
            "tasks": _scheduled(),
            "backlog": facts.backlog(),
            "parked": facts.parked(limit=SHOWN),
            "jobs": watched,
            "alarms": guard.alarms(since=moment - ALARMS_SHOWN),
            "late_after": timedelta(minutes=5),
            "may_manage": request.access.can("jobs.manage"),  # type: ignore[attr-defined]
        },
    )


def _scheduled() -> list[dict[str, Any]]:
    """The last run of each scheduled task, in words."""
    names = [entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()]
    return [
        {
            "run": run,
            "words": machine_words.task(run.name),
            "counts": [] if run.is_running or run.error else machine_words.figures(run.figures or {}),
        }
        for run in machinery.tasks(names=names)
    ]


@require_POST
def retry(request: HttpRequest) -> HttpResponse:
    """Let parked facts be delivered again: one, or all of them."""
    wanted = request.POST.get("event", "")
    one = wanted.isdigit() and len(wanted) < 19
    count = int(events.retry(event_id=int(wanted))) if one else events.retry_all()
    audit.record("events.retried", object_type="event", object_id=wanted if one else "all", after={"count": count})
    messages.success(request, _("%(count)s facts go out again.") % {"count": count})
    return redirect("console:jobs")


@require_POST
def wish(request: HttpRequest, job: str, wish: str) -> HttpResponse:
    row = Job.objects.filter(pk=ids.decode("job", job)).first()
    if row is None:
        raise NotFound
    if wish not in progress.WISHES:
        raise NotFound
    jobs.wish(job_id=row.pk, wish=progress.WISHES[wish])
    return redirect("console:jobs")
