"""Who stands where on a track, and on which tracks a member stands."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count
from django.utils.translation import get_language

from apps.segments.models import Placement, Track, TrackMove

BEFORE, AFTER = "before", "after"  # the first step; the end


@dataclass(frozen=True)
class Standing:
    """`key`: of a step, or BEFORE, AFTER. `members` once each, `entered` in the last seven days by being placed or by time."""

    key: str
    name: str
    members: int
    entered: int


def in_words(row: dict[str, Any] | Track, name: str = "name") -> str:
    """The name of a track or a step in the reader's language."""
    given = row if isinstance(row, dict) else {name: getattr(row, name), f"{name}_en": getattr(row, f"{name}_en")}
    return str((get_language() == "en" and given.get(f"{name}_en")) or given[name])


def standings(track: Track, *, moment: datetime) -> list[Standing]:
    """Every step in order, and whoever stands before the first or after the end."""
    places = Placement.objects.filter(track=track, left_at=None)
    counted = places.exclude(step="").values("step").annotate(n=Count("member", distinct=True))
    members = {row["step"]: row["n"] for row in counted}
    outside = places.filter(step="")
    members |= {
        BEFORE: outside.filter(next_at__isnull=False).count(),
        AFTER: outside.filter(next_at=None).count(),
    }
    lately = TrackMove.objects.filter(track=track, cause__in=["placed", "time"], at__gt=moment - timedelta(days=7))
    entered = dict(lately.values_list("after").annotate(n=Count("id")))
    steps = [(step["key"], in_words(step)) for step in track.steps]
    return [
        Standing(key, name, members.get(key, 0), entered.get(key, 0))
        for key, name in [(BEFORE, ""), *steps, (AFTER, "")]
        if members.get(key) or name
    ]


def members_of(tracks: list[Track]) -> dict[int, int]:
    """Members on each track, once each."""
    counted = Placement.objects.filter(track__in=tracks, left_at=None).values("track")
    return {row["track"]: row["n"] for row in counted.annotate(n=Count("member", distinct=True))}


def of_member(member_id: int) -> list[dict[str, Any]]:
    """Places in the order in which they were told: placement, track, the names of its present and its next step."""
    places = Placement.objects.filter(member_id=member_id, left_at=None).select_related("track").order_by("id")
    return [_told(place) for place in places]


def _told(place: Placement) -> dict[str, Any]:
    steps = place.track.steps
    keys = [step["key"] for step in steps]
    here = keys.index(place.step) if place.step in keys else None
    following = 0 if here is None else here + 1
    has_next = place.next_at is not None and following < len(steps)
    return {
        "place": place,
        "track": in_words(place.track),
        "anchor": in_words(place.track, "anchor"),
        "step": in_words(steps[here]) if here is not None else "",
        "next": in_words(steps[following]) if has_next else "",
        "is_over": here is None and place.next_at is None,
    }


def told_tracks() -> list[Track]:
    """Tracks whose day members may say themselves."""
    return list(Track.objects.filter(is_told=True, archived_at=None))
