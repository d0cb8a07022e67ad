"""What members bring along from another system as files: rehearse, take in, ask a second person, watch it arrive in the books."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from apps.console import people, uploads
from apps.console.uploads import OpeningsForm
from apps.core import ids, jobs, reasons
from apps.core.errors import DomainError
from apps.core.models import Approval
from apps.coupons import openings
from apps.members.imports.job import KIND as IMPORT
from apps.points import adjusting, bringing
from apps.points.openings import KIND as TAKING
from apps.stores.models import Staff

PREFIX = "imp"


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    form = OpeningsForm(request.POST or None, request.FILES or None, initial={"mode": "dry", "source": "import"})
    if request.method == "POST" and form.is_valid():
        path = uploads.keep(form.cleaned_data["file"])
        job = jobs.start(kind=IMPORT, params=form.params(path), user_id=request.user.pk)
        return redirect("console:work", jobs.public_id(job))
    staff = Staff.objects.get(pk=request.access.staff_id)  # type: ignore[attr-defined]
    facts = {
        "form": form,
        "limit": uploads.limit(),
        "files": bringing.files(),
        "allowed": adjusting.limits(staff.role)["day"],
        "used": adjusting.granted_today(staff_id=staff.pk),
        "at_work": jobs.live(TAKING),
        "coupon_files": openings.files(),
    }
    return render(request, "console/openings.html", facts, status=422 if form.errors else 200)


@require_POST
def hand_in(request: HttpRequest, file: str) -> HttpResponse:
    """For files that came through the shell, and questions that nobody answered in time."""

    def is_waiting() -> bool:
        handed = bringing.hand_in(import_id=ids.decode(PREFIX, file), user_id=request.user.pk)  # type: ignore[arg-type]
        return handed is not None and handed.released_at is None

    return _handed(request, is_waiting)


@require_POST
def coupons_in(request: HttpRequest, file: str) -> HttpResponse:
    """The coupons of a file: issued at once, or put before a second person; what waited for a name is tried again."""

    def is_waiting() -> bool:
        handed = openings.hand_in(import_id=ids.decode(PREFIX, file), user_id=request.user.pk)  # type: ignore[arg-type]
        return isinstance(handed, Approval)

    return _handed(request, is_waiting)


def _handed(request: HttpRequest, hand_in: Callable[[], bool]) -> HttpResponse:
    """`hand_in` says whether it waits for a second person."""
    try:
        is_waiting = hand_in()
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        if is_waiting:
            messages.info(request, _("Over your limit: it waits under Approvals until a second person agrees."))
        else:
            messages.success(request, _("Within your limit: it is being taken over."))
    return redirect("console:openings")


@require_POST
def coupons_back(request: HttpRequest, file: str) -> HttpResponse:
    """The file was wrong: its unused coupons are recalled."""
    note = reasons.said(request.POST.get("reason", ""))
    if not note:
        messages.error(request, _("Say why, in a few words."))
        return redirect("console:openings")
    recalled = openings.undo(import_id=ids.decode(PREFIX, file), by=request.user, note=note)  # type: ignore[arg-type]
    text = ngettext("%(n)s unused coupon recalled.", "%(n)s unused coupons recalled.", recalled)
    messages.success(request, text % {"n": recalled})
    return redirect("console:openings")
