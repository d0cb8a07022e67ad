"""What is read of live streams: the schedule of members and feeds, the planner's week, windows of coupons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from apps.livestream.models import Product, Reservation, Stream, Subscription, Window

SHOWN_AHEAD, SHOWN_BACK = timedelta(days=30), timedelta(days=7)


@dataclass(frozen=True)
class Claimable:
    """When a coupon can be claimed, by the streams that show it."""

    opens_at: datetime
    closes_at: datetime


def schedule(*, moment: datetime) -> QuerySet[Stream]:
    """What members see: to come within a month, on, and over within a week; not what was called off or never began."""
    shown = Q(state__in=["planned", "live"], ends_at__gt=moment - timedelta(hours=12)) | Q(state="ended")
    return (
        Stream.objects.filter(shown, starts_at__gt=moment - SHOWN_BACK, starts_at__lt=moment + SHOWN_AHEAD)
        .select_related("room__platform", "host")
        .order_by("starts_at", "id")
    )


def between(*, start: datetime, end: datetime) -> QuerySet[Stream]:
    """All that begins in the span, for the planner."""
    return (
        Stream.objects.filter(starts_at__gte=start, starts_at__lt=end)
        .select_related("room__platform", "host")
        .order_by("starts_at", "id")
    )


def reminded(*, member_id: int) -> set[int]:
    """Streams of which the member wants to be reminded."""
    mine = Subscription.objects.filter(member_id=member_id, ended_at=None)
    return set(mine.values_list("stream_id", flat=True))


def products(*, stream_ids: Sequence[int]) -> dict[int, list[Product]]:
    found: dict[int, list[Product]] = {}
    for row in Product.objects.filter(stream_id__in=stream_ids).select_related("product").order_by("place", "id"):
        found.setdefault(row.stream_id, []).append(row)
    return found


def put_aside(*, member_id: int) -> QuerySet[Reservation]:
    """Newest first."""
    mine = Reservation.objects.filter(member_id=member_id)
    return mine.select_related("product__product", "product__stream", "store").order_by("-pk")


def windows_of(coupon: str, *, moment: datetime) -> Claimable | None:
    """By the stream that is on, else the next one, else the last that was: a coupon shown in several has one of them at a time."""
    rows = list(Window.objects.filter(coupon=coupon).select_related("stream"))
    on = [row for row in rows if row.stream.state == Stream.State.LIVE]
    ahead = [row for row in rows if row.stream.state == Stream.State.PLANNED]
    past = [row for row in rows if row.stream.finished_at is not None]
    if on or ahead:
        row = min(on or ahead, key=lambda one: one.stream.starts_at)
        begins = min(row.stream.starts_at, row.stream.began_at or row.stream.starts_at)
        return Claimable(begins, row.stream.ends_at + timedelta(minutes=row.minutes_after))
    if not past:
        return None
    row = max(past, key=lambda one: one.stream.finished_at or moment)
    begins = row.stream.began_at or row.stream.starts_at
    after = timedelta(minutes=row.minutes_after) if row.stream.state == Stream.State.ENDED else timedelta(0)
    return Claimable(begins, max((row.stream.finished_at or moment) + after, begins + timedelta(seconds=1)))
