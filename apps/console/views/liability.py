"""What the shop owes in points, at the end of a day: for the books of a month."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.console import asked, charts, owed
from apps.console.owed import View
from apps.core import clock, csv_files
from apps.core.errors import NotFound
from apps.points import liability
from apps.points.models import Currency

DRAWN: dict[str, Callable[[View], charts.Chart]] = {
    "history": owed.history,
    "fate": owed.fate,
    "ends": owed.ends,
    "tiers": owed.by_tier,
}
COHORTS = "cohorts"
OFFERED = 24  # month ends


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    view, first = _asked(request), liability.begins()
    facts: dict[str, object] = {
        "view": view,
        "as_of": liability.as_of(),
        "days": _days(view, first) if first else [],
        "currencies": [
            (one.key, one.name_en if view.is_english else one.name, one == view.currency)
            for one in Currency.objects.all()
        ],
    }
    if first:
        facts |= {
            **{name: draw(view) for name, draw in DRAWN.items()},
            "cohort_heads": owed.cohort_headers(),
            "cohort_rows": [list(zip(owed.cohort_headers(), row, strict=True)) for row in owed.cohort_rows(view)],
            "cohort_csv": view.csv_url(COHORTS),
            "breakage": owed.breakage(view),
            "money": _money(view),
        }
    return render(request, "console/liability.html", facts)


@require_safe
def csv(request: HttpRequest, chart: str) -> HttpResponse:
    """The table twin as a file: the same figures, to the digit."""
    view = _asked(request)
    if chart == COHORTS:
        headers, rows = owed.cohort_headers(), [list(row) for row in owed.cohort_rows(view)]
    elif chart in DRAWN:
        table = DRAWN[chart](view).table()
        headers, rows = table.headers, [[cell.text for cell in row] for row in table.rows]
    else:
        raise NotFound
    name = f"points-{chart}-{view.currency.key}-{view.on}.csv"
    return csv_files.response(name=name, headers=headers, rows=rows)


def _asked(request: HttpRequest) -> View:
    """A day to come counts as today, a currency that is not there as points."""
    currencies = {one.key: one for one in Currency.objects.all()}
    key = asked.one_of(request, name="currency", allowed=currencies) or "points"
    today = clock.local_date(clock.now())
    on = min(asked.a_date(request, name="on") or today, today)
    query = urlencode({"currency": key, "on": on})
    return View(
        currency=currencies[key],
        on=on,
        today=today,
        is_english=(get_language() or "").startswith("en"),
        urls={name: f"{reverse('console:liability_csv', args=[name])}?{query}" for name in (*DRAWN, COHORTS)},
    )


def _days(view: View, first: object) -> list[tuple[str, str, bool]]:
    """Today and the ends of months, and the day asked for where it is another."""
    ends = owed.month_ends(view.today, first=first, most=OFFERED)  # type: ignore[arg-type]
    found = sorted({view.today, view.on, *ends}, reverse=True)
    return [
        (day.isoformat(), _("Today") if day == view.today else date_format(day, "DATE_FORMAT"), day == view.on)
        for day in found
    ]


def _money(view: View) -> dict[str, int] | None:
    """In 分; None where the currency is worth nothing."""
    if not view.currency.cents_per_hundred:
        return None
    return {
        "outstanding": view.worth(view.totals.outstanding),
        "debt": view.worth(view.totals.debt),
        "expected": view.worth(view.totals.outstanding - view.forecast.points),
    }
