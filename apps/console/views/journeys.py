"""Journeys: the list, a new one, its page, and what starts, pauses, moves and ends it."""

from datetime import timedelta
from secrets import token_hex
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.care.journeys import approving, comparing, drafting, editing, shaping
from apps.care.models import Enrolment, Journey, JourneyVersion
from apps.console import asked, journey_changes, journey_page
from apps.console import journey_words as words
from apps.core import clock
from apps.core.errors import DomainError, ValidationFailed
from apps.core.models import Approval

SHOWN = 200
BEGINNING: dict[str, Any] = {
    "entry": {"kind": "trigger", "trigger": "stage_entered", "params": {"stage": "lapsing", "window_days": 14}},
    "again": {"kind": "after", "days": 60}, "ends": [{"when": {"kind": "order"}, "is_goal": True}], "holdout_percent": 10,
    "nodes": [shaping.END],
}  # fmt: skip


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    text = " ".join(request.GET.get("q", "").replace("\0", "").split())[:60]
    state = asked.one_of(request, name="state", allowed=set(Journey.Status.values))
    found = Journey.objects.order_by("priority", "-id")
    if state:
        found = found.filter(status=state)
    if text:
        found = found.filter(Q(name__icontains=text) | Q(key__icontains=text))
    rows, brand = list(found[:SHOWN]), words.Brand()
    counts = _counts([row.pk for row in rows])
    facts = {
        "rows": [
            {"journey": row, "tone": journey_page.TONES.get(row.status, ""), "entry": words.entry(shaping.normal(row.draft), brand)}
            | counts.get(row.pk, {"walking": 0, "entered": 0})
            for row in rows
        ],
        "q": text,
        "state": state,
        "states": [("", _("All"), state == ""), *((one.value, one.label, state == one.value) for one in Journey.Status)],
        "is_narrowed": bool(text or state),
        "may_edit": request.access.can("journeys.edit"),  # type: ignore[attr-defined]
    }  # fmt: skip
    return render(request, "console/journeys.html", facts)


def _counts(keys: list[int]) -> dict[int, dict[str, int]]:
    since = clock.now() - timedelta(days=30)
    found = (
        Enrolment.objects.filter(journey_id__in=keys)
        .values("journey_id")
        .annotate(
            walking=Count("pk", filter=Q(ended_at=None)), entered=Count("pk", filter=Q(entered_at__gte=since))
        )
    )  # fmt: skip
    return {row["journey_id"]: {"walking": row["walking"], "entered": row["entered"]} for row in found}


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A name is enough; with `of`, a copy of another one's draft."""
    name = " ".join(request.POST.get("name", "").replace("\0", "").split())[:60]
    of = Journey.objects.filter(key=request.POST.get("of") or request.GET.get("of", "")).first()
    if request.method == "POST" and name:
        key = f"{slugify(name)[:22] or 'journey'}-{token_hex(3)}"
        made = (
            drafting.create_copy(of=of, key=key, name=name) if of else editing.create(key=key, name=name, draft=BEGINNING)
        )  # fmt: skip
        return redirect("console:journey", made.key)
    facts = {
        "of": of,
        "others": Journey.objects.order_by("name")[:SHOWN],
        "name": name or (_("%(name)s, copy") % {"name": of.name} if of else ""),
        "said": _("A name is needed.") if request.method == "POST" else "",
    }
    return render(request, "console/journey_new.html", facts, status=422 if request.method == "POST" else 200)


@require_safe
def journey(request: HttpRequest, key: str) -> HttpResponse:
    row = journey_page.found(key)
    opened = request.GET.get("open", "")[:24]
    return render(request, "console/journey.html", journey_page.facts(request, row, opened=opened))


@require_safe
def canvas(request: HttpRequest, key: str) -> HttpResponse:
    row = journey_page.found(key)
    return render(request, "console/journey_canvas.html", journey_page.facts(request, row))


