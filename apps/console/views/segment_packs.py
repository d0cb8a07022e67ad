"""Audience packs: hashes of members who allow it, for advertising elsewhere; asked for with a reason, each with a record."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.analytics import exports
from apps.console import asked
from apps.core import clock, jobs
from apps.core.errors import ValidationFailed
from apps.core.models import Approval, Job
from apps.segments.models import Pack, Segment
from apps.segments.packs import making
from apps.segments.packs.making import Wanted

SHOWN = 30
BUYERS = "buyers"


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    facts: dict[str, Any] = {"typed": _typed(request), "errors": {}}
    if request.method == "POST":
        try:
            made = making.ask(wanted=_wanted(facts["typed"]), reason=facts["typed"]["reason"], access=request.access)  # type: ignore[attr-defined]
        except ValidationFailed as refusal:
            found: Any = refusal.facts["errors"]
            facts["errors"] = {error["pointer"][1:]: error["message"] for error in found}
        else:
            if isinstance(made, Job):
                return redirect("console:work", jobs.public_id(made))
            said = _("This pack may hold %(count)s members: a second person has to agree.")
            messages.success(request, said % {"count": f"{made.params['members']:,}"})
            return redirect("console:segment_packs")
    moment, sources = clock.now(), Segment.objects.filter(archived_at=None).order_by("name", "pk")
    facts |= {
        "uses": Pack.Use.choices,
        "kinds": Pack.Ids.choices,
        "sources": list(sources.values_list("key", "name")),
        "recipients": making.recipients(),
        "allowing": making.allowing(moment=moment),
        "least": settings.PACK_LEAST_MEMBERS,
        "days": exports.KEPT_FOR.days,
        "waiting": Approval.objects.filter(kind=making.KIND, state=Approval.State.WAITING).order_by("-pk")[:SHOWN],
        "packs": Pack.objects.select_related("segment", "by__staff", "job").order_by("-pk")[:SHOWN],
    }
    return render(request, "console/segment_packs.html", facts, status=422 if facts["errors"] else 200)


def _typed(request: HttpRequest) -> dict[str, str]:
    """The form as typed, or as it begins."""
    if request.method != "POST":
        source = asked.one_of(request, name="segment", allowed=Segment.objects.values_list("key", flat=True))
        return {
            "use": Pack.Use.SEED,
            "ids": Pack.Ids.PHONE,
            "source": source,
            "days": "30",
            "recipient": "",
            "reason": "",
        }
    names = ("use", "ids", "source", "days", "recipient", "reason")
    return {name: request.POST.get(name, "").replace("\0", "")[:200] for name in names}


def _wanted(typed: dict[str, str]) -> Wanted:
    """Of segments and days that there are not, none."""
    is_buyers, days = typed["source"] == BUYERS, typed["days"]
    key = Segment.objects.filter(key=typed["source"]).values_list("pk", flat=True).first() if not is_buyers else None
    return Wanted(
        use=typed["use"],
        ids=typed["ids"],
        recipient=typed["recipient"],
        segment_id=key,
        days=int(days) if is_buyers and days.isascii() and days.isdigit() and len(days) < 5 else None,
    )
