"""Who is leaving, and what we did about it."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from apps.analytics import machinery, queues
from apps.analytics import selectors as analytics
from apps.analytics.lists import touches
from apps.analytics.lists.touches import MovesWanted
from apps.console import charts, dashboard, effects, first_steps, scope, words
from apps.console.dashboard import PERIODS, View
from apps.core import clock, csv_files
from apps.core.errors import NotFound

# The scheduled work that the figures of this page hang on.
WORK = {
    "segments.refresh_stats": gettext_lazy("Stages"),
    "care.run": gettext_lazy("Care decisions"),
    "care.drain": gettext_lazy("Sending"),
    "analytics.roll_up": gettext_lazy("Figures"),
}
# Charts by the name their file has.
DRAWN: dict[str, Callable[..., charts.Chart]] = {
    "flow": dashboard.flow,
    "effect": effects.plot,
    "entering": dashboard.entering,
    "messages": dashboard.messages,
    "skips": dashboard.skips,
}


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    view, where = _asked(request)
    as_of = analytics.as_of()
    drawn = {name: draw(view, csv_url=_csv_url(request, name)) for name, draw in DRAWN.items()}
    moved = MovesWanted(stores=view.store_ids, after="lapsing", first=view.first, last=view.last)
    dearest = [{**row, "away": words.since(row["last_order_at"])} for row in touches.dearest(wanted=moved)]
    periods = [("7", _("7 days"), view.days == 7), ("28", _("4 weeks"), view.days == 28)]
    return render(
        request,
        "console/dashboard.html",
        {
            **{f"{name}_chart": chart for name, chart in drawn.items()},
            "first_steps": first_steps.left(request),
            "as_of": as_of,
            "dearest": dearest,
            "span": words.span(view.first, view.last),
            "days": view.days,
            "periods": periods,
            "stores": where.options,
            "health": queues.health(moment=view.moment),
            "scheduled": [(WORK[task.name], task) for task in machinery.tasks(names=list(WORK))],
        },
    )


@require_safe
def csv(request: HttpRequest, chart: str) -> HttpResponse:
    """The table twin as a file: the same figures, to the digit."""
    if chart not in DRAWN:
        raise NotFound
    view, _where = _asked(request)
    table = DRAWN[chart](view).table()
    rows = ([cell.text for cell in row] for row in table.rows)
    return csv_files.response(name=f"{chart}-{view.first}-{view.last}.csv", headers=table.headers, rows=rows)


def _asked(request: HttpRequest) -> tuple[View, scope.Scope]:
    where = scope.of(request, permission="dashboard.view")
    query = urlencode({"store": where.chosen}) if where.chosen else ""
    days = PERIODS.get(request.GET.get("days", ""), 7)
    return View(moment=clock.now(), days=days, store_ids=where.ids, query=query), where


def _csv_url(request: HttpRequest, name: str) -> str:
    query = request.GET.urlencode()
    address = reverse("console:dashboard_csv", args=[name])
    return f"{address}?{query}" if query else address
