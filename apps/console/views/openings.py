"""What members bring along from another system as files: rehearse, take in, ask a second person, watch it arrive in the books."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.console import people, uploads
from apps.console.uploads import OpeningsForm
from apps.core import ids, jobs
from apps.core.errors import DomainError
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
    }
    return render(request, "console/openings.html", facts, status=422 if form.errors else 200)


@require_POST
def hand_in(request: HttpRequest, file: str) -> HttpResponse:
    """For files that came through the shell, and questions that nobody answered in time."""
    try:
        handed = bringing.hand_in(import_id=ids.decode(PREFIX, file), user_id=request.user.pk)  # type: ignore[arg-type]
    except DomainError as refusal:
        people.complain(request, refusal)
        return redirect("console:openings")
    if handed is None or handed.released_at:
        messages.success(request, _("Within your limit: it is being taken over."))
    else:
        messages.info(request, _("Over your limit: it waits under Approvals until a second person agrees."))
    return redirect("console:openings")
