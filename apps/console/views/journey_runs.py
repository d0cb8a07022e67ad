"""Two pages of a journey: how it goes (steps, results, who walks), and a rehearsal of its draft."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.care.journeys import editing, entering, quarantine
from apps.care.models import Enrolment, Journey
from apps.console import asked, journey_page, journey_runs, journey_words
from apps.core import audit, clock, csv_files, ids
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.members import selectors as members

WALKS = 50
DAYS = ("0", "1", "7", "30")


@require_safe
def going(request: HttpRequest, key: str) -> HttpResponse:
    row = journey_page.found(key)
    version = row.versions.filter(number=row.version).first()
    text = _text(request.GET.get("q", ""))
    state = asked.one_of(request, name="state", allowed={"walking", *Enrolment.Ending.values})
    facts: dict[str, Any] = {
        "journey": row, "tone": journey_page.TONES.get(row.status, ""), "version": version, "q": text,
        "is_narrowed": bool(text or state),
        "may_run": request.access.can("journeys.run"),  # type: ignore[attr-defined]
        "states": [
            ("", _("All"), state == ""), ("walking", journey_runs.ending_words("walking"), state == "walking"),
            *((one.value, one.label, state == one.value) for one in Enrolment.Ending),
        ],
    }  # fmt: skip
    if version is not None:
        facts |= journey_runs.going(row, version, moment=clock.now())
        facts["walks"] = _walks(row, text=text, state=state)
        facts["trouble"] = journey_runs.trouble(row)
    return render(request, "console/journey_going.html", facts)


@require_safe
def csv(request: HttpRequest, key: str) -> HttpResponse:
    """The figures of the page as a file."""
    row = journey_page.found(key)
    version = row.versions.filter(number=row.version).first()
    if version is None:
        raise NotFound
    rows = journey_runs.figures_sheet(row, version, moment=clock.now())
    return csv_files.response(name=f"{row.key}.csv", headers=[_("Step"), _("What is counted"), _("Members")], rows=rows)


def _walks(row: Journey, *, text: str, state: str) -> list[dict[str, Any]]:
    found = Enrolment.objects.filter(journey=row).select_related("member", "version").order_by("-id")
    if state == "walking":
        found = found.filter(ended_at=None)
    elif state:
        found = found.filter(ending=state)
    if text:
        found = found.filter(member_id__in=members.search(text=text, limit=WALKS).member_ids)
    titles: dict[int, dict[str, str]] = {}
    rows = []
    for walk in found[:WALKS]:
        known = titles.setdefault(
            walk.version_id, {raw["key"]: journey_words.title(raw) for raw in walk.version.graph["nodes"]}
        )
        rows.append(
            {
                "walk": walk,
                "step": known.get(walk.node, walk.node),
                "ending": journey_runs.ending_words(walk.ending or "walking"),
            }
        )
    return rows


@require_POST
def put_in(request: HttpRequest, key: str) -> HttpResponse:
    """One member, by number, card or phone."""
    row = journey_page.found(key)
    found = members.search(text=_text(request.POST.get("member", "")), limit=2).member_ids
    if len(found) != 1:
        messages.error(request, _("Exactly one member has to be meant: give a member number, a card or a phone."))
        return redirect("console:journey_going", key)
    occurrence = f"hand:{clock.now():%Y%m%d%H%M%S}"
    try:
        entered = entering.put_in(journey_key=row.key, member_ids=list(found), occurrence=occurrence)
    except DomainError as refusal:
        messages.error(request, str(refusal.title))
    else:
        if entered:
            messages.success(request, _("The member walks from now on."))
        else:
            messages.warning(
                request, _("The journey is not for this member now: its audience, or how often one may enter.")
            )
    return redirect("console:journey_going", key)


@require_POST
def take_out(request: HttpRequest, key: str, walk: str) -> HttpResponse:
    row = journey_page.found(key)
    found = Enrolment.objects.filter(journey=row, pk=ids.decode("enr", walk)).first()
    if found is None:
        raise NotFound
    editing.take_out(enrolment_id=found.pk)
    messages.success(request, _("Taken out. What waited for this member is not sent."))
    return redirect("console:journey_going", key)


@require_POST
def put_back(request: HttpRequest, key: str, walk: str) -> HttpResponse:
    """A walk that was set aside because it ended our worker tries its step again."""
    row = journey_page.found(key)
    found = Enrolment.objects.filter(journey=row, pk=ids.decode("enr", walk)).first()
    if found is None:
        raise NotFound
    quarantine.put_back(enrolment_id=found.pk)
    messages.success(request, _("It tries again with the next tick."))
    return redirect("console:journey_going", key)


@require_POST
def wake(request: HttpRequest, key: str) -> HttpResponse:
    """Steps that rest because they ended our workers try again, one walk at a time."""
    row = journey_page.found(key)
    if quarantine.wake(journey_id=row.pk):
        messages.success(request, _("It tries again with the next tick, one member at a time."))
    return redirect("console:journey_going", key)


@require_http_methods(["GET", "HEAD", "POST"])
def trial(request: HttpRequest, key: str) -> HttpResponse:
    """A POST rehearses the draft: everybody, or with `member` one member's whole walk. As a file with `file`."""
    row = journey_page.found(key)
    text, days = _text(request.POST.get("member", "")), request.POST.get("days", "0")
    days = days if days in DAYS else "0"
    facts: dict[str, Any] = {
        "journey": row, "tone": journey_page.TONES.get(row.status, ""), "q": text, "days": days,
        "spans": [(one, _span(int(one)), days == one) for one in DAYS],
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "console/journey_trial.html", facts)
    try:
        if "file" in request.POST:
            return _file(row, days=int(days))
        facts |= _one(row, text) if text else {"trial": journey_runs.trial(row, moment=clock.now(), days=int(days))}
    except ValidationFailed as refusal:
        facts["refusals"] = refusal.facts["errors"]
    except DomainError as refusal:
        facts["refusals"] = [{"pointer": "", "message": str(refusal.title)}]
    return render(request, "console/journey_trial.html", facts)


def _one(row: Journey, text: str) -> dict[str, Any]:
    found = members.search(text=text, limit=2).member_ids
    if len(found) != 1:
        return {"said": _("Exactly one member has to be meant: give a member number, a card or a phone.")}
    member = members.card(found[0])
    return {"path": journey_runs.path(row, member_id=found[0], moment=clock.now()), "member": member}


def _span(days: int) -> str:
    if days <= 1:
        return _("The next 24 hours") if days else _("Right now")
    return _("The next %(days)s days") % {"days": days}


def _file(row: Journey, *, days: int) -> HttpResponse:
    """Every step that would be taken, with who would not get what and why."""
    rows = journey_runs.sheet(row, moment=clock.now(), days=days)
    audit.record("journey.rehearsal_fetched", object_type="journey", object_id=row.pk, after={"steps": len(rows)})
    headers = [_("Time"), _("Member number"), _("Name"), _("Step"), _("What comes of it"), _("Channel"), _("Text")]
    return csv_files.response(name=f"{row.key}-dry-run.csv", headers=headers, rows=rows)


def _text(text: str) -> str:
    return " ".join(text.replace("\0", "").split())[:60]
