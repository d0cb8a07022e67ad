"""The scorecard of a month in three dimensions: members' worth, business, and whether the house is worked with.

Only what the data has: a measure without anything to measure is left out. Each is a sum over a sum, and both open to rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from django.db.models import Sum

from apps.analytics.day import listing, sources
from apps.analytics.day.listing import Wanted
from apps.analytics.house import months, returns
from apps.analytics.house.figures import ENGAGED
from apps.analytics.house.months import Month
from apps.analytics.models import DailyFigure
from apps.analytics.reach import Stores, summed, within
from apps.stores.models import Staff, Store

Dimension = Literal["worth", "business", "use"]
Unit = Literal["cents", "share", "times"]
WORTH = [figure.name for figure in sources.WORTH.figures]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """`part` over `whole`. `key` names it for words and rows."""

    key: str
    dimension: Dimension
    unit: Unit
    part: int
    whole: int

    @property
    def value(self) -> float:
        """分 each, a share, or so many 分 for each."""
        return self.part / self.whole


def measures(*, month: Month, store_ids: Stores, may: Callable[[str], bool]) -> list[Measure]:
    """In the order they are shown. `may`: the reader's permissions."""
    names = ("orders.paid", "orders.again", "members.joined", *ENGAGED)
    sums = _whole(months.by_store(names, month=month, store_ids=store_ids), store_ids)
    found: list[Measure] = []

    def add(key: str, dimension: Dimension, unit: Unit, part: int, whole: int) -> None:
        if whole:
            found.append(Measure(key=key, dimension=dimension, unit=unit, part=part, whole=whole))

    joined, paid = sums.get("members.joined", 0), sums.get("orders.paid", 0)
    if may("members.view"):
        worth = _worth(month, store_ids)
        add("worth", "worth", "cents", worth.get("worth.net_cents", 0), worth.get("worth.members", 0))
    if may("members.view"):
        add("engaged", "worth", "share", sums.get(ENGAGED[0], 0), sums.get(ENGAGED[1], 0))
    if may("orders.view"):
        add("again", "worth", "share", sums.get("orders.again", 0), paid)
    if may("members.view") and joined:
        bought = listing.total(
            wanted=Wanted(name="members.bought", start=month.start, end=month.end, store_ids=store_ids)
        )
        add("bought", "business", "share", bought.value, joined)
    if store_ids is None and may("costs.view") and (cost := months.costs(month)):
        add("joining", "business", "cents", cost, joined)
    if store_ids is None and may("costs.view") and may("orders.view"):
        found_returns = returns.of(month)
        add(
            "returned",
            "business",
            "times",
            sum(one.brought for one in found_returns),
            sum(one.spent for one in found_returns),
        )
    if may("orders.view"):
        people = months.by_person(["orders.paid"], month=month, store_ids=store_ids)
        add("guided", "use", "share", sum(one.get("orders.paid", 0) for one in people.values()), paid)
    days = months.days_of_work(month=month, store_ids=store_ids)
    staff = set(active_staff(store_ids))
    add("people", "use", "share", len(staff & set(days)), len(staff))
    stores = set(open_stores(store_ids))
    add("stores", "use", "share", len(stores & stores_at_work(month)), len(stores))
    return found


def active_staff(store_ids: Stores) -> list[int]:
    """Who works in stores; head office is measured by nothing here."""
    rows = Staff.objects.filter(is_active=True, store__isnull=False, store__is_open=True, store__is_warehouse=False)
    return list(within(rows, store_ids).values_list("pk", flat=True))


def open_stores(store_ids: Stores) -> list[int]:
    rows = Store.objects.filter(is_open=True, is_warehouse=False)
    return list((rows if store_ids is None else rows.filter(pk__in=store_ids)).values_list("pk", flat=True))


def stores_at_work(month: Month) -> set[int]:
    """Stores with an order, a coupon redeemed, a member's visit or a ticket ended in the month."""
    names = ("orders.paid", "coupons.used", "bookings.arrived", "tickets.ended")
    rows = DailyFigure.objects.filter(name__in=names, on__range=(month.first, month.last), store_id__gt=0)
    return set(rows.values_list("store_id", flat=True).distinct())


def _worth(month: Month, store_ids: Stores) -> dict[str, int]:
    """As it stood on the last day of the month that was counted."""
    rows = DailyFigure.objects.filter(name__in=WORTH, on__range=(month.first, month.last))
    newest = rows.filter(store_id=0).order_by("-on").values_list("on", flat=True).first()
    if newest is None:
        return {}
    rows = rows.filter(on=newest)
    return dict(summed(rows, store_ids).values_list("name").annotate(value=Sum("value")))


def _whole(by_store: dict[int, dict[str, int]], store_ids: Stores) -> dict[str, int]:
    return by_store.get(months.BRAND, {}) if store_ids is None else months.added(by_store.values())
