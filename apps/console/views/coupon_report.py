"""What coupons did in a period: by template, store and source, visits before and after, settlement; each table as a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from apps.analytics import coupon_days
from apps.analytics import coupon_report as reports
from apps.analytics.coupon_report import Line, Report, Span
from apps.console import asked, charts, coupon_words, scope, words
from apps.console.templatetags.console import figure, money
from apps.core import clock, csv_files
from apps.core.errors import NotFound
from apps.core.money import yuan
from apps.coupons.models import Coupon, Template
from apps.stores.models import Store

PERMISSION = "coupons.report"
TABLES = ("templates", "stores", "sources", "settlement", "staff", "days")
MOST_DAYS = 400
SHOWN_DAYS = 62


@dataclass(frozen=True)
class Table:
    """`rows`: cells as pages show them, and as files do; a cell that is not a figure stands first."""

    key: str
    title: str
    heads: Sequence[str]
    rows: list[tuple[Sequence[str], Sequence[object]]]

    @property
    def labelled(self) -> list[list[tuple[str, str]]]:
        return [list(zip(self.heads, shown, strict=True)) for shown, _cells in self.rows]


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    span, where = _asked(request)
    found, before = reports.report(span), reports.report(span.before)
    query = request.GET.urlencode()
    tables = [_table(key, span, found) for key in TABLES if key != "days"]
    facts = {
        "span": span,
        "stores": where.options,
        "whole": found.whole,
        "before": before.whole,
        "before_span": words.span(span.before.first, span.before.last),
        "chart": _chart(span, found, query),
        "visits": reports.visits(span, moment=clock.now()) if "visits" in request.GET else None,
        "visits_url": f"?{_with_visits(request)}#visits",
        "visit_days": reports.DAYS,
        "tables": [(table, _file(table.key, query)) for table in tables if table.rows],
        "moment": coupon_days.as_of(),
    }
    return render(request, "console/coupon_report.html", facts)


def _with_visits(request: HttpRequest) -> str:
    query = request.GET.copy()
    query["visits"] = "1"
    return query.urlencode()


@require_safe
def csv(request: HttpRequest, table: str) -> HttpResponse:
    if table not in TABLES:
        raise NotFound
    span, _where = _asked(request)
    found = _table(table, span, reports.report(span))
    name = f"coupons-{table}-{span.first}-{span.last}.csv"
    return csv_files.response(name=name, headers=found.heads, rows=[cells for _shown, cells in found.rows])


def _asked(request: HttpRequest) -> tuple[Span, scope.Scope]:
    """The last thirty days unless asked; at most MOST_DAYS."""
    where, today = scope.of(request, permission=PERMISSION), clock.local_date(clock.now())
    last = min(asked.a_date(request, name="last") or today, today)
    first = asked.a_date(request, name="first") or last - timedelta(days=29)
    first = min(max(first, last - timedelta(days=MOST_DAYS)), last)
    return Span(first=first, last=last, stores=where.ids), where


def _table(key: str, span: Span, found: Report) -> Table:
    if key == "days":
        days = [(day.isoformat(), found.days.get(day, 0)) for day in _days(span)]
        return Table(key, "", (_("Day"), _("Used")), [((), cells) for cells in days])
    if key in {"settlement", "staff"}:
        return _settlement(key, span)
    lines, names = _named(key, found)
    ordered = sorted(lines.items(), key=lambda one: (-one[1].used, -one[1].issued, str(one[0])))
    rows = [_cells(names(one), line) for one, line in ordered]
    titles = {"templates": _("By coupon"), "stores": _("By store"), "sources": _("By source")}
    heads = {"templates": _("Coupon"), "stores": _("Store"), "sources": _("Source")}
    figures = (
        pgettext("coupons", "Issued"), pgettext("coupons", "Used"), pgettext("coupons", "Rate"), pgettext("coupons", "Cost"),
        _("Sales with it"),
    )  # fmt: skip
    return Table(key, titles[key], (heads[key], *figures), rows)


def _named(key: str, found: Report) -> tuple[dict[Any, Line], Any]:
    if key == "templates":
        names = {row.pk: coupon_words.name_of(row) for row in Template.objects.filter(pk__in=found.templates)}
        return dict(found.templates), names.__getitem__
    if key == "stores":
        stores = dict(Store.objects.values_list("pk", "name"))
        return dict(found.stores), lambda pk: stores.get(pk) or _("Online or no store")
    channels = dict(Coupon.Channel.choices)
    return dict(found.sources), lambda pair: " · ".join(
        filter(None, (str(channels.get(pair[0], pair[0])), coupon_words.origin(pair[1])))
    )


def _cells(name: str, line: Line) -> tuple[Sequence[str], Sequence[object]]:
    rate = "" if line.rate is None else f"{100 * line.rate:.1f}%"
    shown = (name, figure(line.issued), figure(line.used), rate, money(line.saved), money(line.sales))
    return shown, (name, line.issued, line.used, rate, yuan(line.saved), yuan(line.sales))


def _settlement(key: str, span: Span) -> Table:
    """By store what it bears and what the brand bears; by staff what went through their hands."""
    rows = reports.settled(span)
    if key == "staff":
        heads: Sequence[str] = (_("Redeemed by"), _("Store"), pgettext("coupons", "Used"), pgettext("coupons", "Cost"))
        told = [
            (f"{row['staff']} ({row['staff_code']})", row["store"] or _("Online or no store"), row["used"], row["saved"])
            for row in rows if row["staff_id"] is not None
        ]  # fmt: skip
        return Table(key, _("Who redeemed"), heads, [
            ((name, store, figure(used), money(saved)), (name, store, used, yuan(saved))) for name, store, used, saved in told
        ])  # fmt: skip
    sums: dict[str, list[int]] = {}
    for row in rows:
        one = sums.setdefault(row["store"] or _("Online or no store"), [0, 0, 0])
        for place, value in enumerate((row["used"], row["saved"], row["borne"])):
            one[place] += int(value)
    heads = (
        _("Store"), pgettext("coupons", "Used"), pgettext("coupons", "Cost"), _("Borne by the store"), _("Borne by the brand")
    )  # fmt: skip
    return Table(key, _("Who bears the cost"), heads, [
        ((store, figure(used), money(saved), money(borne), money(saved - borne)),
         (store, used, yuan(saved), yuan(borne), yuan(saved - borne)))
        for store, (used, saved, borne) in sums.items()
    ])  # fmt: skip


def _days(span: Span) -> list[date]:
    return [span.first + timedelta(days=number) for number in range((span.last - span.first).days + 1)]


def _chart(span: Span, found: Report, query: str) -> charts.DayBars:
    days = _days(span)[-SHOWN_DAYS:]
    today = clock.local_date(clock.now())
    return charts.DayBars(
        key="coupon-days",
        title=_("%(count)s coupons used") % {"count": figure(found.whole.used)},
        subtitle=_("By the day of use; what was taken back is not among them"),
        days=tuple(
            charts.Day(label=words.day(day), value=found.days.get(day, 0), partial=day == today) for day in days
        ),
        colour="brand",
        size="l",
        csv_url=_file("days", query),
        empty_title=_("No coupon was used in this time"),
        empty_text=_("Days appear here with the first redemption."),
    )


def _file(table: str, query: str) -> str:
    return reverse("console:coupon_report_csv", args=[table]) + (f"?{query}" if query else "")
