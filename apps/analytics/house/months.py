"""A month so far: what its figures came to by place, and where they should stand by now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q, Sum

from apps.analytics import selectors
from apps.analytics.day.sources import VIA
from apps.analytics.house.figures import COSTS, ENGAGED, Goal
from apps.analytics.models import DailyFigure, StaffFigure
from apps.analytics.reach import Stores, summed, within
from apps.analytics.rollup import ROLLED, TICK
from apps.care.models import Cost
from apps.core import clock

BRAND = 0  # where `DailyFigure` keeps the sum of all


@dataclass(frozen=True, kw_only=True)
class Month:
    """[start, end): as far as it was counted. `elapsed`: the share of the month that is over, 0 to 1.

    `missing`: days of it, over or begun, that nobody counted.
    """

    first: date
    last: date
    as_of: datetime | None
    end: datetime
    elapsed: float
    missing: int

    @property
    def start(self) -> datetime:
        return clock.day_start(self.first)

    @property
    def key(self) -> str:
        return f"{self.first:%Y-%m}"

    @property
    def is_over(self) -> bool:
        return self.elapsed >= 1


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A figure against its target.

    `due`: what should be there by now, if every hour of the month brought as much; of a rate: the target. `foreseen`: where it
    ends at this pace.
    """

    goal: Goal
    value: int | None
    target: int | None
    due: int | None
    foreseen: int | None

    @property
    def deviation(self) -> int | None:
        return None if self.due is None or self.value is None else self.value - self.due

    @property
    def off(self) -> float | None:
        """−0.08: eight percent behind; of a share in points: −0.021 is 2.1 points. None: nothing to compare with."""
        if self.deviation is None:
            return None
        if self.goal.unit == "share":
            return self.deviation / 10_000
        return self.deviation / self.due if self.due else None

    @property
    def reached(self) -> float | None:
        return None if not self.target or self.value is None else self.value / self.target


def of(first: date) -> Month:
    """The month that begins on `first`."""
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    as_of, start, whole = selectors.as_of(), clock.day_start(first), clock.day_end(last)
    if as_of is None or as_of < start:
        return Month(first=first, last=last, as_of=as_of, end=start, elapsed=0.0, missing=0)
    end = min(as_of + TICK, whole)
    begun = (clock.local_date(end - TICK) - first).days + 1
    counted = DailyFigure.objects.filter(name=ROLLED, store_id=BRAND, on__range=(first, last)).count()
    elapsed = (end - start) / (whole - start)
    return Month(first=first, last=last, as_of=as_of, end=end, elapsed=elapsed, missing=max(begun - counted, 0))


def standing(goal: Goal, sums: Mapping[str, int], *, target: int | None, month: Month) -> Standing:
    value = goal.value(sums)
    if goal.of:
        return Standing(goal=goal, value=value, target=target, due=target, foreseen=None)
    due = None if target is None else round(target * month.elapsed)
    foreseen = round(value / month.elapsed) if value is not None and month.elapsed else None
    return Standing(goal=goal, value=value, target=target, due=due, foreseen=foreseen)


def by_store(names: Iterable[str], *, month: Month, store_ids: Stores) -> dict[int, dict[str, int]]:
    """Store (and `BRAND`, where the reach is everything) → figure → sum of the month's days, or as it stood last."""
    wanted, days = set(names), (month.first, month.last)
    counted = Q(name__in=wanted - {*ENGAGED}, on__range=days)
    if wanted & {*ENGAGED}:
        newest = DailyFigure.objects.filter(name=ENGAGED[1], store_id=BRAND, on__range=days).order_by("-on")
        counted |= Q(name__in=ENGAGED, on=newest.values("on")[:1])
    rows = within(DailyFigure.objects.filter(counted), store_ids)
    found: dict[int, dict[str, int]] = {}
    for store_id, name, value in rows.values_list("store_id", "name").annotate(value=Sum("value")):
        found.setdefault(store_id, {})[name] = value
    if store_ids is None and COSTS in wanted:
        found.setdefault(BRAND, {})[COSTS] = costs(month)
    return found


def costs(month: Month) -> int:
    """Marketing costs that were entered for days of the month, corrections taken off."""
    return Cost.objects.filter(day__range=(month.first, month.last)).aggregate(sum=Sum("amount_cents"))["sum"] or 0


def by_channel(names: Iterable[str], *, month: Month, store_ids: Stores) -> dict[str, dict[str, int]]:
    """Channel ("" where an order has none) → figure → sum."""
    wanted = set(names)
    days = (month.first, month.last)
    rows = summed(DailyFigure.objects.filter(name__gte=VIA, name__lt=VIA + "\uffff", on__range=days), store_ids)
    found: dict[str, dict[str, int]] = {}
    for full, value in rows.values_list("name").annotate(value=Sum("value")):
        channel, first, second = full.removeprefix(VIA).rsplit(".", 2)
        if f"{first}.{second}" in wanted:
            found.setdefault(channel, {})[f"{first}.{second}"] = value
    return found


def by_person(names: Iterable[str], *, month: Month, store_ids: Stores) -> dict[int, dict[str, int]]:
    """Staff → figure → sum of what they did in these stores."""
    rows = StaffFigure.objects.filter(name__in=list(names), on__range=(month.first, month.last))
    rows = within(rows, store_ids)
    found: dict[int, dict[str, int]] = {}
    for staff_id, name, value in rows.values_list("staff_id", "name").annotate(value=Sum("value")):
        found.setdefault(staff_id, {})[name] = value
    return found


def days_of_work(*, month: Month, store_ids: Stores) -> dict[int, int]:
    """Staff → on how many days of the month they did something here, of all that is counted by person."""
    rows = StaffFigure.objects.filter(on__range=(month.first, month.last))
    rows = within(rows, store_ids)
    return {key: len(days) for key, days in _days(rows.values_list("staff_id", "on").distinct()).items()}


def elsewhere(*, month: Month, store_ids: Stores) -> set[int]:
    """Staff who did something in other stores as well."""
    if store_ids is None:
        return set()
    rows = StaffFigure.objects.filter(on__range=(month.first, month.last)).exclude(store_id__in=[*store_ids])
    return set(rows.values_list("staff_id", flat=True).distinct())


def added(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The figures of several places as one."""
    whole: dict[str, int] = {}
    for part in parts:
        for name, value in part.items():
            whole[name] = whole.get(name, 0) + value
    return whole


def _days(rows: Iterable[tuple[int, date]]) -> dict[int, set[date]]:
    found: dict[int, set[date]] = {}
    for staff_id, on in rows:
        found.setdefault(staff_id, set()).add(on)
    return found
