"""Orders from files: upload, rehearse, take in, watch, get the rejected rows."""

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.console import progress, uploads
from apps.console.uploads import ImportForm
from apps.core import clock, ids, jobs
from apps.core.errors import NotFound
from apps.core.models import Job

KIND = "orders.import"
SHOWN = 30


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    form = ImportForm(request.POST or None, request.FILES or None, initial={"mode": "dry"})
    if request.method == "POST" and form.is_valid():
        path = uploads.keep(form.cleaned_data["file"])
        job = jobs.start(kind=KIND, params=form.params(path), user_id=request.user.pk)
        return redirect("console:import", jobs.public_id(job))
    history = Job.objects.filter(kind=KIND).select_related("created_by").order_by("-id")[:SHOWN]
    facts = {"form": form, "history": list(history), "limit": uploads.limit()}
    return render(request, "console/imports.html", facts, status=422 if form.errors else 200)


@require_safe
def job(request: HttpRequest, job: str) -> HttpResponse:
    return render(request, "console/import.html", _facts(request, _found(job)))


@require_safe
def part(request: HttpRequest, job: str) -> HttpResponse:
    """The inside of the progress card, fetched again whenever the job moved."""
    row = _found(job)
    answer = render(request, "console/_import_progress.html", _facts(request, row))
    answer["X-Job-Live"] = "no" if progress.of(row, moment=clock.now()).is_over else "yes"
    return answer


@require_POST
def wish(request: HttpRequest, job: str, wish: str) -> HttpResponse:
    row = _found(job)
    if wish not in progress.WISHES:
        raise NotFound
    jobs.wish(job_id=row.pk, wish=progress.WISHES[wish])
    return redirect("console:import", job)


@require_POST
def go_live(request: HttpRequest, job: str) -> HttpResponse:
    """Take in the file that was rehearsed."""
    fresh = uploads.go_live(_found(job), user_id=request.user.pk)
    if fresh is None:
        messages.error(request, _("The file is no longer here. Upload it again."))
        return redirect("console:imports")
    return redirect("console:import", jobs.public_id(fresh))


@require_safe
def rejects(request: HttpRequest, job: str) -> FileResponse:
    """The rejected rows hold what the file held: for who uploaded it, and for administrators."""
    row = _found(job)
    is_theirs = row.created_by_id == request.user.pk or request.access.can("jobs.manage")  # type: ignore[attr-defined]
    path = jobs.result_path(row.result_file) if row.result_file else None
    if not is_theirs or path is None or not path.is_file():
        raise NotFound
    answer = FileResponse(path.open("rb"), as_attachment=True, filename=f"rejected-{job}.csv", content_type="text/csv")
    answer["Cache-Control"] = "no-store"
    return answer


def _found(public_id: str) -> Job:
    row = Job.objects.select_related("created_by").filter(pk=ids.decode("job", public_id), kind=KIND).first()
    if row is None:
        raise NotFound
    return row


def _facts(request: HttpRequest, row: Job) -> dict[str, object]:
    public_id = jobs.public_id(row)
    is_theirs = row.created_by_id == request.user.pk or request.access.can("jobs.manage")  # type: ignore[attr-defined]

    def at(name: str, *more: str) -> str:
        return reverse(f"console:{name}", args=[public_id, *more])

    return {
        "job": row,
        "public_id": public_id,
        "progress": progress.of(row, moment=clock.now()),
        "heading": _heading(row),
        "error": row.error
        or (_("The import broke off. Start it again: what is in stays in.") if row.state == Job.State.FAILED else ""),
        "part_url": at("import_part"),
        "pause_url": at("import_wish", "pause"),
        "go_on_url": at("import_wish", "go-on"),
        "stop_url": at("import_wish", "stop"),
        "live_url": at("import_live") if row.params.get("dry_run") and row.state == Job.State.DONE else "",
        "bad_url": at("import_rejects") if row.result_file and is_theirs else "",
        "figures": _figures(row),
        "seconds": row.result.get("seconds", 0),
        "notices": row.result.get("notices", []),
    }


def _heading(row: Job) -> str:
    name = row.params.get("file_name", "")
    words = {
        Job.State.QUEUED: _("%(file)s waits for its turn"),
        Job.State.RUNNING: _("Rehearsing %(file)s") if row.params.get("dry_run") else _("Taking in %(file)s"),
        Job.State.PAUSED: _("%(file)s is paused"),
        Job.State.DONE: _("Rehearsal of %(file)s is done: nothing was written")
        if row.params.get("dry_run")
        else _("%(file)s is in"),
        Job.State.FAILED: _("%(file)s was not taken in"),
        Job.State.STOPPED: _("%(file)s was stopped; what is in stays in"),
    }
    return words[Job.State(row.state)] % {"file": name}


def _figures(row: Job) -> list[tuple[str, int]]:
    names = (
        ("rows", _("Rows read")), ("orders_added", _("New orders")), ("orders_known", _("Orders already known")),
        ("lines_added", _("Order lines")), ("members_added", _("New members")), ("refunds_added", _("Refunds")),
        ("rejected", _("Rows rejected")),
    )  # fmt: skip
    return [(label, row.result[name]) for name, label in names if isinstance(row.result.get(name), int)]
