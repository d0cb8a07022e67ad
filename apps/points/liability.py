"""What the shop owes in points, as of the end of a shop day: read from sums, equal to the books as far as they were tallied.

Every figure is of lines dated up to that day. Lines carry the moment that fell due, so a month's figures stand once the sweep of its
last midnight was tallied; what somebody books with an earlier moment later on changes them.

Breakage: of the cohorts that have nothing left (granted, spent, expired or taken back to the last point, their month over),
rate = Σ expired / Σ kept, kept = granted − taken back − moved. Of an open cohort is foretold: rate × kept − what expired already, not
below zero and not above what is left. With fewer than `ENOUGH_COHORTS` closed ones, or `ENOUGH_POINTS` kept in them, nothing is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from django.db import connection
from django.db.models import Max, Min, Sum

from apps.points.tallies import DayTotal, Outlook, Tally, TallyMark

ENOUGH_COHORTS = 3
ENOUGH_POINTS = 10_000
_SUMS = ("granted", "spent", "expired", "taken_back", "moved", "aside")


@dataclass(frozen=True)
class Totals:
    """Of all accounts of a currency. `balance` can be spent; `outstanding` is all that members have, what is owed not taken off."""

    balance: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0

    @property
    def outstanding(self) -> int:
        return self.balance + self.pending + self.held


@dataclass(frozen=True)
class Cohort:
    """Points earned in one month (its first day). Taken back: refunds, paid debts, lapsed while pending, taken by hand. Moved: given to
    others less received from others. `left`: with what is pending and set aside."""

    month: date
    granted: int
    spent: int
    expired: int
    taken_back: int
    moved: int
    aside: int

    @property
    def kept(self) -> int:
        return self.granted - self.taken_back - self.moved

    @property
    def left(self) -> int:
        return self.kept - self.spent - self.expired

    @property
    def breakage(self) -> float | None:
        """Share of the kept points that expired; None while any are left."""
        return self.expired / self.kept if self.kept > 0 and not self.left else None


@dataclass(frozen=True)
class Forecast:
    """`rate` None: not enough data. `expected`: points of open cohorts that will run out, by its month."""

    rate: Fraction | None
    closed: int
    expected: dict[date, int]

    @property
    def points(self) -> int:
        return sum(self.expected.values())


def as_of() -> datetime | None:
    """When the books were tallied last; None before the first time."""
    return TallyMark.objects.filter(pk=1).values_list("as_of", flat=True).first()


def totals(*, currency: str, on: date) -> Totals:
    """At the end of shop day `on`."""
    rows = DayTotal.objects.filter(currency__key=currency, on__lte=on)
    found = rows.aggregate(**{name: Sum(name, default=0) for name in ("balance", "pending", "held", "debt")})
    return Totals(**found)


def outstanding(*, currency: str, days: Sequence[date]) -> list[int]:
    """What members had at the end of each of these days. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """select coalesce(sum(t.balance + t.pending + t.held), 0)::bigint from unnest(%s::date[]) with ordinality d (day, place)
               left join (points_daytotal t join points_currency c on c.id = t.currency_id and c.key = %s) on t."on" <= d.day
               group by d.place order by d.place""",
            [list(days), currency],
        )
        return [points for (points,) in cursor.fetchall()]


def cohorts(*, currency: str, on: date) -> list[Cohort]:
    """Oldest first, as they stood at the end of shop day `on`."""
    rows = Tally.objects.filter(currency__key=currency, on__lte=on).values_list("cohort").order_by("cohort")
    return [Cohort(*row) for row in rows.annotate(*map(Sum, _SUMS))]


def forecast(found: Sequence[Cohort], *, on: date) -> Forecast:
    """What will run out of what is left; see above for the formula."""
    closed = [one for one in found if not one.left and one.kept > 0 and one.month < on.replace(day=1)]
    kept = sum(one.kept for one in closed)
    if len(closed) < ENOUGH_COHORTS or kept < ENOUGH_POINTS:
        return Forecast(None, len(closed), {})
    rate = Fraction(sum(one.expired for one in closed), kept)
    expected = {one.month: min(max(round(rate * one.kept) - one.expired, 0), one.left) for one in found if one.left > 0}
    return Forecast(rate, len(closed), expected)


def ends(*, currency: str) -> list[tuple[str, int]]:
    """Usable points by the month of their last day ("2026-12"), soonest first, "" at the end; as of `outlook_as_of`."""
    found = dict(Outlook.objects.filter(currency__key=currency, kind="ends").values_list("key", "points"))
    return sorted(found.items(), key=lambda row: (not row[0], row[0]))


def by_tier(*, currency: str) -> dict[str, int]:
    """Usable points by tier key; as of `outlook_as_of`."""
    return dict(Outlook.objects.filter(currency__key=currency, kind="tier").values_list("key", "points"))


def begins() -> date | None:
    """The first shop day with a line; None while nothing was tallied."""
    return DayTotal.objects.aggregate(first=Min("on"))["first"]


def outlook_as_of() -> datetime | None:
    return Outlook.objects.aggregate(newest=Max("as_of"))["newest"]


def worth(points: int, *, cents_per_hundred: int) -> int:
    """In 分, half a 分 rounded up."""
    return (points * cents_per_hundred + 50) // 100
