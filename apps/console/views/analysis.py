"""Pages for analysts: a study each (`apps.console.studies`). Every chart has its file, every box its members or orders."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.analytics.study import before_after, counting, windows
from apps.console.studies import asking, attribution, events, funnels, returning, row_files, spreads
from apps.console.studies.asking import WEEKS, Study, View
from apps.core import csv_files
from apps.core.errors import NotFound

_PAGES: dict[str, Study] = {
    "returning": returning.STUDY,
    "attribution": attribution.STUDY,
    "funnels": funnels.STUDY,
    "spreads": spreads.STUDY,
    "events": events.STUDY,
}
STUDIES = tuple(_PAGES.values())
DRAWN = {key: draw for study in STUDIES for key, draw in study.draws.items()}
_BOXES = {key: (study, rows) for study in STUDIES for key, rows in study.rows.items()}


@require_safe
def page(request: HttpRequest, study: str) -> HttpResponse:
    return _page(request, _PAGES[study])


@require_safe
def csv(request: HttpRequest, chart: str) -> HttpResponse:
    if chart not in DRAWN:
        raise NotFound
    view = asking.of(request)
    table = DRAWN[chart](view).table()
    lines = ([cell.text for cell in row] for row in table.rows)
    return csv_files.response(name=f"{chart}-{view.today}.csv", headers=table.headers, rows=lines)


@require_safe
def box(request: HttpRequest, box: str) -> HttpResponse:
    """What each is asked for stands with its rows."""
    view = asking.of(request)
    study, rows = _box(box)
    back = f"{reverse(study.url_name)}?{urlencode(view.query)}"
    file = f"{reverse('console:analysis_rows_csv', args=[box])}?{request.GET.urlencode()}"
    facts: dict[str, Any] = {
        "template": "console/analysis_rows.html",
        "back": back,
        "part_of": study.label,
        "csv_url": file,
    }
    facts |= rows(request, view)
    return render(request, facts["template"], facts)


@require_safe
def box_csv(request: HttpRequest, box: str) -> HttpResponse:
    """All rows behind a box from the first on, without names: members by number."""
    _study, rows = _box(box)
    return row_files.file(request, asking.of(request), rows, name=box)


@require_POST
def save_windows(request: HttpRequest) -> HttpResponse:
    """How long contacts count."""
    form = attribution.WindowsForm(request.POST)
    if not form.is_valid():
        return _page(request, attribution.STUDY, status=422, form=form)
    changed = windows.save(form.cleaned_data)
    messages.success(
        request, _("Saved. Everything is counted anew within the hour.") if changed else _("Nothing was changed.")
    )
    return redirect("console:analysis_attribution")


def _box(key: str) -> tuple[Study, asking.Rows]:
    if key not in _BOXES:
        raise NotFound
    return _BOXES[key]


def _page(request: HttpRequest, study: Study, *, status: int = 200, **more: Any) -> HttpResponse:
    view = asking.of(request)
    facts = {
        "study": study,
        "studies": STUDIES,
        "charts": [draw(view, csv_url=_csv_url(request, name)) for name, draw in study.draws.items()],
        "stores": view.where.options,
        "weeks": _weeks(view) if "weeks" in study.asks else None,
        "days": _days(view) if "days" in study.asks else None,
        "event": (view.event[0], _sides(view)) if "event" in study.asks else None,
        **(study.more(request) if study.more else {}),
        **more,
    }
    return render(request, "console/analysis.html", facts, status=status)


def _weeks(view: View) -> list[tuple[str, str, bool]]:
    return [(key, _("%(n)s weeks") % {"n": count}, count == view.weeks) for key, count in WEEKS.items()]


def _days(view: View) -> list[tuple[str, str, bool]]:
    return [(str(count), _("%(n)s days") % {"n": count}, count == view.days) for count in counting.SPANS]


def _sides(view: View) -> list[tuple[str, str, bool]]:
    return [(str(count), _("%(n)s days") % {"n": count}, count == view.event[1]) for count in before_after.SPANS]


def _csv_url(request: HttpRequest, name: str) -> str:
    query = request.GET.urlencode()
    address = reverse("console:analysis_csv", args=[name])
    return f"{address}?{query}" if query else address
