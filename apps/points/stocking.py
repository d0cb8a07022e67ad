"""Stock and rewards as staff keep them."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.points.mall_errors import StockTooLow
from apps.points.models import Reward, StockChange, StoreStock


@transaction.atomic
def change_stock(
    *, reward_id: int, change: int, reason: str, store_id: int | None = None, staff_id: int | None = None,
    moment: datetime | None = None,
) -> int:  # fmt: skip
    """Put pieces in (plus) or take some out (minus); `store_id` for rewards limited to stores. Returns what is left now.

    A stock without an end gets one: it begins at 0. Raises StockTooLow when more would be taken out than there is, NotFound.
    """
    reward = Reward.objects.filter(pk=reward_id).first()
    if reward is None or reward.is_store_limited != (store_id is not None):
        raise NotFound
    left = _changed(reward, store_id=store_id, change=change)
    StockChange.objects.create(
        reward=reward, store_id=store_id, change=change, left_after=left, reason=reason.strip()[:200],
        by_id=staff_id, at=moment or clock.now(),
    )  # fmt: skip
    audit.record("reward.stock", object_type="reward", object_id=reward.pk, after={"store": store_id, "change": change})
    return left


def _changed(reward: Reward, *, store_id: int | None, change: int) -> int:
    """One conditional statement on the one row that counts, for members take from it at the same moment."""
    counted: QuerySet[Any]
    if store_id is None:
        Reward.objects.filter(pk=reward.pk, left=None).update(left=0)
        counted = Reward.objects.filter(pk=reward.pk)
    else:
        StoreStock.objects.get_or_create(reward=reward, store_id=store_id, defaults={"left": 0})
        counted = StoreStock.objects.filter(reward=reward, store_id=store_id)
    if not counted.filter(left__gte=-change).update(left=F("left") + change):
        raise StockTooLow(left=counted.values_list("left", flat=True).get())
    return counted.values_list("left", flat=True).get() or 0


@transaction.atomic
def save(reward: Reward) -> Reward:
    """Write what a form checked: everything but stock and what was taken, which only exchanges and `change_stock` move."""
    audit.sign()
    if reward.pk is None:
        reward.save(force_insert=True)
        return reward
    kept = {"id", "left", "taken", "key", "kind", "currency", "is_store_limited", "created_at"}
    reward.save(update_fields=[f.name for f in Reward._meta.concrete_fields if f.name not in kept])
    return reward
