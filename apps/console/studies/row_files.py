"""The rows behind a box of a study as a file: every page of its list, one after the other."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from apps.analytics.day.listing import MOST_IN_FILE
from apps.console.studies.asking import Rows, View
from apps.core import clock, csv_files, money

Row = dict[str, Any]


def _when(name: str) -> Callable[[Row], str]:
    return lambda row: f"{clock.local(row[name]):%Y-%m-%d %H:%M:%S}" if row[name] else ""


# Columns that rows of any list may have, in their order.
_COLUMNS: dict[str, tuple[Promise, Callable[[Row], object]]] = {
    "member_no": (gettext_lazy("Member"), lambda row: row["member_no"]),
    "store": (gettext_lazy("Store"), lambda row: row["store"]),
    "order_no": (gettext_lazy("Order"), lambda row: row["order_no"]),
    "paid_at": (gettext_lazy("Paid"), _when("paid_at")),
    "way": (gettext_lazy("Contact"), lambda row: f"{row['way']} · {row['name']}" if row["name"] else row["way"]),
    "at": (gettext_lazy("When"), _when("at")),
    "n": (gettext_lazy("Orders"), lambda row: row["n"]),
    "cents": (gettext_lazy("Net spent"), lambda row: money.yuan(row["cents"])),
}


def file(request: HttpRequest, view: View, rows: Rows, *, name: str) -> HttpResponse:
    asked = request.GET.copy()
    asked.pop("at", None)
    found: list[Row] = []
    shares: list[str] = []
    while True:
        request.GET = QueryDict(asked.urlencode())
        facts = rows(request, replace(view, most=MOST_IN_FILE))
        found += facts["rows"]
        shares = [str(model) for model in facts.get("models", ())]
        if not facts.get("older_url") or len(found) >= MOST_IN_FILE:
            break
        asked = QueryDict(facts["older_url"].removeprefix("?"), mutable=True)
    columns = [value for key, value in _COLUMNS.items() if found and key in found[0]]
    lines = (
        [*(read(row) for _head, read in columns), *(money.yuan(cents) for _model, cents in row.get("shares", ()))]
        for row in found[:MOST_IN_FILE]
    )
    heads = [*(head for head, _read in columns), *shares]
    return csv_files.response(name=f"{name}-{view.today}.csv", headers=heads, rows=lines)
