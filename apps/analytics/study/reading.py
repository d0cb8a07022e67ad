"""What the tables say for some stores: retention by cohort, orders by weekday and hour, moves between RFM groups.

`store_ids` is the reader's reach: None is everything, a list the sum of these stores.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import Sum
from django.db.models.functions import ExtractIsoWeekDay

from apps.analytics.models import CellMove, CohortMonth, HourFigure
from apps.analytics.reach import Stores, within


@dataclass
class Cohort:
    """Who bought first in `month`. `later`: month → (members who bought, their orders, what they paid, in 分)."""

    month: date
    members: int = 0
    later: dict[date, tuple[int, int, int]] = field(default_factory=dict)

    def share(self, month: date) -> float:
        """Of its members, those who bought in that month."""
        return self.later.get(month, (0, 0, 0))[0] / self.members if self.members else 0.0


def cohorts(*, first: date, last: date, store_ids: Stores) -> list[Cohort]:
    """Cohorts of the months `first` to `last` (first days of months), each up to `last`."""
    rows = within(CohortMonth.objects.filter(cohort__range=(first, last), month__lte=last), store_ids)
    sums = rows.values_list("cohort", "month").annotate(n=Sum("members"), o=Sum("orders"), c=Sum("net_cents"))
    found = {month: Cohort(month) for month in months(first, last)}
    for cohort, month, members, orders, cents in sums:
        if month == cohort:
            found[cohort].members = members
        found[cohort].later[month] = (members, orders, cents)
    return list(found.values())


def months(first: date, last: date) -> list[date]:
    found, month = [], first
    while month <= last:
        found.append(month)
        month = next_month(month)
    return found


def next_month(month: date, count: int = 1) -> date:
    number = month.year * 12 + month.month - 1 + count
    return date(number // 12, number % 12 + 1, 1)


def hours(*, first: date, last: date, store_ids: Stores) -> dict[tuple[int, int], tuple[int, int]]:
    """(weekday, hour) → (orders, 分) over the days; 1 is Monday. Absent: none."""
    rows = within(HourFigure.objects.filter(on__range=(first, last)), store_ids).annotate(
        weekday=ExtractIsoWeekDay("on")
    )
    sums = rows.values_list("weekday", "hour").annotate(o=Sum("orders"), c=Sum("paid_cents"))
    return {(weekday, hour): (orders, cents) for weekday, hour, orders, cents in sums}


def cells(*, days: int, store_ids: Stores) -> tuple[date | None, dict[tuple[str, str], int]]:
    """The day they were counted, and (before, after) → members over the `days` before it."""
    rows = CellMove.objects.filter(days=days)
    on = rows.order_by("-on").values_list("on", flat=True).first()
    if on is None:
        return None, {}
    sums = within(rows.filter(on=on), store_ids).values_list("before", "after").annotate(n=Sum("members"))
    return on, {(before, after): members for before, after, members in sums}


def span(last: date, weeks: int) -> tuple[date, date]:
    """Whole weeks that end here, so that each weekday counts as often."""
    return last - timedelta(days=7 * weeks - 1), last
