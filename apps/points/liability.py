"""What the shop owes in points, as of the end of a shop day: read from sums, equal to the books as far as they were tallied.

Every figure is of lines dated up to that day. Lines carry the moment that fell due, so a month's figures stand once the sweep of its
last midnight was tallied; what somebody books with an earlier moment later on changes them.

Breakage: of the cohorts that have nothing left (granted, spent, expired or taken back to the last point, their month over),
rate = Σ expired / Σ kept, kept = granted − taken back − moved. Of an open cohort is foretold: rate × kept − what expired already, not
below zero and not above what is left. With fewer than `ENOUGH_COHORTS` closed ones, or `ENOUGH_POINTS` kept in them, nothing is.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from django.db import connection
from django.db.models import Max, Min, Sum

from apps.points.tallies import DayTotal, Outlook, StoreTally, Tally, TallyMark

ENOUGH_COHORTS = 3
ENOUGH_POINTS = 10_000
Stores = Collection[int] | None  # None: everything, also what belongs to no store
_OUTSTANDING_OF = """
select coalesce(sum(t.granted - t.spent - t.expired - t.taken_back - t.moved), 0)::bigint
from unnest(%s::date[]) with ordinality d (day, place)
left join (points_storetally t join points_currency c on c.id = t.currency_id)
    on t."on" <= d.day and t.store_id = any(%s) and c.key = %s
group by d.place order by d.place
"""
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


@dataclass(frozen=True)
class OfStore:
    """What was earned in one store (None: in none), of all months up to a day: `whole.month` is the first. `breakage`: the share of
    the kept points that expired, of its months with nothing left; None while there is none."""

    store_id: int | None
    whole: Cohort
    breakage: float | None


def as_of() -> datetime | None:
    """When the books were tallied last; None before the first time."""
    return TallyMark.objects.filter(pk=1).values_list("as_of", flat=True).first()


def totals(*, currency: str, on: date) -> Totals:
    """At the end of shop day `on`."""
    rows = DayTotal.objects.filter(currency__key=currency, on__lte=on)
    found = rows.aggregate(**{name: Sum(name, default=0) for name in ("balance", "pending", "held", "debt")})
    return Totals(**found)


def outstanding(*, currency: str, days: Sequence[date], stores: Stores = None) -> list[int]:
    """What members had at the end of each of these days. One statement."""
    with connection.cursor() as cursor:
        if stores is not None:
            cursor.execute(_OUTSTANDING_OF, [list(days), list(stores), currency])
            return [points for (points,) in cursor.fetchall()]
        cursor.execute(
            """select coalesce(sum(t.balance + t.pending + t.held), 0)::bigint from unnest(%s::date[]) with ordinality d (day, place)
               left join (points_daytotal t join points_currency c on c.id = t.currency_id and c.key = %s) on t."on" <= d.day
               group by d.place order by d.place""",
            [list(days), currency],
        )
        return [points for (points,) in cursor.fetchall()]


def cohorts(*, currency: str, on: date, stores: Stores = None) -> list[Cohort]:
    """Oldest first, as they stood at the end of shop day `on`. `stores`: only what was earned in these."""
    told = Tally.objects.all() if stores is None else StoreTally.objects.filter(store__in=stores)
    rows = told.filter(currency__key=currency, on__lte=on).values_list("cohort").order_by("cohort")
    return [Cohort(*row) for row in rows.annotate(*map(Sum, _SUMS))]


def by_store(*, currency: str, on: date, stores: Stores = None) -> list[OfStore]:
    """The cohorts of each store added up, who is owed most first; what was earned in no store is last."""
    everywhere = StoreTally.objects.filter(currency__key=currency, on__lte=on)
    told = everywhere if stores is None else everywhere.filter(store__in=stores)
    grouped = defaultdict(list)
    for store_id, *row in told.values_list("store_id", "cohort").order_by("cohort").annotate(*map(Sum, _SUMS)):
        grouped[store_id].append(Cohort(*row))
    found = [_of_store(store_id, months, on=on) for store_id, months in grouped.items()]
    return sorted(found, key=lambda one: (one.store_id is None, -one.whole.left, one.store_id))


def _of_store(store_id: int | None, months: Sequence[Cohort], *, on: date) -> OfStore:
    sums = [sum(getattr(one, name) for one in months) for name in _SUMS]
    ended = closed(months, on=on)
    kept = sum(one.kept for one in ended)
    breakage = sum(one.expired for one in ended) / kept if kept else None
    return OfStore(store_id, Cohort(months[0].month, *sums), breakage)


def closed(found: Sequence[Cohort], *, on: date) -> list[Cohort]:
    """Cohorts whose month is over and that have nothing left."""
    return [one for one in found if not one.left and one.kept > 0 and one.month < on.replace(day=1)]


def forecast(found: Sequence[Cohort], *, on: date) -> Forecast:
    """What will run out of what is left; see above for the formula."""
    ended = closed(found, on=on)
    kept = sum(one.kept for one in ended)
    if len(ended) < ENOUGH_COHORTS or kept < ENOUGH_POINTS:
        return Forecast(None, len(ended), {})
    rate = Fraction(sum(one.expired for one in ended), kept)
    expected = {one.month: min(max(round(rate * one.kept) - one.expired, 0), one.left) for one in found if one.left > 0}
    return Forecast(rate, len(ended), expected)


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
