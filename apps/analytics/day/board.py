"""The figures of a shop day for some stores, against the same weekday a week before: read from the roll-up, whatever the size.

`store_ids` is the reader's reach: None is everything, also what belongs to no store; a list is the sum of these stores.
"""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, Sum

from apps.analytics.day import sources
from apps.analytics.models import DailyFigure, StaffFigure
from apps.analytics.reach import Stores, summed, within
from apps.analytics.rollup import ROLLED, TICK, WEEK
from apps.core import clock


@dataclass(frozen=True)
class Told:
    """`before`: of the same weekday a week earlier, until the same time where the day is not over; None: nobody counted that day."""

    value: int
    before: int | None

    @property
    def change(self) -> float | None:
        """0.12: an eighth more. None: there is nothing to compare with."""
        return (self.value - self.before) / self.before if self.before else None


@dataclass(frozen=True)
class Board:
    """`end`: what happened before it is counted; `as_of` None: the day was not counted yet, and there are no figures."""

    on: date
    as_of: datetime | None
    end: datetime
    is_over: bool
    figures: dict[str, Told]

    @property
    def end_before(self) -> datetime:
        """The same of the day that is compared with."""
        return self.end - WEEK


def board(*, on: date, store_ids: Stores) -> Board:
    """Two statements."""
    counted = dict(
        DailyFigure.objects.filter(name=ROLLED, store_id=0, on__in=[on, on - WEEK]).values_list("on", "as_of")
    )
    as_of = counted.get(on)
    if as_of is None:
        return Board(on, None, clock.day_end(on), False, {})
    is_over = as_of >= clock.day_end(on)
    names = list(sources.FIGURES)
    wanted = Q(on=on, name__in=names)
    wanted |= (
        Q(on=on - WEEK, name__in=names) if is_over else Q(on=on, name__in=[sources.BEFORE + name for name in names])
    )
    rows = summed(DailyFigure.objects.filter(wanted), store_ids)
    sums = {(day, name): value for day, name, value in rows.values_list("on", "name").annotate(value=Sum("value"))}
    is_known = not is_over or on - WEEK in counted

    def told(name: str) -> Told:
        before = sums.get((on - WEEK, name) if is_over else (on, sources.BEFORE + name), 0)
        return Told(sums.get((on, name), 0), before if is_known else None)

    return Board(on, as_of, min(clock.day_end(on), as_of + TICK), is_over, {name: told(name) for name in names})


@dataclass(frozen=True)
class Person:
    staff_id: int
    figures: dict[str, int]


def people(*, on: date, store_ids: Stores, limit: int = 100) -> list[Person]:
    """Those who did something that day, by what they sold. What nobody's name stands at is in the store's figures alone."""
    rows = StaffFigure.objects.filter(on=on, name__in=list(sources.FIGURES))
    rows = within(rows, store_ids)
    found: dict[int, dict[str, int]] = {}
    for staff_id, name, value in rows.values_list("staff_id", "name").annotate(value=Sum("value")):
        found.setdefault(staff_id, {})[name] = value
    ranked = sorted(found.items(), key=lambda one: (-one[1].get("sales.paid_cents", 0), one[0]))
    return [Person(staff_id, figures) for staff_id, figures in ranked[:limit]]
