"""Live streams: the week, one stream with its form and steps, moving with conflicts shown first, rooms and hosts, pieces in stores."""

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.console import asked, people, scope
from apps.console.live_form import LiveForm, in_words, initial, moment_of
from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound
from apps.livestream import joining, planning, selectors
from apps.livestream.models import Host, Platform, Reservation, Room, Stream, Subscription

PREFIX, PIECE = "liv", "lvr"
EDIT = "live.edit"
_EVENING = timedelta(hours=20)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The week of `?day=`."""
    today = clock.local_date(clock.now())
    chosen = asked.a_date(request, name="day") or today
    if not date(2000, 1, 1) <= chosen <= date(2100, 1, 1):
        raise NotFound
    monday = chosen - timedelta(days=chosen.weekday())
    days = [monday + timedelta(days=n) for n in range(7)]
    rows = list(selectors.between(start=clock.day_start(days[0]), end=clock.day_end(days[-1])))
    days_rows = [shown(row) for row in rows]
    cells = [
        {"day": day, "is_today": day == today, "rows": [one for one in days_rows if one["day"] == day]} for day in days
    ]
    facts = {
        "cells": cells, "full": [cell for cell in cells if cell["rows"]], "first": days[0], "last": days[-1], "today": today,
        "earlier": monday - timedelta(days=7), "later": monday + timedelta(days=7), "may_edit": may(request),
        "is_ready": Room.objects.filter(is_active=True).exists() and Host.objects.filter(is_active=True).exists(),
    }  # fmt: skip
    return render(request, "console/live_week.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    day = asked.a_date(request, name="day") or clock.local_date(clock.now()) + timedelta(days=1)
    start = {"starts": clock.local(clock.day_start(day) + _EVENING), "minutes": 120}
    form = LiveForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        try:
            row = planning.plan(wanted=form.wanted(), user_id=request.user.pk)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("“%(title)s” is planned.") % {"title": row.title})
            return redirect("console:live_stream", ids.encode(PREFIX, row.pk))
    return render(request, "console/live_new.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def stream(request: HttpRequest, stream: str) -> HttpResponse:
    """What it is, who waits for it, its form."""
    row = found(stream)
    if request.method == "POST" and not may(request):
        raise NotFound
    form = LiveForm(request.POST or None, initial=initial(row))
    if request.method == "POST" and form.is_valid():
        try:
            planning.change(
                stream_id=row.pk, revision=form.cleaned_data["revision"] or row.revision, wanted=form.wanted()
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Saved."))
            return redirect("console:live_stream", stream)
    facts = shown(row) | {
        "form": form, "may_edit": may(request) and row.state in planning.ON, "steps": planning.MOVES[row.state],
        "waiting": Subscription.objects.filter(stream=row, ended_at=None).count(),
        "pieces": Reservation.objects.filter(product__stream=row, state=Reservation.State.OPEN).count(),
        "parts": selectors.products(stream_ids=[row.pk]).get(row.pk, []),
        "ics": request.build_absolute_uri(reverse("live_one", args=[stream])),
    }  # fmt: skip
    return render(request, "console/live_stream.html", facts, status=422 if form.errors else 200)


@require_POST
def conflicts(request: HttpRequest) -> HttpResponse:
    """What is in the way of what the form says now; nothing is kept."""
    given = request.POST
    start, minutes = moment_of(given.get("starts", "")), given.get("minutes", "")
    room, host = (
        int(text) if text.isascii() and text.isdigit() else None
        for text in (given.get("room", ""), given.get("host", ""))
    )
    known = start is not None and minutes.isascii() and minutes.isdigit() and 0 < len(minutes) <= 4
    there = _in_the_way(room, host, start, int(minutes), _except(given.get("stream", ""))) if known and start else None
    return render(request, "console/_live_conflicts.html", {"there": there, "is_asked": known})


@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, stream: str) -> HttpResponse:
    """GET: what another beginning would mean (`?day=` keeps the time, `?at=` is both). POST: it is moved."""
    row = found(stream)
    start = _new_start(row, request.POST if request.method == "POST" else request.GET)
    if request.method == "POST":
        revision = request.POST.get("revision", "")
        try:
            planning.move(
                stream_id=row.pk,
                revision=int(revision) if revision.isascii() and revision.isdigit() else 0,
                starts_at=start,
            )
        except DomainError as refusal:
            people.complain(request, refusal)
        else:
            told = {"title": row.title, "at": f"{clock.local(start):%m-%d %H:%M}"}
            messages.success(request, _("“%(title)s” now begins %(at)s.") % told)
        return redirect(f"{reverse('console:live')}?day={clock.local_date(start)}")
    length = row.ends_at - row.starts_at
    there = _in_the_way(row.room_id, row.host_id, start, int(length.total_seconds() // 60), row.pk)
    facts = shown(row) | {
        "start": start, "end": start + length, "there": there, "is_same": start == row.starts_at, "revision": row.revision,
        "waiting": Subscription.objects.filter(stream=row, ended_at=None).count(), "is_past": start < clock.now(),
    }  # fmt: skip
    return render(request, "console/live_move.html", facts)


@require_POST
def turn(request: HttpRequest, stream: str, to: str) -> HttpResponse:
    row = found(stream)
    try:
        if to not in Stream.State.values:
            raise NotFound
        planning.turn(stream_id=row.pk, to=to)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        words = {"title": row.title, "state": Stream.State(to).label}
        messages.success(request, _("“%(title)s”: %(state)s.") % words)
    return redirect("console:live_stream", stream)


@require_http_methods(["GET", "HEAD", "POST"])
def places(request: HttpRequest) -> HttpResponse:
    """Rooms and hosts: seen, added."""
    if request.method == "POST":
        given = request.POST
        try:
            if given.get("do") == "host":
                planning.add_host(name=given.get("name", ""))
            else:
                planning.add_room(
                    platform=given.get("platform", ""), name=given.get("name", ""), url=_address(given.get("url", ""))
                )
        except DomainError as refusal:
            people.complain(request, refusal)
        else:
            messages.success(request, _("Added."))
        return redirect("console:live_places")
    facts = {
        "rooms": Room.objects.select_related("platform").order_by("platform__place", "name"),
        "hosts": Host.objects.order_by("name"),
        "platforms": Platform.objects.order_by("place"),
        "may_edit": may(request),
    }
    return render(request, "console/live_places.html", facts)


@require_safe
def pieces(request: HttpRequest) -> HttpResponse:
    """What waits in the reader's stores to be tried on, by day."""
    where = scope.of(request, permission="live.pieces")
    rows = Reservation.objects.filter(state=Reservation.State.OPEN).select_related(
        "member", "store", "product__product", "product__stream"
    )
    if where.ids is not None:
        rows = rows.filter(store_id__in=where.ids)
    waiting = [{"row": row, "id": ids.encode(PIECE, row.pk)} for row in rows.order_by("visit_on", "pk")[:200]]
    return render(request, "console/live_pieces.html", {"rows": waiting, "stores": where.options})


