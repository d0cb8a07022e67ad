"""Who is in the segments that gate tiers. Asked once when a piece of work begins, so that all of it goes by the same answer."""

from collections.abc import Collection, Sequence

from apps.points.models import Tier
from apps.points.tiers import Gates
from apps.segments import keys


def frozen(*, member_ids: Sequence[int] | None = None) -> Gates:
    """For `tiers.reassess` of these members, or of all: the members of every segment that gates a tier of the present ladder."""
    names = Tier.objects.exclude(segment_key="").values_list("segment_key", flat=True)
    return keys.members_in(names=set(names), member_ids=member_ids)


def of_draft(names: Collection[str]) -> Gates:
    """The same for the gates of a ladder that is being drafted."""
    return keys.members_in(names={name for name in names if name})
