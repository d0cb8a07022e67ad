"""The slow, plain reading of docs/lifecycle.md: one member at a time, in Python, sharing nothing with the statements it checks."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import mean, median
from typing import Any

from apps.core import clock

RULES: dict[str, Any] = {
    "new_days": 30,
    "won_back_days": 30,
    "fixed_days": [30, 90, 180],
    "gap_factors": [1.5, 3, 6],
    "gap_clamp_days": [21, 180],
    "min_orders": 3,
}


@dataclass
class Purchase:
    id: int
    paid_at: datetime
    total: int
    store: int | None = None
    channel: str = ""
    categories: tuple[int, ...] = ()
    is_cancelled: bool = False
    refunds: list[tuple[datetime, int]] = field(default_factory=list)

    def net(self, moment: datetime) -> int:
        return self.total - sum(amount for at, amount in self.refunds if at <= moment)


def kept(purchases: Iterable[Purchase], moment: datetime) -> list[Purchase]:
    found = [p for p in purchases if p.paid_at <= moment and not p.is_cancelled and p.net(moment) > 0]
    return sorted(found, key=lambda p: (p.paid_at, p.id))


def days(gap: timedelta) -> float:
    return gap.total_seconds() / 86400


def gaps(orders: Sequence[Purchase]) -> list[float]:
    return [days(later.paid_at - earlier.paid_at) for earlier, later in pairwise(orders)]


def limits(orders: Sequence[Purchase], rules: dict[str, Any]) -> list[timedelta]:
    """How long after the last of these orders active, lapsing and dormant last."""
    if len(orders) < rules["min_orders"]:
        return [timedelta(days=n) for n in rules["fixed_days"]]
    low, high = rules["gap_clamp_days"]
    pace = min(max(median(gaps(orders)), low), high)
    return [timedelta(seconds=round(factor * pace * 86400, 6)) for factor in rules["gap_factors"]]


def revival(orders: Sequence[Purchase], rules: dict[str, Any]) -> datetime | None:
    """The latest order that met a member who was dormant or lost by what was known before it."""
    for place in range(len(orders) - 1, 0, -1):
        before = orders[:place]
        if orders[place].paid_at > before[-1].paid_at + limits(before, rules)[1]:
            return orders[place].paid_at
    return None


def stage(purchases: Iterable[Purchase], moment: datetime, rules: dict[str, Any] = RULES) -> str:
    orders = kept(purchases, moment)
    if not orders:
        return "prospect"
    if moment <= orders[0].paid_at + timedelta(days=rules["new_days"]):
        return "new"
    revived = revival(orders, rules)
    if revived and moment <= revived + timedelta(days=rules["won_back_days"]):
        return "won_back"
    age = moment - orders[-1].paid_at
    for name, limit in zip(("active", "lapsing", "dormant"), limits(orders, rules), strict=True):
        if age <= limit:
            return name
    return "lost"


def boundaries(orders: Sequence[Purchase], rules: dict[str, Any]) -> list[datetime]:
    """Every moment at which time alone may move the member on."""
    revived = revival(orders, rules)
    ends = [orders[-1].paid_at + limit for limit in limits(orders, rules)]
    ends.append(orders[0].paid_at + timedelta(days=rules["new_days"]))
    return sorted(ends + ([revived + timedelta(days=rules["won_back_days"])] if revived else []))


def span(
    purchases: list[Purchase], moment: datetime, rules: dict[str, Any] = RULES
) -> tuple[datetime | None, datetime | None]:
    """When the present stage began after the last kept order or at it, and until when (inclusive) it will last.

    Found by walking the boundaries and asking `stage` on either side, not by a formula. A refund still to come is no news yet.
    """
    orders = [replace(p, total=p.net(moment), refunds=[]) for p in kept(purchases, moment)]
    if not orders:
        return None, None
    present, last = stage(purchases, moment, rules), orders[-1].paid_at
    tick = timedelta(microseconds=1)

    def at(when: datetime) -> str:
        return stage(orders, when, rules)

    ends = boundaries(orders, rules)
    since = max([last] + [end for end in ends if last < end < moment and at(end) != at(end + tick)])
    if present == "new":
        since = orders[0].paid_at
    elif present == "won_back":
        since = max(revival(orders, rules) or last, orders[0].paid_at + timedelta(days=rules["new_days"]))
    until = next((end for end in ends if end >= moment and at(end) == present and at(end + tick) != present), None)
    return since, until


def favourite(values: Iterable[Any]) -> Any:
    """The most frequent; of equally frequent ones the smallest."""
    counted = Counter(value for value in values if value not in (None, ""))
    return min(counted, key=lambda value: (-counted[value], value)) if counted else None


def stats(
    purchases: list[Purchase], moment: datetime, joined_at: datetime, rules: dict[str, Any] = RULES
) -> dict[str, Any]:
    orders = kept(purchases, moment)
    between = gaps(orders)
    present = stage(purchases, moment, rules)
    since, until = span(purchases, moment, rules)
    return {
        "first_order_at": orders[0].paid_at if orders else None,
        "last_order_at": orders[-1].paid_at if orders else None,
        "last_order_id": orders[-1].id if orders else None,
        "orders": len(orders),
        "net_cents": sum(p.net(moment) for p in orders),
        "gap_mean_days": round(mean(between), 6) if between else None,
        "gap_median_days": round(median(between), 6) if between else None,
        "top_category_id": favourite(category for p in orders for category in p.categories),
        "top_store_id": favourite(p.store for p in orders),
        "top_hour": favourite(clock.local(p.paid_at).hour for p in orders),
        "top_channel": favourite(p.channel for p in orders) or "",
        "stage": present,
        "stage_since": since or joined_at,
        "next_stage_at": until,
        "revived_at": revival(orders, rules) if present == "won_back" else None,
    }


def score(value: Any, cuts: Sequence[Any]) -> int:
    return 1 + sum(value > cut for cut in cuts)


def cuts(values: Iterable[Any]) -> list[Any]:
    """The 20, 40, 60 and 80 % points that occur: the smallest value with at least that share at or below it."""
    ordered = sorted(values)
    return [ordered[-(-len(ordered) * share // 100) - 1] for share in (20, 40, 60, 80)]
