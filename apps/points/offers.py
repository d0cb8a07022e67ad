"""What the mall shows: rewards with every reason why one is not to be had, and the exchanges of a member."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from apps.core import clock
from apps.points import selectors
from apps.points.models import Exchange, Reward, Standing, StoreStock, Tier

_COUNTS = Q(state__in=["awaiting", "ready", "done"]) | Q(state="lapsed", reward__forfeits_points=True)


@dataclass(frozen=True)
class InStore:
    id: int
    name: str
    left: int


@dataclass(frozen=True)
class Offer:
    """One reward for one member. `left` None: no end of it. `reasons`: keys of `mall_errors.REASONS`, the gravest first; none: take it.

    `short_by`: points that are missing. `stores`: where it is to be had, for rewards limited to stores.
    """

    reward: Reward
    left: int | None
    mine: int
    short_by: int
    reasons: tuple[str, ...]
    stores: tuple[InStore, ...] = ()

    @property
    def is_available(self) -> bool:
        return not self.reasons


@dataclass(frozen=True)
class _Known:
    """What is asked once for all rewards."""

    tier_key: str
    today: int
    moment: datetime
    totals: dict[str, selectors.Totals]
    mine: dict[int, int]
    stocks: dict[int, list[InStore]] = field(default_factory=dict)


def tier_key(member_id: int) -> str:
    """Where the member stands; without a standing on the lowest rung. "" where there are no tiers."""
    found = Standing.objects.filter(member_id=member_id).values_list("tier__key", flat=True).first()
    return found or Tier.objects.order_by("rank").values_list("key", flat=True).first() or ""


def closed(reward: Reward, *, tier_key: str, moment: datetime) -> str:
    """The reason of time or tier that keeps this reward from a member; "" when none does."""
    if reward.starts_at and moment < reward.starts_at:
        return "not_started"
    if reward.ends_at and moment >= reward.ends_at:
        return "ended"
    if reward.tier_keys and tier_key not in reward.tier_keys:
        return "tier_too_low"
    return ""


def had(*, member_id: int, reward_id: int | None = None, since: datetime | None = None) -> int:
    """Exchanges of a member that count against a limit: not those that were cancelled, or lapsed with the points given back."""
    found = Exchange.objects.filter(_COUNTS, member_id=member_id)
    if reward_id is not None:
        found = found.filter(reward_id=reward_id)
    return found.filter(at__gte=since).count() if since else found.count()


def find(*, member_id: int, moment: datetime | None = None) -> list[Offer]:
    """All that is on offer: first what the member can have, then what is nearest."""
    moment = moment or clock.now()
    running = Reward.objects.filter(Q(ends_at=None) | Q(ends_at__gt=moment), is_active=True)
    offers = _judged(running, member_id=member_id, moment=moment)
    return sorted(
        offers, key=lambda one: (not one.is_available, one.reasons != ("insufficient_balance",), one.short_by)
    )


def one(*, member_id: int, reward_id: int, moment: datetime | None = None) -> Offer | None:
    """The same for one reward, also when it is over; None when it is not shown to anybody."""
    found = Reward.objects.filter(pk=reward_id, is_active=True)
    return next(iter(_judged(found, member_id=member_id, moment=moment or clock.now())), None)


def of_member(member_id: int) -> QuerySet[Exchange]:
    """Newest first."""
    return (
        Exchange.objects.filter(member_id=member_id).select_related("reward", "store", "handed_store").order_by("-pk")
    )


def _judged(rewards: QuerySet[Reward], *, member_id: int, moment: datetime) -> list[Offer]:
    rows = list(rewards.select_related("currency").order_by("position", "pk"))
    known = _Known(
        tier_key=tier_key(member_id),
        today=had(member_id=member_id, since=clock.day_start(clock.local_date(moment))),
        moment=moment,
        totals={
            key: selectors.totals(member_id=member_id, currency=key, moment=moment)
            for key in {row.currency.key for row in rows}
        },
        mine=_mine(rows, member_id=member_id, moment=moment),
        stocks=_stocks(rows),
    )
    return [_offer(row, known) for row in rows]


def _mine(rows: Sequence[Reward], *, member_id: int, moment: datetime) -> dict[int, int]:
    """How many of each the member had within its period."""
    within = [
        Q(reward_id=row.pk, at__gte=moment - timedelta(days=row.per_days)) if row.per_days else Q(reward_id=row.pk)
        for row in rows
        if row.per_member is not None
    ]
    if not within:
        return {}
    some = within[0]
    for more in within[1:]:
        some |= more
    counted = Exchange.objects.filter(_COUNTS, some, member_id=member_id).values("reward_id").annotate(n=Count("pk"))
    return {row["reward_id"]: row["n"] for row in counted}


def _stocks(rows: Sequence[Reward]) -> dict[int, list[InStore]]:
    limited = [row.pk for row in rows if row.is_store_limited]
    found: dict[int, list[InStore]] = {}
    if limited:
        stocks = StoreStock.objects.filter(reward_id__in=limited, store__is_open=True)
        for stock in stocks.select_related("store").order_by("store__code"):
            found.setdefault(stock.reward_id, []).append(InStore(stock.store_id, stock.store.name, stock.left))
    return found


def _offer(row: Reward, known: _Known) -> Offer:
    stores = tuple(known.stocks.get(row.pk, ()))
    left = sum(store.left for store in stores) if row.is_store_limited else row.left
    totals = known.totals[row.currency.key]
    mine = known.mine.get(row.pk, 0)
    found = {
        "frozen": totals.is_frozen,
        closed(row, tier_key=known.tier_key, moment=known.moment): True,
        "out_of_stock": left == 0,
        "limit_reached": row.per_member is not None and mine >= row.per_member,
        "daily_limit": known.today >= settings.MALL_PER_DAY,
        "insufficient_balance": totals.balance < row.points,
    }
    return Offer(
        reward=row,
        left=left,
        mine=mine,
        short_by=max(row.points - totals.balance, 0),
        reasons=tuple(reason for reason, holds in found.items() if holds and reason),
        stores=stores,
    )
