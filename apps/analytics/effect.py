"""What care brought back, kept for ten minutes: its intervals are drawn by lot, too slow for every look at a page."""

from datetime import datetime

from django.core.cache import cache

from apps.care import results
from apps.care.results import Effect

KEPT_SECONDS = 900
_KEY = "analytics.effects.1"


def effects(*, moment: datetime) -> list[Effect]:
    """Every published policy's comparison, at most a quarter of an hour old; `as_of` says how old."""
    found: list[Effect] | None = cache.get(_KEY)
    return refresh(moment=moment) if found is None else found


def refresh(*, moment: datetime) -> list[Effect]:
    """Compute and keep; the roll-up calls it, so that pages rarely wait."""
    found = results.effects(as_of=moment)
    cache.set(_KEY, found, KEPT_SECONDS)
    return found
