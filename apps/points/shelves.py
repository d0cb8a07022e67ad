"""The shelf as staff read it: rewards with their state and what is left, stock by store, and the history of stock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from apps.points.models import Reward, StockChange, StoreStock
from apps.points.offers import InStore

STATES = ("on", "gone", "soon", "over", "off")
MOST = 300  # rewards on one page


@dataclass(frozen=True)
class Shelved:
    """`left` None: no end of it. `state`: a key of STATES. `stores`: the stock a reader may see, for rewards limited to stores."""

    reward: Reward
    state: str
    left: int | None
    stores: tuple[InStore, ...] = ()


def find(
    *, moment: datetime, store_ids: Sequence[int] | None, text: str = "", state: str = "", store_id: int | None = None
) -> list[Shelved]:
    """In the order of the shelf. A store's reader sees what is had everywhere and what their stores keep."""
    reach = store_ids if store_id is None else [store_id]
    rows = within(reach)
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(name_en__icontains=text) | Q(key__iexact=text))
    found = _shelved(list(rows.order_by("-is_active", "position", "pk")[:MOST]), moment=moment, store_ids=reach)
    return [one for one in found if not state or one.state == state]


def one(*, reward_id: int, moment: datetime, store_ids: Sequence[int] | None) -> Shelved | None:
    rows = list(within(store_ids).filter(pk=reward_id))
    return next(iter(_shelved(rows, moment=moment, store_ids=store_ids)), None)


def within(store_ids: Sequence[int] | None) -> QuerySet[Reward]:
    rows = Reward.objects.select_related("currency")
    if store_ids is None:
        return rows
    kept = StoreStock.objects.filter(store_id__in=store_ids).values("reward_id")
    return rows.filter(Q(is_store_limited=False) | Q(pk__in=kept))


def changes(*, reward_id: int, store_ids: Sequence[int] | None, limit: int) -> list[StockChange]:
    """The newest changes of its stock by people."""
    rows = StockChange.objects.filter(reward_id=reward_id).select_related("store", "by").order_by("-pk")
    if store_ids is not None:
        rows = rows.filter(Q(store=None) | Q(store_id__in=store_ids))
    return list(rows[:limit])


def _shelved(rows: list[Reward], *, moment: datetime, store_ids: Sequence[int] | None) -> list[Shelved]:
    stocks = StoreStock.objects.filter(reward__in=[row.pk for row in rows if row.is_store_limited])
    if store_ids is not None:
        stocks = stocks.filter(store_id__in=store_ids)
    kept: dict[int, list[InStore]] = {}
    for stock in stocks.select_related("store").order_by("store__code"):
        kept.setdefault(stock.reward_id, []).append(InStore(stock.store_id, stock.store.name, stock.left))
    found = []
    for row in rows:
        stores = tuple(kept.get(row.pk, ()))
        left = sum(store.left for store in stores) if row.is_store_limited else row.left
        found.append(Shelved(row, _state(row, left=left, moment=moment), left, stores))
    return found


def _state(row: Reward, *, left: int | None, moment: datetime) -> str:
    if not row.is_active:
        return "off"
    if row.ends_at and row.ends_at <= moment:
        return "over"
    if row.starts_at and row.starts_at > moment:
        return "soon"
    return "gone" if left == 0 else "on"
