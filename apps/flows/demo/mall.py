"""What the demo's mall offers for points: invented gifts, each of which says that it is one."""

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.points import stocking
from apps.points.models import Currency, Reward

NOTE, NOTE_EN = "演示礼品，不会真的发放。", "A demo gift: nothing is handed over."
REASON = "演示备货"
STORES = 4  # that keep what only chosen stores have
# key, picture, name, English name, points, cost in 分, stock, what else is said of it
_Gift = tuple[str, str, str, str, int, int, int, dict[str, Any]]
GIFTS: tuple[_Gift, ...] = (
    ("demo-bag", "bag", "禾汀帆布袋", "HETING canvas bag", 300, 900, 800, {}),
    ("demo-tea", "tea", "禾汀优选 茉莉花茶", "Jasmine tea", 600, 1800, 500, {}),
    ("demo-cup", "cup", "禾汀马克杯", "HETING mug", 500, 2600, 300, {"per_member": 2, "per_days": 30, "cash_cents": 990}),
    ("demo-flower", "flower", "当季小花束", "Small bouquet of the season", 1200, 3500, 15, {"is_store_limited": True}),
    ("demo-book", "book", "禾汀家常菜谱", "HETING home recipes", 1500, 4000, 200, {"per_member": 1}),
    ("demo-class", "ticket", "周末烘焙课一席", "A seat in the weekend baking class", 2500, 9000, 40, {"per_member": 1}),
    ("demo-scarf", "scarf", "禾汀羊毛围巾", "HETING wool scarf", 4000, 12000, 60, {"tier_keys": ["gold", "black-gold"]}),
    ("demo-box", "gift", "年货礼盒", "New Year gift box", 6000, 18000, 0, {}),
)  # fmt: skip


@transaction.atomic
def fill(store_ids: list[int], *, since: datetime) -> int:
    """Put the gifts and their stock on the shelf; the gift box is sold out. Returns how many. What is there already stays."""
    spendable = Currency.objects.get(key="points")
    there = set(Reward.objects.values_list("key", flat=True))
    for position, (key, motif, name, name_en, points, worth_cents, stock, more) in enumerate(GIFTS):
        if key in there:
            continue
        reward = stocking.save(
            Reward(
                key=key, motif=motif, name=name, name_en=name_en, description=NOTE, description_en=NOTE_EN,
                currency=spendable, points=points, worth_cents=worth_cents, position=position, is_active=True,
                left=None if more.get("is_store_limited") else 0, created_at=since, **more,
            )
        )  # fmt: skip
        where = store_ids[:STORES] if reward.is_store_limited else [None] if stock else []
        for store_id in where:
            stocking.change_stock(reward_id=reward.pk, change=stock, reason=REASON, store_id=store_id, moment=since)
    return len(GIFTS)
