"""Exchange rate: who could exchange points, who did, what became of the rewards; and each table as a file."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.analytics import exchange_rates
from apps.analytics.exchange_rates import Period, Rate, Report
from apps.console import asked, charts, scope, words
from apps.core import clock, csv_files
from apps.core.errors import NotFound

PERMISSION = "points.rates"
SPANS = ("week", "month")
TABLES = ("periods", "stores", "rewards")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    by, where, found = _asked(request)
    query = request.GET.urlencode()
    facts = {
        "report": found,
        "finding": _finding(found.whole.rate),
        "chart": _chart(found, by=by),
        "periods": [(_called(one, by=by), one) for one in reversed(found.periods)],
        "span": words.span(found.whole.first, found.whole.last),
        "stores": where.options,
        "spans": [("week", _("Twelve weeks"), by == "week"), ("month", _("Twelve months"), by == "month")],
        "files": {table: _file(table, query) for table in TABLES},
        "moment": clock.now(),
    }
    return render(request, "console/exchange_rates.html", facts)


@require_safe
def csv(request: HttpRequest, table: str) -> HttpResponse:
    """One of the three tables, with the filters of the page."""
    if table not in TABLES:
        raise NotFound
    _by, _where, found = _asked(request)
    figures = (
        _("Could exchange"), _("Exchanged"), _("Share, %"), _("Exchanges"), _("Points earned"), _("Points exchanged"),
    )  # fmt: skip
    if table == "periods":
        head: tuple[str, ...] = (_("From"), _("Through"), *figures)
        rows: list[tuple[object, ...]] = [(one.first, one.last, *_cells(one.rate)) for one in found.periods]
    elif table == "stores":
        head = (_("Store"), *figures)
        rows = [(name or _("No home store"), *_cells(rate)) for name, rate in found.stores]
    else:
        head = (_("Reward"), _("Taken"), _("Waiting"), _("Handed over"), _("Lapsed"), _("Cancelled"), _("Points"))
        rows = [
            (_named(row), row["taken"], row["waiting"], row["done"], row["lapsed"], row["cancelled"], row["points"])
            for row in found.rewards
        ]
    return csv_files.response(name=f"exchange-rate-{table}.csv", headers=head, rows=rows)


def _asked(request: HttpRequest) -> tuple[exchange_rates.By, scope.Scope, Report]:
    where = scope.of(request, permission=PERMISSION)
    by: exchange_rates.By = "month" if asked.one_of(request, name="by", allowed=SPANS) == "month" else "week"
    return by, where, exchange_rates.report(by=by, moment=clock.now(), store_ids=where.ids)


def _finding(rate: Rate) -> str:
    if not rate.able:
        return _("Nobody had points enough for a reward yet")
    share = f"{100 * rate.did / rate.able:.1f}"
    return _("%(share)s%% of those who could exchange did") % {"share": share}


def _chart(found: Report, *, by: exchange_rates.By) -> charts.Line:
    """Its table says the same whole percentages as its line."""
    moment = clock.now()
    last = found.periods[-1]
    return charts.Line(
        key="exchange-rate",
        title=_("Share of members who exchanged, by week")
        if by == "week"
        else _("Share of members who exchanged, by month"),
        subtitle=_("Of those who had points enough for the cheapest reward at some time in it."),
        unit="%",
        size="l",
        from_zero=True,
        as_of=moment,
        points=tuple(
            charts.Point(
                label=_called(one, by=by), value=None if one.rate.share is None else round(100 * one.rate.share)
            )
            for one in found.periods
        ),
        note=_("%(period)s is not over yet.") % {"period": _called(last, by=by)} if last.is_partial else "",
        empty_title=_("No exchange in this time"),
        empty_text=_("The line begins with the first exchange."),
    )


def _called(one: Period, *, by: exchange_rates.By) -> str:
    if by == "week":
        return words.day(one.first)
    return f"{one.first:%Y-%m}"


def _cells(rate: Rate) -> tuple[object, ...]:
    share = "" if rate.share is None else f"{100 * rate.share:.1f}"
    return rate.able, rate.did, share, rate.exchanges, rate.earned, rate.spent


def _named(row: dict[str, Any]) -> str:
    return row["name_en"] if get_language() == "en" and row["name_en"] else row["name"]


def _file(table: str, query: str) -> str:
    return reverse("console:exchange_rates_csv", args=[table]) + (f"?{query}" if query else "")
