"""What the pages of segments share: the segment of an address, the reader's reach, how the segment grew."""

from typing import Any

from django.http import HttpRequest

from apps.analytics import exports
from apps.console import segment_growth
from apps.core import clock
from apps.core.errors import NotFound
from apps.segments import seen
from apps.segments.models import Build, Segment

PERMISSION = "segments.view"
BUILDS = 10


def found(key: str) -> Segment:
    row = Segment.objects.filter(key=key).select_related("created_by__staff").first()
    if row is None:
        raise NotFound
    return row


def stores(request: HttpRequest) -> list[int] | None:
    """The reader's reach: every number and name on these pages is of members of these stores; None is all."""
    reach: list[int] | None = request.access.store_ids(PERMISSION)  # type: ignore[attr-defined]
    return reach


def growth(request: HttpRequest, row: Segment) -> dict[str, Any]:
    """Size over time, who came and went, how the last builds went; what tells of other stores is left out."""
    reach = stores(request)
    builds = list(Build.objects.filter(segment=row).order_by("-id")[:BUILDS])
    return {
        "size": seen.sizes([row], store_ids=reach)[row.pk],
        "is_scoped": reach is not None,
        "builds": builds if reach is None else [],
        "passages": seen.passages(segment_id=row.pk, store_ids=reach, limit=BUILDS),
        **segment_growth.state(builds[0] if builds else None),
        "exports": exports.of_segment(row.key, user_id=None if reach is None else request.user.pk),
        "export_days": exports.KEPT_FOR.days,
        **segment_growth.charts_of(seen.history(row, moment=clock.now(), store_ids=reach)),
    }