@require_safe
def changes(request: HttpRequest, key: str) -> HttpResponse:
    """The draft against the running version, or two versions (`from`, `to`)."""
    row = journey_page.found(key)
    draft = journey_page.with_defaults(shaping.normal(row.draft))
    before = _version(row, request.GET.get("from", ""), row.version)
    after = _version(row, request.GET.get("to", ""), 0)
    target, brand = after.graph if after else draft, words.Brand()
    facts: dict[str, Any] = {
        "journey": row,
        "before": before,
        "after": after,
        "versions": row.versions.select_related("published_by__staff").order_by("-number")[:SHOWN],
    }
    if before:
        found = comparing.difference(before.graph, target)
        facts["parts"] = journey_changes.parts(found, before=before.graph, after=target, brand=brand)
    return render(request, "console/journey_changes.html", facts)


@require_POST
def publish(request: HttpRequest, key: str) -> HttpResponse:
    """Live at once, or before a second person when it reaches many. What is wrong keeps it back and is named at its step."""
    row = journey_page.found(key)
    try:
        made = approving.publish(journey_id=row.pk, user_id=request.user.pk or 0)
    except ValidationFailed:
        messages.error(request, _("Not published. The marked steps need to be put right first."))
        return render(request, "console/journey.html", journey_page.facts(request, row), status=422)
    except DomainError as refusal:
        messages.error(request, str(refusal.title))
        return redirect("console:journey", key)
    if isinstance(made, Approval):
        members = f"{made.params['members']:,}"
        messages.success(
            request, _("This reaches %(count)s members: a second person has to agree.") % {"count": members}
        )
    else:
        messages.success(
            request, _("Version %(number)s of “%(name)s” is live.") % {"number": made.number, "name": row.name}
        )
    return redirect("console:journey", key)


@require_POST
def pause(request: HttpRequest, key: str) -> HttpResponse:
    row = journey_page.found(key)
    return _done(request, row, editing.pause, _("“%(name)s” is paused. Nobody enters, nobody takes a step."))


@require_POST
def resume(request: HttpRequest, key: str) -> HttpResponse:
    row = journey_page.found(key)
    return _done(request, row, editing.resume, _("“%(name)s” goes on."))


@require_POST
def stop(request: HttpRequest, key: str) -> HttpResponse:
    row = journey_page.found(key)
    counts = journey_page.figures(row)
    said = _("“%(name)s” is stopped for good. %(waiting)s waiting messages were called off.")
    return _done(request, row, editing.stop, said, waiting=f"{counts['waiting']:,}")


@require_POST
def move(request: HttpRequest, key: str) -> HttpResponse:
    row = journey_page.found(key)
    try:
        count = editing.move(journey_id=row.pk)
    except DomainError as refusal:
        messages.error(request, str(refusal.title))
    else:
        said = ngettext(
            "%(count)s member goes on by the newest version.", "%(count)s members go on by the newest version.", count
        )
        messages.success(request, said % {"count": f"{count:,}"})
    return redirect("console:journey", key)


@require_POST
def rename(request: HttpRequest, key: str) -> HttpResponse:
    """Name and rank; who walks notices nothing."""
    row = journey_page.found(key)
    name = " ".join(request.POST.get("name", "").replace("\0", "").split())[:60]
    rank = request.POST.get("priority", "")
    if not name or not (rank.isascii() and rank.isdigit() and int(rank[:6]) <= 9999):
        messages.error(request, _("A name and a rank from 0 to 9,999 are needed."))
    else:
        drafting.rename(journey_id=row.pk, name=name, priority=int(rank))
        messages.success(request, _("Saved."))
    return redirect("console:journey", key)


def _done(request: HttpRequest, row: Journey, act: Any, said: str, **more: str) -> HttpResponse:
    try:
        act(journey_id=row.pk)
    except DomainError as refusal:
        messages.error(request, str(refusal.title))
    else:
        messages.success(request, said % ({"name": row.name} | more))
    return redirect("console:journey", row.key)


def _version(row: Journey, text: str, otherwise: int) -> JourneyVersion | None:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else otherwise
    return row.versions.filter(number=number).first()
