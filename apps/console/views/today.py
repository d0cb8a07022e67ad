"""A shop day on one screen: what it came to against the same weekday, what waits, what stands out, who is there, what comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.analytics import insiders
from apps.analytics import selectors as analytics
from apps.analytics.day import agenda, board, floor, sources
from apps.analytics.day import words as figure_words
from apps.analytics.day.board import Board
from apps.analytics.day.listing import Wanted
from apps.console import asked, charts, day_rows, hand_words, scope, words
from apps.console.scope import Scope
from apps.console.views import approvals
from apps.core import clock, csv_files
from apps.core.errors import NotFound
from apps.followups.models import Task
from apps.stores import credentials
from apps.stores.models import Staff
from apps.tickets import queues

PERMISSION = "dashboard.view"
TABLES = ("figures", "people")
APPROVALS_SHOWN, PEOPLE_SHOWN, LATE_SHOWN = 5, 50, 5
FIRST = date(2000, 1, 1)


@dataclass(frozen=True)
class View:
    """What the reader asked for."""

    moment: datetime
    on: date
    where: Scope
    board: Board

    @property
    def today(self) -> date:
        return clock.local_date(self.moment)

    @property
    def is_today(self) -> bool:
        return self.on == self.today

    @property
    def when_before(self) -> str:
        """What is compared with, in words: "23 November until 10:32"."""
        day = words.day(self.on - timedelta(days=7))
        if self.board.is_over:
            return day
        return _("%(day)s until %(time)s") % {"day": day, "time": clock.local(self.board.end_before).strftime("%H:%M")}

    def query(self, **more: object) -> str:
        parts = {"store": self.where.chosen, "day": None if self.is_today else self.on, **more}
        return urlencode({key: value for key, value in parts.items() if value not in (None, "")})

    def address(self, name: str, *args: object, **more: object) -> str:
        query = self.query(**more)
        return f"{reverse(name, args=args)}?{query}" if query else reverse(name, args=args)

    def neighbour(self, days: int) -> str:
        on = self.on + timedelta(days=days)
        return f"?{self.query(day=None if on == self.today else on)}"


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    view = _asked(request)
    access = request.access  # type: ignore[attr-defined]
    store_ids = view.where.ids
    facts: dict[str, Any] = {
        "view": view,
        "heading": _heading(view),
        "as_of": view.board.as_of,
        "stores": view.where.options,
        "earlier": view.neighbour(-1),
        "later": "" if view.is_today else view.neighbour(1),
        "lines": _lines(request, view),
        "figures_csv": view.address("console:today_csv", "figures"),
        "people": _people(request, view),
        "people_csv": view.address("console:today_csv", "people"),
        "chart": _chart(view) if view.board.as_of else None,
        "agenda": agenda.days(first=view.today, store_ids=store_ids),
        "may_campaigns": access.can("campaigns.view"),
        "tills": _tills(access, view),
        "may_tills": access.can("counter.tills"),
        **_noticed(access, view),
    }
    if access.can("approvals.view"):
        facts["waiting"], facts["waiting_count"] = approvals.waiting(request, limit=APPROVALS_SHOWN)
    return render(request, "console/today.html", facts)


@require_safe
def rows(request: HttpRequest, figure: str) -> HttpResponse:
    """What one figure is made of. `?before=1`: the same weekday a week ago; `?staff=`: one person's."""
    view, wanted = _asked_rows(request, figure)
    told = view.board.figures.get(figure)
    is_before = request.GET.get("before") == "1"
    counted = None if told is None or wanted.staff_id else told.before if is_before else told.value
    facts = {
        "crumb": _("The day"),
        "day": words.day(clock.local_date(wanted.start)),
        "as_of": view.board.as_of,
        "stores": view.where.options,
        "kept": [(name, request.GET[name]) for name in ("day", "before", "staff") if name in request.GET],
        "back": view.address("console:today"),
        "csv_url": f"{reverse('console:today_rows_csv', args=[figure])}?{request.GET.urlencode()}",
        **day_rows.facts(request, wanted, counted=counted),
    }
    return render(request, "console/today_rows.html", facts)


@require_safe
def rows_csv(request: HttpRequest, figure: str) -> HttpResponse:
    """The rows as a file."""
    view, wanted = _asked_rows(request, figure)
    return day_rows.file(wanted, name=str(view.on))


@require_safe
def csv(request: HttpRequest, table: str) -> HttpResponse:
    """The page's tables as files: the same figures, to the fen."""
    if table not in TABLES:
        raise NotFound
    view = _asked(request)
    if table == "people":
        names = _names(request, figure_words.OF_PEOPLE)
        heads: list[object] = [_("Staff number"), _("Name"), *(str(figure_words.WORDS[name].label) for name in names)]
        lines: list[list[object]] = [
            [
                one["staff"].code,
                one["staff"].name,
                *(figure_words.plain(name, one["figures"].get(name, 0)) for name in names),
            ]
            for one in _people(request, view)
        ]
    else:
        heads = [_("Figure"), words.day(view.on), view.when_before]
        lines = [
            [str(figure_words.WORDS[name].label), figure_words.plain(name, told.value),
             "" if told.before is None else figure_words.plain(name, told.before)]
            for name, told in _told(request, view)
        ]  # fmt: skip
    return csv_files.response(name=f"{table}-{view.on}.csv", headers=heads, rows=lines)


