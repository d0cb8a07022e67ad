"""Long work on members: files, exports, tags for a whole list, counts and searches. Watched, paused, stopped by who began it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.analytics import exports, quality
from apps.analytics.lists import members as listed
from apps.catalog import price_files
from apps.console import progress, uploads, words
from apps.console.uploads import MembersForm
from apps.console.views.members import segment_of, wanted_of
from apps.core import audit, clock, ids, jobs
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.core.models import Job
from apps.coupons import keeping
from apps.flows import tag_list
from apps.members import duplicates
from apps.members.imports import columns
from apps.members.imports.job import KIND as IMPORT
from apps.members.models import Attribute
from apps.points import checking
from apps.segments.lists.job import KIND as LIST
from apps.segments.models import Pack
from apps.segments.packs import making
from apps.segments.predictions import work as predicting

SHARED = {
    quality.KIND: "console:quality",
    duplicates.KIND: "console:duplicates",
    checking.KIND: "console:points_checks",
    predicting.KIND: "console:predictions",
}  # of nobody's own: kind → where its result is
STARTED_BY = {
    quality.KIND: "members.count",
    duplicates.KIND: "members.count",
    checking.KIND: "points.check",
    predicting.KIND: "predictions.manage",
}
FILES = {exports.KIND: "members", exports.EXCHANGES: "exchanges", exports.CODES: "codes", exports.PACKS: "pack"}
OF_COUPONS = ("coupons.make_codes", "coupons.take_codes", keeping.KIND)
TAKEN_IN = {IMPORT: "work_live", LIST: "segment_live"}  # files; the route that takes in what was rehearsed
KINDS = (LIST, IMPORT, *exports.KINDS, tag_list.KIND, *OF_COUPONS, price_files.KIND, *SHARED)
SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    form = MembersForm(request.POST or None, request.FILES or None, initial={"mode": "dry", "source": "import"})
    if request.method == "POST" and form.is_valid():
        path = uploads.keep(form.cleaned_data["file"])
        job = jobs.start(kind=IMPORT, params=form.params(path), user_id=request.user.pk)
        return redirect("console:work", jobs.public_id(job))
    facts = {
        "form": form,
        "history": _history(IMPORT),
        "limit": uploads.limit(),
        "consents": list(columns.CONSENTS),
        "fields": Attribute.objects.filter(retired_at=None),
    }
    return render(request, "console/member_imports.html", facts, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest) -> HttpResponse:
    """What is exported is the list that the address asks for."""
    wanted = wanted_of(request)
    facts: dict[str, Any] = {
        "reason": request.POST.get("reason", "")[:200],
        "is_full": request.POST.get("what") == "full",
    }
    if request.method == "POST":
        try:
            job = exports.start(wanted=wanted, is_full=facts["is_full"], reason=facts["reason"], access=request.access)  # type: ignore[attr-defined]
        except ValidationFailed as refusal:
            facts["error"] = refusal.facts["errors"][0]["message"]  # type: ignore[index]
        else:
            return redirect("console:work", jobs.public_id(job))
    facts |= {
        "wanted": wanted,
        "segment": segment_of(request),
        "about": listed.about(wanted=wanted),
        "query": request.GET.urlencode(),
        "may_full": request.access.can(exports.FULL),  # type: ignore[attr-defined]
        "history": _history(exports.KIND, user_id=request.user.pk),
        "days": exports.KEPT_FOR.days,
    }
    return render(request, "console/member_exports.html", facts, status=422 if "error" in facts else 200)


@require_safe
def page(request: HttpRequest, job: str) -> HttpResponse:
    return render(request, "console/work.html", _facts(_found(request, job)))


@require_safe
def part(request: HttpRequest, job: str) -> HttpResponse:
    """The inside of the progress card, fetched again whenever the job moved."""
    row = _found(request, job)
    answer = render(request, "console/_work_progress.html", _facts(row))
    answer["X-Job-Live"] = "no" if progress.of(row, moment=clock.now()).is_over else "yes"
    return answer


@require_POST
def wish(request: HttpRequest, job: str, wish: str) -> HttpResponse:
    row = _found(request, job)
    if wish not in progress.WISHES:
        raise NotFound
    jobs.wish(job_id=row.pk, wish=progress.WISHES[wish])
    return redirect("console:work", job)


@require_POST
def go_live(request: HttpRequest, job: str) -> HttpResponse:
    """Take in the file that was rehearsed."""
    fresh = uploads.go_live(_found(request, job, kinds=(IMPORT,)), user_id=request.user.pk)
    if fresh is None:
        messages.error(request, _("The file is no longer here. Upload it again."))
        return redirect("console:member_imports")
    return redirect("console:work", jobs.public_id(fresh))


@require_safe
def file(request: HttpRequest, job: str) -> FileResponse | HttpResponse:
    """Rejected rows, or an exported list; each fetch of a list is in the audit trail."""
    row = _found(request, job)
    path = jobs.result_path(row.result_file) if row.result_file else None
    if path is None or not path.is_file():
        raise NotFound
    if row.kind == exports.PACKS:
        try:
            making.check_fresh(Pack.objects.get(job=row))
        except DomainError as refusal:
            messages.error(request, str(refusal))
            return redirect("console:segment_packs")
    if row.kind in exports.KINDS:
        if row.finished_at and row.finished_at < clock.now() - exports.KEPT_FOR:
            raise NotFound
        audit.record("members.export_fetched", object_type="job", object_id=row.pk)
    name = f"{FILES.get(row.kind, 'rejected')}-{job}.csv"
    answer = FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="text/csv")
    answer["Cache-Control"] = "no-store"
    return answer


def _found(request: HttpRequest, public_id: str, *, kinds: Sequence[str] = KINDS) -> Job:
    """The job, for who began it and for administrators, a shared one for all who may start it; for others it does not exist."""
    row = Job.objects.select_related("created_by").filter(pk=ids.decode("job", public_id), kind__in=kinds).first()
    can = request.access.can  # type: ignore[attr-defined]
    if row is not None and (row.created_by_id == request.user.pk or can("jobs.manage")):
        return row
    if row is not None and row.kind in SHARED and can(STARTED_BY[row.kind]):
        return row
    raise NotFound


def _history(kind: str, *, user_id: int | None = None) -> list[Job]:
    rows = Job.objects.filter(kind=kind).select_related("created_by").order_by("-id")
    return list((rows if user_id is None else rows.filter(created_by_id=user_id))[:SHOWN])


def _facts(row: Job) -> dict[str, object]:
    public_id = jobs.public_id(row)
    is_dry = bool(row.params.get("dry_run")) and row.state == Job.State.DONE
    url = reverse("console:work_file", args=[public_id]) if row.result_file else ""

    def at(name: str, *more: str) -> str:
        return reverse(f"console:{name}", args=[public_id, *more])

    return {
        "job": row,
        "public_id": public_id,
        "progress": progress.of(row, moment=clock.now()),
        "heading": _heading(row),
        "error": row.error or (_("The work broke off. Start it again.") if row.state == Job.State.FAILED else ""),
        "part_url": at("work_part"),
        "pause_url": "" if row.kind in SHARED else at("work_wish", "pause"),
        "go_on_url": at("work_wish", "go-on"),
        "stop_url": "" if row.kind in SHARED else at("work_wish", "stop"),
        "live_url": at(TAKEN_IN[row.kind]) if row.kind in TAKEN_IN and is_dry else "",
        "bad_url": url if row.kind in {*TAKEN_IN, *OF_COUPONS, price_files.KIND} else "",
        "export_url": url if row.kind in exports.KINDS else "",
        "undo_url": _undo_url(row),
        "result_at": _result_at(row),
        "figures": _figures(row),
        "seconds": row.result.get("seconds", 0),
        "notices": row.result.get("notices", []),
    }


def _result_at(row: Job) -> str:
    if row.params.get("openings_only") and row.state == Job.State.DONE and not row.params.get("dry_run"):
        return reverse("console:openings")
    if row.kind == price_files.KIND:
        return reverse("console:prices")
    if row.kind in OF_COUPONS:
        return reverse("console:coupons")
    if row.kind == exports.PACKS:
        return reverse("console:segment_packs")
    if row.kind == LIST and row.result.get("segment"):
        return reverse("console:segment", args=[row.result["segment"]])
    return reverse(SHARED[row.kind]) if row.kind in SHARED else ""


def _undo_url(row: Job) -> str:
    act_id = row.result.get("act_id")
    if row.kind != tag_list.KIND or not act_id or row.state not in {Job.State.DONE, Job.State.STOPPED}:
        return ""
    return reverse("console:tags_undo", args=[ids.encode("act", int(act_id))])


def _heading(row: Job) -> str:
    if row.kind in {*SHARED, *OF_COUPONS, exports.CODES, exports.PACKS}:
        return words.job(row)
    if row.kind == tag_list.KIND:
        sentence = (
            _("Giving “%(tag)s” to a list") if row.params.get("what") == "give" else _("Taking “%(tag)s” from a list")
        )
        return sentence % {"tag": row.params.get("tag", "")}
    if row.kind == exports.KIND:
        return _("Export of members, whole numbers") if row.params.get("is_full") else _("Export of members, masked")
    if row.kind == exports.EXCHANGES:
        return _("Export of exchanges, whole names") if row.params.get("is_full") else _("Export of exchanges, masked")
    if row.params.get("dry_run"):
        return _("Rehearsal of %(file)s") % {"file": row.params.get("file_name", "")}
    if row.kind == LIST:
        return _("List of members from %(file)s") % {"file": row.params.get("file_name", "")}
    if row.kind == price_files.KIND:
        return _("Prices from %(file)s") % {"file": row.params.get("file_name", "")}
    return _("Members from %(file)s") % {"file": row.params.get("file_name", "")}


def _figures(row: Job) -> list[tuple[str, int]]:
    names = (
        ("rows", _("Rows read")), ("members_added", _("New members")), ("members_known", _("Members already known")),
        ("members_changed", _("Members changed")), ("phones_added", _("Phones added")), ("tags_given", _("Tags given")),
        ("consents_added", _("Consents added")), ("openings_added", _("Opening values kept")),
        ("opening_points", _("Opening points")), ("opening_growth", _("Growth value")), ("opening_tiers", _("Opening tiers")),
        ("members", _("Members")), ("exchanges", _("Exchanges")), ("rejected", _("Rows rejected")), ("open", _("Pairs to look at")),
        ("gone", _("Pairs that no longer look alike")), ("made", _("Codes made")), ("wrong", _("Codes refused")),
        ("codes", _("Codes written")),
        ("named", _("Members named")), ("came", _("Come in")), ("went", _("Gone out")), ("left_out", _("Left out")),
        ("recalled", _("Coupons recalled")), ("prices", _("Prices begun")),
    )  # fmt: skip
    return [(label, row.result[name]) for name, label in names if isinstance(row.result.get(name), int)]
