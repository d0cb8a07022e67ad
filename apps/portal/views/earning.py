"""The daily sign-in with its calendar, and what else brings points: tasks and achievements."""

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from apps.core import clock
from apps.core.errors import DomainError, NotFound
from apps.coupons.models import Template
from apps.points import achievements, selectors, sign_ins, tasks_of_members
from apps.portal import sessions, shell
from apps.portal.shell import Facts

MONTHS_BACK = 12


@require_safe
def sign_in(request: HttpRequest) -> HttpResponse:
    """The month of `?month=2026-11`, else this one."""
    return _page(request, month=_month(request.GET.get("month", "")))


@require_POST
def today(request: HttpRequest) -> HttpResponse:
    """One tap or several: one sign-in."""
    made = sign_ins.sign_in(member_id=request.member.member_id)  # type: ignore[attr-defined]
    sessions.say(request, _given(made.points) if made.is_new else _("You have signed in for today already."))
    return redirect("portal:sign_in")


@require_POST
def make_up(request: HttpRequest) -> HttpResponse:
    """Fill in the day `day`; what stands against it is said on the page."""
    try:
        day = date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        raise NotFound from None
    try:
        made = sign_ins.make_up(member_id=request.member.member_id, on=day)  # type: ignore[attr-defined]
    except DomainError as refusal:
        return _page(request, month=clock.local_date(clock.now()), problem=str(refusal.title), status=refusal.status)
    sessions.say(request, _given(made.points) if made.is_new else _("This day is signed already."))
    return redirect("portal:sign_in")


@require_safe
def tasks(request: HttpRequest) -> HttpResponse:
    member_id = request.member.member_id  # type: ignore[attr-defined]
    asked, goals = tasks_of_members.for_member(member_id=member_id), achievements.progress(member_id=member_id)
    keys = {one.coupon_key for one in asked} | {one.coupon_key for one in goals}
    coupons = Template.objects.in_bulk(keys - {""}, field_name="key")
    facts: Facts = {
        "tasks": [(one, coupons.get(one.coupon_key)) for one in asked],
        "achievements": [(one, coupons.get(one.coupon_key)) for one in goals],
    }
    return shell.page(request, "portal/tasks.html", facts)


def _page(request: HttpRequest, *, month: date, problem: str = "", status: int = 200) -> HttpResponse:
    member_id = request.member.member_id  # type: ignore[attr-defined]
    moment = clock.now()
    this = clock.local_date(moment)
    found = sign_ins.calendar(member_id=member_id, month=month, moment=moment)
    first = month.replace(day=1)
    facts: Facts = {
        "found": found,
        "problem": problem,
        "month": first,
        "weekdays": [(WEEKDAYS_ABBR[day], WEEKDAYS[day]) for day in range(7)],
        "weeks": _weeks(found.days),
        "before": f"{first - timedelta(days=1):%Y-%m}" if (this - first).days < 31 * MONTHS_BACK else "",
        "after": f"{first + timedelta(days=31):%Y-%m}" if first < this.replace(day=1) else "",
        "missed": _missed(member_id, found, this) if found.make_up.is_offered else [],
        "balance": selectors.totals(member_id=member_id, moment=moment).balance,
        "steps": [(day, amount, max(day - found.streak, 0)) for day, amount in found.steps],
    }
    facts["next_step"] = next((step for step in facts["steps"] if step[2]), None)
    return shell.page(request, "portal/sign_in.html", facts, status=status)


def _missed(member_id: int, found: sign_ins.Calendar, today: date) -> list[date]:
    """Days that may be made up, the newest first; some may lie in the month before."""
    first = today - timedelta(days=found.make_up.days_back)
    days = [day for month in {(first.year, first.month), (today.year, today.month)} for day in _of(member_id, month)]
    return sorted((day.on for day in days if day.state == "missed" and day.on >= first), reverse=True)


def _of(member_id: int, month: tuple[int, int]) -> tuple[sign_ins.Day, ...]:
    return sign_ins.calendar(member_id=member_id, month=date(*month, 1)).days


def _weeks(days: tuple[sign_ins.Day, ...]) -> list[list[Any]]:
    """Seven cells a week from Monday; None before the first and after the last day."""
    cells: list[Any] = [None] * days[0].on.weekday() + list(days)
    cells += [None] * (-len(cells) % 7)
    return [cells[start : start + 7] for start in range(0, len(cells), 7)]


def _month(text: str) -> date:
    """ "2026-11" → its first day; what is no month of the past year is this one."""
    this = clock.local_date(clock.now())
    try:
        asked = date.fromisoformat(f"{text}-01")
    except ValueError:
        return this
    return asked if this - timedelta(days=31 * (MONTHS_BACK + 1)) <= asked <= this else this


def _given(amount: int) -> str:
    if not amount:
        return _("Signed in.")
    return ngettext("Signed in: %(n)s point for you.", "Signed in: %(n)s points for you.", amount) % {"n": amount}
