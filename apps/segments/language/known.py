"""What the brand has made and rules may ask about: read once for a piece of work, however many rules it compiles."""

from dataclasses import dataclass
from functools import cached_property

from apps.catalog.models import Category
from apps.members.models import Attribute
from apps.points.models import Currency, Tier
from apps.segments.models import Cell, Segment, Stage, Track, Trait
from apps.segments.traits import shape


@dataclass(frozen=True)
class KnownTrait:
    """`type` as in `Trait.Type`; `nothing`: its number of a member of whom there is nothing."""

    id: int
    type: str
    nothing: float | None


class Known:
    """Everything is read when it is first asked for."""

    @cached_property
    def attributes(self) -> dict[str, str]:
        """Type by key; retired ones too: a rule that names one goes on."""
        return dict(Attribute.objects.values_list("key", "type"))

    @cached_property
    def tiers(self) -> list[str]:
        """Keys, the lowest first: where everybody begins."""
        return list(Tier.objects.order_by("rank").values_list("key", flat=True))

    @cached_property
    def currencies(self) -> dict[str, int]:
        return dict(Currency.objects.values_list("key", "id"))

    @cached_property
    def tracks(self) -> dict[str, int]:
        """Archived ones too: who stands on them goes on."""
        return dict(Track.objects.values_list("key", "id"))

    @cached_property
    def categories(self) -> dict[str, int]:
        return dict(Category.objects.values_list("name", "id"))

    @cached_property
    def traits(self) -> dict[str, KnownTrait]:
        return {
            one.key: KnownTrait(one.pk, one.type, shape.nothing(one.definition))
            for one in Trait.objects.filter(archived_at=None)
        }

    @cached_property
    def segments(self) -> dict[str, int]:
        return dict(Segment.objects.values_list("key", "id"))

    @cached_property
    def segment_names(self) -> frozenset[str]:
        return frozenset(f"stage:{value}" for value in Stage.values) | {f"cell:{value}" for value in Cell.values}
