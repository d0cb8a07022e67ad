"""Stock and rewards as staff keep them."""

from datetime import datetime
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.core.files import pictures
from apps.core.files.errors import PictureTooLarge
from apps.points.mall_errors import StockTooLow
from apps.points.models import Reward, RewardPicture, StockChange, StoreStock

LONGEST_SIDE = 960  # pixels of a reward's picture


@transaction.atomic
def change_stock(
    *, reward_id: int, change: int, reason: str, store_id: int | None = None, staff_id: int | None = None,
    source: str | None = None, moment: datetime | None = None,
) -> int:  # fmt: skip
    """Put pieces in (plus) or take some out (minus); `store_id` for rewards limited to stores. Returns what is left now.

    A stock without an end gets one: it begins at 0. The same `source` again answers what it left. Raises StockTooLow when more would
    be taken out than there is, NotFound.
    """
    reward = Reward.objects.select_for_update(no_key=True).filter(pk=reward_id).first()
    if reward is None or reward.is_store_limited != (store_id is not None):
        raise NotFound
    if source and (known := StockChange.objects.filter(source=source, reward=reward).first()):
        return known.left_after
    left = _changed(reward, store_id=store_id, change=change)
    StockChange.objects.create(
        reward=reward, store_id=store_id, change=change, left_after=left, reason=reason.strip()[:200],
        by_id=staff_id, source=source, at=moment or clock.now(),
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
def shelve(*, reward_id: int, is_active: bool) -> Reward:
    """Put a reward on the shelf or take it off; what was exchanged stays as it is. Raises NotFound."""
    audit.sign()
    reward = Reward.objects.select_for_update().filter(pk=reward_id).first()
    if reward is None:
        raise NotFound
    reward.is_active = is_active
    reward.save(update_fields=["is_active"])
    return reward


def copy(reward: Reward) -> Reward:
    """The same once more, off the shelf and without pieces. Not saved yet: its key and name are the caller's to choose."""
    facts = {field.attname: getattr(reward, field.attname) for field in Reward._meta.concrete_fields}
    own = {"id": None, "key": "", "is_active": False, "taken": 0, "left": None if reward.left is None else 0}
    return Reward(**facts | own | {"created_at": clock.now()})


def picture(content: bytes) -> RewardPicture:
    """Keep a picture, drawn anew; the same one is kept once. Raises PictureRefused, PictureTooLarge."""
    if len(content) > settings.API_UPLOAD_MAX_BYTES:
        raise PictureTooLarge(limit_bytes=settings.API_UPLOAD_MAX_BYTES)
    drawn = pictures.clean(content, longest=LONGEST_SIDE)
    facts = {"content": drawn.content, "width": drawn.width, "height": drawn.height}
    return RewardPicture.objects.get_or_create(digest=sha256(drawn.content).hexdigest(), defaults=facts)[0]


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
