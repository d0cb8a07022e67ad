"""The weekly routine: one guided form that makes all parts, and one report that shows every step."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.community.models import Group
from apps.console import asked, people
from apps.console.week_form import WeekForm
from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound
from apps.coupons import publishing
from apps.flows import live_week, live_week_report
from apps.flows.models import LiveWeek
from apps.stores.models import Store

PREFIX, STREAM = "wek", "liv"
_START: dict[str, Any] = {
    "minutes": 120, "most": 200, "valid_days": 7, "minutes_after": 10, "at_once": 2, "aim": 40, "service_minutes": 30,
}  # fmt: skip


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    rows = LiveWeek.objects.select_related("stream", "template").order_by("-pk")[:52]
    shown = [
        {"row": row, "id": ids.encode(PREFIX, row.pk), "day": clock.local_date(row.stream.starts_at)} for row in rows
    ]
    facts = {"rows": shown, "may_edit": request.access.can("weeks.edit")}  # type: ignore[attr-defined]
    return render(request, "console/weeks.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """All parts at once; a refusal of one part leaves none."""
    day = asked.a_date(request, name="day") or clock.local_date(clock.now()) + timedelta(days=3)
    start = _START | {"starts": clock.local(clock.day_start(day) + timedelta(hours=20))}
    form = WeekForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        try:
            made = live_week.make(wanted=form.week(), user=request.user)  # type: ignore[arg-type]
        except DomainError as refusal:
            form.add_error(None, people.in_words(refusal))
        else:
            said = _("Stream, coupon and booking are made.")
            waits = _(
                "Stream, coupon and booking are made. The coupon counts once another person agrees: see Approvals."
            )
            messages.success(request, waits if made.approval_id else said)
            return redirect("console:week", ids.encode(PREFIX, made.week.pk))
    return render(request, "console/week_new.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
def week(request: HttpRequest, week: str) -> HttpResponse:
    rows = LiveWeek.objects.select_related("stream__host", "stream__room__platform", "template", "service", "live_code")
    row = rows.filter(pk=ids.decode(PREFIX, week)).first()
    if row is None:
        raise NotFound
    moment = clock.now()
    found = live_week_report.report(row, moment=moment)
    most = max([step.people for step in found.steps] or [0])
    facts = {
        "row": row, "found": found, "most": most or 1, "moment": moment, "stream_id": ids.encode(STREAM, row.stream_id),
        "steps": [(_words()[step.key], step) for step in found.steps],
        "groups": list(Group.objects.filter(key__in=row.groups).order_by("id")),
        "stores": list(Store.objects.filter(pk__in=row.stores).order_by("code")),
        "is_waiting": publishing.waiting(template_id=row.template_id) is not None,
        "day": clock.local_date(row.stream.starts_at),
    }  # fmt: skip
    return render(request, "console/week.html", facts)


def _words() -> dict[str, str]:
    return {
        "came": _("Came by the live code"), "joined": _("Are in the groups"), "asked": _("Want to be reminded"),
        "reminded": _("Were reminded"), "watched": _("Watched"), "claimed": _("Claimed the coupon"),
        "booked": _("Booked to try on"), "tried": _("Came to the store"), "redeemed": _("Redeemed at the counter"),
    }  # fmt: skip
