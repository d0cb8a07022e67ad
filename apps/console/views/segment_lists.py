"""Lists of members: made from a file or by hand, changed the same ways, the last file undone."""

from secrets import token_hex
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from apps.console import people, segment_page, uploads
from apps.console.uploads import ListForm, NewListForm
from apps.core import ids, jobs
from apps.core.errors import DomainError, NotFound
from apps.core.models import Job
from apps.members import selectors as members
from apps.members.models import Member
from apps.segments import defining, seen
from apps.segments.lists import run
from apps.segments.lists.job import KIND, PERMISSION
from apps.segments.models import Segment, Upload

SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """With a file the list is made when that is taken in; without one it begins empty."""
    form = NewListForm(request.POST or None, request.FILES or None, initial={"mode": "dry"})
    if request.method != "POST" or not form.is_valid():
        facts = {"form": form, "limit": uploads.limit()}
        return render(request, "console/segment_list_new.html", facts, status=422 if form.errors else 200)
    name = form.cleaned_data["name"]
    key = (slugify(name) or "list")[:30] + "-" + token_hex(3)
    if form.cleaned_data["file"]:
        return _begun(request, form, key=key, name=name)
    defining.create_list(key=key, name=name, by_user_id=request.user.pk)
    return redirect("console:segment", key)


@require_POST
def upload(request: HttpRequest, segment: str) -> HttpResponse:
    row = _list(segment)
    form = ListForm(request.POST, request.FILES)
    if form.is_valid():
        return _begun(request, form, segment_id=row.pk)
    return page(request, row, form=form)


@require_POST
def go_live(request: HttpRequest, job: str) -> HttpResponse:
    """Take in the file that its owner rehearsed."""
    row = Job.objects.filter(pk=ids.decode("job", job), kind=KIND, created_by=request.user.pk).first()
    if row is None:
        raise NotFound
    fresh = uploads.go_live(row, user_id=request.user.pk)
    if fresh is None:
        messages.error(request, _("The file is no longer here. Upload it again."))
        return redirect("console:segments")
    return redirect("console:work", jobs.public_id(fresh))


@require_POST
def change(request: HttpRequest, segment: str) -> HttpResponse:
    """One member in or out: by what staff type, or from the member's page by their id."""
    row = _list(segment)
    public = request.POST.get("member", "")
    try:
        member = people.one(request, public, permission=PERMISSION) if public else _typed(request)
        adds = request.POST.get("do") != "remove"
        asked: dict[str, Any] = {"add" if adds else "remove": [member.pk], "member_id": member.pk}
        moved = defining.move(segment_id=row.pk, **asked)
    except DomainError as refusal:
        people.complain(request, refusal)
        return _back(row, public)
    if not moved.build_id:
        said = _("%(member)s is in it already, or is not active.") if adds else _("%(member)s was not in it.")
        messages.info(request, said % {"member": member.member_no})
    else:
        said = _("%(member)s is in “%(name)s” now.") if adds else _("%(member)s is out of “%(name)s”.")
        messages.success(request, said % {"member": member.member_no, "name": row.name})
    return _back(row, public)


@require_POST
def undo(request: HttpRequest, segment: str) -> HttpResponse:
    row = _list(segment)
    try:
        undone = run.undo(segment_id=row.pk)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("What “%(file)s” did is undone.") % {"file": undone.file_name})
    return redirect("console:segment", row.key)


@require_POST
def who(request: HttpRequest, segment: str) -> HttpResponse:
    """Is somebody in it? By what staff typed, within their stores."""
    row, text = _list(segment), request.POST.get("who", "").replace("\0", "").strip()[:60]
    stores = segment_page.stores(request)
    found = members.search(text=text, store_ids=stores, limit=1).member_ids
    facts: dict[str, object] = {"who": text}
    if found:
        since = seen.since(segment_id=row.pk, member_id=found[0], store_ids=stores)
        facts |= {"who_member": Member.objects.get(pk=found[0]), "who_since": since}
    return render(request, "console/_segment_who.html", facts)


def page(request: HttpRequest, row: Segment, form: ListForm | None = None) -> HttpResponse:
    """The page of a list."""
    may_edit = request.access.can(PERMISSION)  # type: ignore[attr-defined]
    last = run.last_upload(row.pk)
    facts = segment_page.growth(request, row) | {
        "segment": row,
        "may_edit": may_edit and row.archived_at is None,
        "form": form or ListForm(initial={"mode": "dry", "how": Upload.How.ADD}),
        "limit": uploads.limit(),
        "uploads": Upload.objects.filter(segment=row).select_related("by__staff").order_by("-id")[:SHOWN],
        "undoes": last.pk if last else None,
        "asking": Segment.objects.filter(asks__contains=[row.pk], archived_at=None),
    }
    return render(request, "console/segment_list.html", facts, status=422 if form else 200)


def _typed(request: HttpRequest) -> Member:
    """Exactly one member by what was typed. Raises NotFound."""
    text = request.POST.get("who", "").replace("\0", "").strip()[:60]
    stores = request.access.store_ids(PERMISSION)  # type: ignore[attr-defined]
    found = members.search(text=text, store_ids=stores, limit=2).member_ids if text else []
    if len(found) != 1:
        raise NobodyMeant
    return Member.objects.get(pk=found[0])


class NobodyMeant(DomainError):
    code = "nobody_meant"
    title = gettext_lazy("Type what names exactly one member, such as the whole member number or phone.")


def _begun(request: HttpRequest, form: ListForm, **more: object) -> HttpResponse:
    params = form.params(uploads.keep(form.cleaned_data["file"])) | more
    return redirect("console:work", jobs.public_id(jobs.start(kind=KIND, params=params, user_id=request.user.pk)))


def _back(row: Segment, public: str) -> HttpResponse:
    if public:
        return redirect("console:member", ids.encode(members.PREFIX, ids.decode(members.PREFIX, public)))
    return redirect("console:segment", row.key)


def _list(key: str) -> Segment:
    row = segment_page.found(key)
    if row.kind != Segment.Kind.LIST or row.archived_at is not None:
        raise NotFound
    return row
