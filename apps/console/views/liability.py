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

from apps.console import asked, charts, owed, scope
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
OF_ALL = ("ends", "tiers")  # what accounts say, and these belong to no store
TABLES: dict[str, tuple[Callable[[], tuple[str, ...]], Callable[[View], list[tuple[object, ...]]]]] = {
    "cohorts": (owed.cohort_headers, owed.cohort_rows),
    "stores": (owed.store_headers, owed.store_rows),
}
PERMISSION = "points.report"
OFFERED = 24  # month ends


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Who sees some stores sees what was earned there."""
    where, first = scope.of(request, permission=PERMISSION), liability.begins()
    view = _asked(request, where)
    facts: dict[str, object] = {
        "view": view,
        "stores": where.options if len(where.options) > 1 else [],
        "as_of": liability.as_of(),
        "days": _days(view, first) if first else [],
        "currencies": [
            (one.key, one.name_en if view.is_english else one.name, one == view.currency)
            for one in Currency.objects.all()
        ],
    }
    if first:
        facts |= {
            **{name: draw(view) for name, draw in _drawn(view).items()},
            "tables": {name: _table(view, name) for name in TABLES},
            "breakage": owed.breakage(view),
            "money": _money(view),
        }
    return render(request, "console/liability.html", facts)


@require_safe
def csv(request: HttpRequest, chart: str) -> HttpResponse:
    """The table twin as a file: the same figures, to the digit."""
    view = _asked(request, scope.of(request, permission=PERMISSION))
    if chart in TABLES:
        heads, read = TABLES[chart]
        headers, rows = heads(), [list(row) for row in read(view)]
    elif chart in _drawn(view):
        table = DRAWN[chart](view).table()
        headers, rows = table.headers, [[cell.text for cell in row] for row in table.rows]
    else:
        raise NotFound
    name = f"points-{chart}-{view.currency.key}-{view.on}.csv"
    return csv_files.response(name=name, headers=headers, rows=rows)


def _drawn(view: View) -> dict[str, Callable[[View], charts.Chart]]:
    return {name: draw for name, draw in DRAWN.items() if view.stores is None or name not in OF_ALL}


def _table(view: View, name: str) -> dict[str, object]:
    heads, read = TABLES[name]
    return {
        "heads": heads(),
        "rows": [list(zip(heads(), row, strict=True)) for row in read(view)],
        "csv": view.csv_url(name),
    }


def _asked(request: HttpRequest, where: scope.Scope) -> View:
    """A day to come counts as today, a currency that is not there as points."""
    currencies = {one.key: one for one in Currency.objects.all()}
    key = asked.one_of(request, name="currency", allowed=currencies) or "points"
    today = clock.local_date(clock.now())
    on = min(asked.a_date(request, name="on") or today, today)
    query = urlencode({"currency": key, "on": on} | ({"store": where.chosen} if where.chosen else {}))
    return View(
        currency=currencies[key],
        on=on,
        today=today,
        is_english=(get_language() or "").startswith("en"),
        urls={name: f"{reverse('console:liability_csv', args=[name])}?{query}" for name in (*DRAWN, *TABLES)},
        stores=where.ids,
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
        "outstanding": view.worth(view.outstanding),
        "debt": view.worth(view.totals.debt) if view.stores is None else 0,
        "expected": view.worth(view.outstanding - view.forecast.points),
    }
