"""Daily sales before and after a day, by store, each day against the same weekday before it; read from the day's figures alone.

The days after begin with the event's own. The change is the mean of the differences of these pairs; its 95 % interval is that of
Student for so few pairs. A store that had no sales in all these days is left out: it was not there.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Sum

from apps.analytics.models import DailyFigure
from apps.analytics.reach import within
from apps.analytics.rollup import ROLLED

FIGURE = "sales.paid_cents"
# Days each side, whole weeks, and Student's 97.5 % point for one degree of freedom less.
SPANS: dict[int, float] = {7: 2.446912, 14: 2.160369, 28: 2.051831}


@dataclass(frozen=True)
class Change:
    """Of one store, 0: all that were asked for. 分 a day; `low` and `high` bound `change`."""

    store_id: int
    before: float
    after: float
    change: float
    low: float
    high: float

    @property
    def is_certain(self) -> bool:
        return self.low > 0 or self.high < 0


def pairs(on: date, days: int) -> list[tuple[date, date]]:
    """(day before, day after), a whole number of weeks apart."""
    return [(on + timedelta(days=n - days), on + timedelta(days=n)) for n in range(days)]


def changes(*, on: date, days: int, store_ids: Sequence[int] | None) -> list[Change]:
    """Each store within reach by its number, and first their sum; none where a day was not counted. `days`: one of SPANS."""
    first, last = on - timedelta(days=days), on + timedelta(days=days - 1)
    if not _is_counted(first, last):
        return []
    sales = daily(first=first, last=last, store_ids=store_ids)
    by_store: dict[int, dict[date, int]] = {}
    for (store, day), cents in sales.items():
        by_store.setdefault(store, {})[day] = cents
    whole: dict[date, int] = {}
    for (_store, day), cents in sales.items():
        whole[day] = whole.get(day, 0) + cents
    found = [_change(0, whole, on, days)] if whole else []
    return found + [_change(store, by_store[store], on, days) for store in sorted(by_store)]


def daily(*, first: date, last: date, store_ids: Sequence[int] | None) -> dict[tuple[int, date], int]:
    """(store, day) → 分. Orders of no store are in no store's sales."""
    rows = DailyFigure.objects.filter(name=FIGURE, on__range=(first, last)).exclude(store_id=0)
    rows = within(rows, store_ids)
    return {(store, on): cents for store, on, cents in rows.values_list("store_id", "on").annotate(n=Sum("value"))}


def _is_counted(first: date, last: date) -> bool:
    marks = DailyFigure.objects.filter(name=ROLLED, store_id=0, on__range=(first, last)).count()
    return marks == (last - first).days + 1


def _change(store: int, sales: dict[date, int], on: date, days: int) -> Change:
    both = [(sales.get(before, 0), sales.get(after, 0)) for before, after in pairs(on, days)]
    gaps = [after - before for before, after in both]
    middle = statistics.fmean(gaps)
    reach = SPANS[days] * statistics.stdev(gaps) / days**0.5
    return Change(
        store, statistics.fmean(one for one, _after in both), statistics.fmean(one for _before, one in both), middle,
        middle - reach, middle + reach,
    )  # fmt: skip
