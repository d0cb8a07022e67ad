"""What tiers give, as data: what is unlocked and what not yet. Rules read the multiplier and the birthday points in `facts.py`."""

from dataclasses import dataclass

from apps.points import tiers
from apps.points.models import Benefit, Tier


@dataclass(frozen=True)
class Right:
    """One benefit of one tier; `is_unlocked` when the member stands there or higher."""

    benefit: Benefit
    tier: Tier
    is_unlocked: bool


def of_tier(*, tier_key: str) -> list[Benefit]:
    return list(Benefit.objects.filter(tier__key=tier_key))


def rights(*, member_id: int) -> list[Right]:
    """Every benefit of every tier, lowest tier first; the member's own are unlocked."""
    rank = tiers.tier_of(member_ids=[member_id]).get(member_id)
    mine = rank.rank if rank else 0
    found = Benefit.objects.select_related("tier").order_by("tier__rank", "position", "pk")
    return [Right(benefit, benefit.tier, is_unlocked=benefit.tier.rank <= mine) for benefit in found]