@require_POST
def piece(request: HttpRequest, piece: str) -> HttpResponse:
    """The member came and tried it on, or it goes back."""
    allowed = request.access.store_ids("live.pieces")  # type: ignore[attr-defined]
    row = Reservation.objects.filter(pk=ids.decode(PIECE, piece)).first()
    if row is None or (allowed is not None and row.store_id not in allowed):
        raise NotFound
    state = Reservation.State.CANCELLED if request.POST.get("do") == "back" else Reservation.State.TRIED
    try:
        joining.settle(reservation_id=row.pk, state=state)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("Noted."))
    return redirect("console:live_pieces")


def shown(row: Stream) -> dict[str, Any]:
    return {
        "row": row, "public_id": ids.encode(PREFIX, row.pk), "day": clock.local_date(row.starts_at),
        "from": f"{clock.local(row.starts_at):%H:%M}", "until": f"{clock.local(row.ends_at):%H:%M}",
        "is_planned": row.state == Stream.State.PLANNED, "is_gone": row.state in ("cancelled", "expired"),
    }  # fmt: skip


def found(public_id: str) -> Stream:
    rows = Stream.objects.select_related("room__platform", "host", "code")
    row = rows.filter(pk=ids.decode(PREFIX, public_id)).first()
    if row is None:
        raise NotFound
    return row


def _in_the_way(
    room: int | None, host: int | None, start: datetime, minutes: int, except_id: int | None
) -> list[dict[str, Any]]:
    end = start + timedelta(minutes=minutes)
    there = planning.conflicts(room_id=room, host_id=host, starts_at=start, ends_at=end, except_id=except_id)
    return in_words(there, room_id=room)


def _except(public_id: str) -> int | None:
    return ids.decode(PREFIX, public_id) if public_id else None


def _new_start(row: Stream, given: Any) -> datetime:
    """Dropped on a day it keeps its time; typed, both are given; nothing that can be read: as it is."""
    try:
        day = date.fromisoformat(given.get("day", ""))
    except ValueError:
        return moment_of(given.get("at", "")) or row.starts_at
    was = clock.local(row.starts_at)
    return datetime.combine(day, was.timetz())


def _address(text: str) -> str:
    return text.strip()[:300] if text.strip().startswith("https://") else ""


def may(request: HttpRequest) -> bool:
    return bool(request.access.can(EDIT))  # type: ignore[attr-defined]
