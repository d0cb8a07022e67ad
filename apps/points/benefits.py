"""What tiers give, as data: rules read the multiplier and the birthday points, the portal shows what is unlocked or not yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from apps.points import tiers
from apps.points.models import Benefit, Tier


@dataclass(frozen=True)
class Right:
    """One benefit of one tier; `is_unlocked` when the member stands there or higher."""

    benefit: Benefit
    tier: Tier
    is_unlocked: bool


def multipliers() -> dict[str, Decimal]:
    """Tier key → factor of earning; 1 where a tier names none."""
    factors = dict.fromkeys(Tier.objects.values_list("key", flat=True), Decimal(1))
    for benefit in Benefit.objects.filter(kind=Benefit.Kind.MULTIPLIER).select_related("tier"):
        factors[benefit.tier.key] = Decimal(str(benefit.value.get("factor", 1)))
    return factors


def multiplier_of(*, member_ids: Sequence[int]) -> dict[int, Decimal]:
    factors = multipliers()
    return {member_id: factors[tier.key] for member_id, tier in tiers.tier_of(member_ids=member_ids).items()}


def birthday_points() -> dict[str, int]:
    """Tier key → points; a tier without a birthday gift is left out."""
    gifts = Benefit.objects.filter(kind=Benefit.Kind.BIRTHDAY).select_related("tier")
    return {benefit.tier.key: int(benefit.value.get("points", 0)) for benefit in gifts}


def of_tier(*, tier_key: str) -> list[Benefit]:
    return list(Benefit.objects.filter(tier__key=tier_key))


def rights(*, member_id: int) -> list[Right]:
    """Every benefit of every tier, lowest tier first; the member's own are unlocked."""
    rank = tiers.tier_of(member_ids=[member_id]).get(member_id)
    mine = rank.rank if rank else 0
    found = Benefit.objects.select_related("tier").order_by("tier__rank", "position", "pk")
    return [Right(benefit, benefit.tier, is_unlocked=benefit.tier.rank <= mine) for benefit in found]
