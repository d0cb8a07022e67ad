"""How the desk does: backlog, promises about to break, times before and now, per person and store, as a file too."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from apps.analytics import desk
from apps.analytics.desk import Figures
from apps.console import asked, scope
from apps.console.templatetags.console import duration
from apps.core import clock, csv_files
from apps.core.errors import NotFound
from apps.stores.models import Staff, Store
from apps.tickets.models import Ticket

PERMISSION = "tickets.figures"


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    where, days, moment = scope.of(request, permission=PERMISSION), _days(request), clock.now()
    states = dict(Ticket.State.choices)
    asked_for: dict[str, Any] = {"stores": where.ids, "days": days, "moment": moment}
    now, before = (next(iter(desk.figures(of="all", back=back, **asked_for)), None) for back in (0, 1))
    facts = {
        "now": now,
        "tiles": _tiles(now, before),
        "backlog": [
            (states[state], number, ages) for state, number, ages in desk.backlog(stores=where.ids, moment=moment)
        ],
        "forecast": desk.forecast(stores=where.ids, moment=moment),
        "tables": [(of, title, _table(of, desk.figures(of=of, **asked_for))) for of, title in _titles().items()],
        "stores": where.options,
        "chosen": where.chosen,
        "days": days,
        "spans": [(str(one), _("%(n)s days") % {"n": one}, one == days) for one in desk.DAYS],
        "moment": moment,
    }
    return render(request, "console/ticket_figures.html", facts)


@require_safe
def table(request: HttpRequest, table: str) -> HttpResponse:
    """The same figures as a file; minutes as whole numbers."""
    if table not in _titles():
        raise NotFound
    where, days = scope.of(request, permission=PERMISSION), _days(request)
    rows = desk.figures(of=table, stores=where.ids, days=days, moment=clock.now())
    names = _names(table, rows)
    heads = [
        _titles()[table], _("Opened"), _("Ended"), _("First answer, minutes"), _("To the end, minutes"),
        pgettext("tickets", "Open"), pgettext("tickets", "Late"), _("Promises missed"), _("Votes"), _("Content, 1 to 5"),
    ]  # fmt: skip
    lines = [
        (names[row.key], row.opened, row.ended, _whole(row.first_minutes), _whole(row.end_minutes), row.open, row.late,
         row.missed, row.votes, "" if row.score is None else f"{row.score:.2f}")
        for row in rows
    ]  # fmt: skip
    return csv_files.response(name=f"tickets-{table}-{days}.csv", headers=heads, rows=lines)


def _titles() -> dict[str, str]:
    return {"people": _("Per person"), "stores": _("Per store")}


def _days(request: HttpRequest) -> int:
    chosen = asked.a_key(request, name="days")
    return chosen if chosen in desk.DAYS else 30


def _tiles(now: Figures | None, before: Figures | None) -> list[tuple[str, str, str]]:
    """What it is, and what it was in as many days before."""
    return [
        (
            _("First answer, half of them within"),
            _time(now.first_minutes if now else None),
            _time(before.first_minutes if before else None),
        ),
        (
            _("To the end, half of them within"),
            _time(now.end_minutes if now else None),
            _time(before.end_minutes if before else None),
        ),
        (_("Ended"), str(now.ended if now else 0), str(before.ended if before else 0)),
        (_("Promises missed"), str(now.missed if now else 0), str(before.missed if before else 0)),
        (_("Content, 1 to 5"), _score(now), _score(before)),
    ]


def _table(of: str, rows: list[Figures]) -> list[dict[str, Any]]:
    names = _names(of, rows)
    return [
        {"name": names[row.key], "row": row, "first": _time(row.first_minutes), "end": _time(row.end_minutes),
         "score": _score(row)}
        for row in rows
    ]  # fmt: skip


def _names(of: str, rows: list[Figures]) -> dict[int, str]:
    model: Any = Staff if of == "people" else Store
    nobody = _("nobody yet") if of == "people" else _("Head office")
    found = dict(model.objects.filter(pk__in=[row.key for row in rows]).values_list("pk", "name"))
    return {row.key: found.get(row.key, nobody) for row in rows}


def _time(minutes: float | None) -> str:
    return "–" if minutes is None else duration(round(minutes) * 60)


def _whole(minutes: float | None) -> str:
    return "" if minutes is None else str(round(minutes))


def _score(row: Figures | None) -> str:
    return "–" if row is None or row.score is None else f"{row.score:.1f} ({row.votes})"
