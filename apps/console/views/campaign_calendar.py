"""The calendar: what goes out on which day, how much that is for each channel, who would get too much; drafts move to another day."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.care import gate
from apps.care.campaigns import calendar, running
from apps.care.models import Campaign
from apps.console import asked, people
from apps.core import clock, ids
from apps.core.errors import DomainError, NotFound

PREFIX = "cmp"


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """`?day=` names a day of the month or week shown; `?view=week`."""
    is_week = request.GET.get("view") == "week"
    today = clock.local_date(clock.now())
    chosen = asked.a_date(request, name="day") or today
    if not date(2000, 1, 1) <= chosen <= date(2100, 1, 1):
        raise NotFound
    first, last = _span(chosen, is_week=is_week)
    start = first - timedelta(days=first.weekday())
    end = last + timedelta(days=6 - last.weekday())
    found = calendar.days(first=start, last=end)
    limits, cap = calendar.limits(), gate.load().day_cap
    shown = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    cells = [_cell(day, found.get(day), limits, cap, is_outside=not first <= day <= last, today=today) for day in shown]
    facts = {
        "weeks": [cells[n : n + 7] for n in range(0, len(cells), 7)],
        "full": [cell for cell in cells if cell["entries"] and not cell["is_outside"]],
        "first": first,
        "last": last,
        "is_week": is_week,
        "chosen": chosen,
        "earlier": first - timedelta(days=1),
        "later": last + timedelta(days=1),
        "today": today,
        "may_edit": request.access.can("campaigns.edit"),  # type: ignore[attr-defined]
        "cap": cap,
    }
    return render(request, "console/campaign_calendar.html", facts)


@require_POST
def move(request: HttpRequest, campaign: str) -> HttpResponse:
    """A draft to another day, its time kept."""
    row = Campaign.objects.select_related("journey").filter(pk=ids.decode(PREFIX, campaign)).first()
    if row is None:
        raise NotFound
    try:
        day = date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        messages.error(request, _("This day or moment does not exist."))
        return redirect("console:campaign_calendar")
    time = row.plan.get("at", "").partition("T")[2]
    try:
        plan = row.plan | {"at": f"{day}T{time}" if time else str(day)}
        running.save(campaign_id=row.pk, name=row.journey.name, plan=plan)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        facts = {"name": row.journey.name, "day": day}
        messages.success(request, _("“%(name)s” moved to %(day)s.") % facts)
    view = "&view=week" if request.POST.get("view") == "week" else ""
    return redirect(f"{reverse('console:campaign_calendar')}?day={day}{view}")


def _span(day: date, *, is_week: bool) -> tuple[date, date]:
    if is_week:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _cell(
    day: date, found: calendar.Day | None, limits: dict[str, int], cap: int, *, is_outside: bool, today: date
) -> dict[str, Any]:
    load = found.load if found else {}
    return {
        "day": day,
        "is_outside": is_outside,
        "is_today": day == today,
        "entries": [_entry(one) for one in found.entries] if found else [],
        "load": [
            {"channel": channel, "messages": n, "limit": limits.get(channel), "is_over": n > limits.get(channel, n)}
            for channel, n in sorted(load.items())
        ],
        "often": [(n, members, n > cap) for n, members in found.often.items()] if found else [],
    }


def _entry(one: calendar.Entry) -> dict[str, Any]:
    public_id = ids.encode(PREFIX, one.campaign_id) if one.campaign_id else ""
    return {
        "name": one.name,
        "at": one.at,
        "time": f"{clock.local(one.at):%H:%M}",
        "public_id": public_id,
        "is_draft": one.is_draft,
        "channels": one.channels,
        "members": one.members,
    }