def _asked(request: HttpRequest) -> View:
    where, moment = scope.of(request, permission=PERMISSION), clock.now()
    today = clock.local_date(moment)
    on = asked.a_date(request, name="day") or today
    if not FIRST <= on <= today:
        on = today
    return View(moment, on, where, board.board(on=on, store_ids=where.ids))


def _asked_rows(request: HttpRequest, figure: str) -> tuple[View, Wanted]:
    """Raises NotFound for figures there are not, or that this person may not see."""
    source = sources.SOURCE_OF.get(figure)
    if source is None or not request.access.can(source.permission):  # type: ignore[attr-defined]
        raise NotFound
    view = _asked(request)
    start, end = clock.day_start(view.on), view.board.end
    if request.GET.get("before") == "1":
        start, end = clock.day_start(view.on - timedelta(days=7)), view.board.end_before
    staff_id = asked.a_key(request, name="staff")
    return view, Wanted(name=figure, start=start, end=end, store_ids=view.where.ids, staff_id=staff_id)


def _names(request: HttpRequest, names: Sequence[str]) -> list[str]:
    may = request.access.can  # type: ignore[attr-defined]
    return [name for name in names if may(sources.SOURCE_OF[name].permission)]


def _told(request: HttpRequest, view: View) -> list[tuple[str, board.Told]]:
    return [(name, view.board.figures[name]) for name in _names(request, list(view.board.figures))]


def _heading(view: View) -> str:
    told = view.board.figures.get("sales.paid_cents")
    if told is None:
        return _("This day was not counted yet")
    return figure_words.finding("sales.paid_cents", told.value, told.before, when=view.when_before)


def _lines(request: HttpRequest, view: View) -> list[dict[str, Any]]:
    return [
        {
            "words": figure_words.WORDS[name],
            "value": figure_words.shown(name, told.value),
            "before": "" if told.before is None else figure_words.shown(name, told.before),
            "change": figure_words.change(told.change),
            "href": view.address("console:today_rows", name) if told.value else "",
            "href_before": view.address("console:today_rows", name, before=1) if told.before else "",
        }
        for name, told in _told(request, view)
    ]


def _people(request: HttpRequest, view: View) -> list[dict[str, Any]]:
    """Who did something that day, and who was at a till; the page shows the first of many."""
    found = {one.staff_id: one.figures for one in board.people(on=view.on, store_ids=view.where.ids)}
    shifts = floor.on_shift(store_ids=view.where.ids, start=clock.day_start(view.on), end=clock.day_end(view.on))
    staff = Staff.objects.select_related("store").in_bulk([*found, *shifts])
    names = _names(request, figure_words.OF_PEOPLE)
    return [
        {
            "staff": staff[key],
            "figures": found.get(key, {}),
            "shift": shifts.get(key),
            "cells": [
                {
                    "label": figure_words.WORDS[name].label,
                    "value": figure_words.shown(name, value),
                    "href": view.address("console:today_rows", name, staff=key) if value else "",
                }
                for name in names
                for value in [found.get(key, {}).get(name, 0)]
            ],
        }
        for key in [*found, *(key for key in shifts if key not in found)]
        if key in staff
    ]


def _tills(access: Any, view: View) -> list[dict[str, Any]]:
    if not access.can("counter.work") or not view.is_today:
        return []
    found = floor.tills(store_ids=view.where.ids, moment=view.moment)
    return [
        {"till": one, "public_id": credentials.public_id(kind="device", credential_id=one.device.pk)} for one in found
    ]


def _noticed(access: Any, view: View) -> dict[str, Any]:
    """What stands out: people, each with the reason; promises that are broken; tasks that are late."""
    store_ids = view.where.ids
    facts: dict[str, Any] = {}
    if access.can("points.insiders"):
        facts["hands"] = [(one, hand_words.why(one.hand)) for one in insiders.noticed(store_ids=store_ids)]
    if access.can("tickets.view"):
        late = queues.seen_by(store_ids).filter(ended_at=None, due_at__lte=view.moment).select_related("store")
        facts["late_tickets"] = list(late.order_by("due_at", "pk")[:LATE_SHOWN])
    if access.can("followups.view"):
        tasks = Task.objects.filter(state=Task.State.OPEN, due_at__lt=view.moment)
        tasks = tasks if store_ids is None else tasks.filter(store_id__in=store_ids)
        facts["late_tasks"] = tasks.count()
    return facts


def _chart(view: View) -> charts.DayBars:
    """Orders of the seven days that end here, beside the week before."""
    first, week = view.on - timedelta(days=6), timedelta(days=7)
    found = analytics.by_day(names=["orders.paid"], first=first - week, last=view.on, store_ids=view.where.ids)
    told = view.board.figures["orders.paid"]
    days = []
    for on in (first + timedelta(days=number) for number in range(7)):
        is_part = on == view.on and not view.board.is_over
        days.append(
            charts.Day(
                label=_("Today") if on == view.today else words.day(on),
                value=found[on],
                previous=told.before if is_part else found[on - week],
                partial=is_part,
                href=view.address("console:today_rows", "orders.paid", day=None if on == view.today else on),
            )
        )
    return charts.DayBars(
        key="orders",
        title=figure_words.finding("orders.paid", told.value, told.before, when=view.when_before),
        unit=_("orders"),
        colour="active",
        days=tuple(days),
        previous_label=_("Same day last week"),
        partial_label=_("Today, until %(time)s") % {"time": f"{clock.local(view.board.end):%H:%M}"},
        empty_title=_("No orders in these days"),
        empty_text=_("Neither in this week nor in the one before."),
    )
