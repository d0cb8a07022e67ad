"""Life tracks: the list, one with its steps and who stands on them, and the places of a member."""

from datetime import date
from secrets import token_hex
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.console import charts, people, track_form
from apps.console.charts import svg
from apps.core import clock
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.segments.models import Placement, Track
from apps.segments.tracks import selectors, services

EDIT = "segments.edit"


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    tracks = list(Track.objects.all())
    counted = selectors.members_of(tracks)
    rows = [
        {
            "track": one,
            "name": selectors.in_words(one),
            "steps": [selectors.in_words(step) for step in one.steps],
            "members": counted.get(one.pk, 0),
        }
        for one in tracks
    ]
    return render(request, "console/tracks.html", {"rows": rows, "may_edit": _may_edit(request)})


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    form, rows = track_form.TrackForm(request.POST or None), track_form.StepSet(request.POST or None, prefix="steps")
    if request.method == "POST" and form.is_valid() and rows.is_valid():
        said = form.said(track_form.steps_of(rows))
        key = (slugify(said["name_en"] or said["name"]) or "track")[:30] + "-" + token_hex(3)
        try:
            made = services.create(key=key, **said)
        except ValidationFailed as refusal:
            track_form.show(form, rows, refusal.facts["errors"])
        else:
            messages.success(request, _("Made “%(name)s”") % {"name": made.name})
            return redirect("console:track", made.key)
    return _page(request, None, form, rows)


@require_safe
def track(request: HttpRequest, track: str) -> HttpResponse:
    row = _found(track)
    form = track_form.TrackForm(initial=track_form.initial(row))
    return _page(request, row, form, track_form.StepSet(initial=row.steps, prefix="steps"))


@require_POST
def save(request: HttpRequest, track: str) -> HttpResponse:
    row = _found(track)
    form = track_form.TrackForm(request.POST)
    rows = track_form.StepSet(request.POST, initial=row.steps, prefix="steps")
    if form.is_valid() and rows.is_valid():
        try:
            services.change(track_id=row.pk, **form.said(track_form.steps_of(rows)))
        except ValidationFailed as refusal:
            track_form.show(form, rows, refusal.facts["errors"])
        else:
            messages.success(request, _("Changed “%(name)s”") % {"name": form.cleaned_data["name"]})
            return redirect("console:track", row.key)
    return _page(request, _found(track), form, rows)


@require_POST
def archive(request: HttpRequest, track: str) -> HttpResponse:
    row = _found(track)
    is_back = request.POST.get("do") == "bring_back"
    services.set_archived(track_id=row.pk, is_archived=not is_back)
    said = _("“%(name)s” takes members in again.") if is_back else _("“%(name)s” takes nobody in any more.")
    messages.success(request, said % {"name": row.name})
    return redirect("console:track", row.key)


@require_http_methods(["GET", "HEAD", "POST"])
def of_member(request: HttpRequest, member: str) -> HttpResponse:
    """The member's places as a card; POST places, corrects, or lets go."""
    row = people.one(request, member, permission="members.edit")
    facts: dict[str, Any] = {"public_id": member, "may_edit": True, "is_open": True}
    if request.method == "POST":
        try:
            _act(request, row.pk)
        except DomainError as refusal:
            errors: Any = refusal.facts.get("errors") or ()
            facts["error"] = " ".join(str(one["message"]) for one in errors) or str(refusal)
        else:
            facts["is_open"] = False
        if not request.htmx and not facts.get("error"):  # type: ignore[attr-defined]
            return redirect("console:member", member)
    return render(request, "console/_member_tracks.html", facts | card(row.pk))


def card(member_id: int) -> dict[str, object]:
    """What the member's page shows of life tracks."""
    open_ones = Track.objects.filter(archived_at=None)
    return {
        "places": selectors.of_member(member_id),
        "tracks": [(one.key, selectors.in_words(one), selectors.in_words(one, "anchor")) for one in open_ones],
    }


def _act(request: HttpRequest, member_id: int) -> None:
    what, _colon, key = request.POST.get("do", "").partition(":")
    if what == "leave":
        services.leave(member_id=member_id, placement_id=_number(key))
    elif what == "correct":
        services.correct(member_id=member_id, placement_id=_number(key), anchor_on=_day(request, f"day-{key}"))
    else:
        services.place(
            member_id=member_id,
            track_id=_found(request.POST.get("track", "")).pk,
            anchor_on=_day(request, "day"),
            source=Placement.Source.STAFF,
            is_agreed="is_agreed" in request.POST,
        )


def _day(request: HttpRequest, name: str) -> date:
    try:
        return date.fromisoformat(request.POST.get(name, ""))
    except ValueError as wrong:
        error = {"pointer": "/anchor_on", "code": "not_a_date", "message": _("Enter a day.")}
        raise ValidationFailed(errors=[error]) from wrong


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound
    return int(text)


def _page(request: HttpRequest, row: Track | None, form: track_form.TrackForm, rows: Any) -> HttpResponse:
    facts: dict[str, Any] = {"track": row, "form": form, "steps": rows, "may_edit": _may_edit(request)}
    if row is not None:
        standing = selectors.standings(row, moment=clock.now())
        facts |= {"name": selectors.in_words(row), "chart": _chart(standing), "standing": standing}
    return render(request, "console/track.html", facts, status=422 if form.errors or rows.total_error_count() else 200)


def _chart(standing: list[selectors.Standing]) -> charts.ReasonBars:
    members = sum(one.members for one in standing)
    outside = {selectors.BEFORE: _("Before the first step"), selectors.AFTER: _("After the end")}
    fullest = max(standing, key=lambda one: one.members)
    title = _("Who stands where")
    if members:
        title = _("Most members, %(count)s, stand on “%(step)s”") % {
            "count": svg.number(fullest.members),
            "step": fullest.name or outside[fullest.key],
        }
    return charts.ReasonBars(
        key="standing",
        title=title,
        subtitle=_("Members on each step; one with two children counts on both"),
        unit=pgettext("chart", "members"),
        head=_("Step"),
        reasons=tuple(charts.Reason(label=one.name or outside[one.key], value=one.members) for one in standing),
        colour="brand",
        size="m",
        as_of=clock.now(),
        empty_title=_("Nobody stands on this track yet"),
        empty_text=_("Place a member on the member's page, or let members say the day themselves."),
    )


def _found(key: str) -> Track:
    row = Track.objects.filter(key=key).first()
    if row is None:
        raise NotFound
    return row


def _may_edit(request: HttpRequest) -> bool:
    return bool(request.access.can(EDIT))  # type: ignore[attr-defined]
