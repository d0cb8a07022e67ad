"""A stream was planned, moved, begun, ended or called off: its coupons can be claimed while it goes on, and not else."""

from apps.core import clock
from apps.coupons import templates
from apps.coupons.models import Template
from apps.events.models import Event
from apps.livestream import selectors
from apps.livestream.models import Window


def fit_windows(event: Event) -> None:
    """Sets each coupon to what the schedule says now; told twice, nothing changes."""
    moment = clock.now()
    keys = Window.objects.filter(stream_id=event.payload["stream_id"]).values_list("coupon", flat=True)
    for row in Template.objects.filter(key__in=list(keys)).order_by("pk"):
        found = selectors.windows_of(row.key, moment=moment)
        if found and (row.opens_at, row.closes_at) != (found.opens_at, found.closes_at):
            templates.save(template_id=row.pk, draft=row.draft, opens_at=found.opens_at, closes_at=found.closes_at)
