"""What is read of bookings: a member's own, a store's day, who keeps away."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from apps.bookings.models import Booking, Offer
from apps.core import clock

RATE_DAYS = 90
State = Booking.State


def offers(*, store_id: int | None = None) -> QuerySet[Offer]:
    """What can be booked now."""
    found = Offer.objects.filter(is_active=True, service__is_active=True, store__is_open=True)
    found = found if store_id is None else found.filter(store_id=store_id)
    return found.select_related("service", "store").order_by("store__code", "service_id")


def of_member(member_id: int) -> QuerySet[Booking]:
    """Newest first."""
    mine = Booking.objects.filter(member_id=member_id)
    return mine.select_related("slot__offer__service", "slot__offer__store", "staff").order_by(
        "-slot__starts_at", "-pk"
    )


def of_days(*, first: date, last: date, store_ids: Sequence[int] | None) -> QuerySet[Booking]:
    """All that begins in these shop days, cancelled ones aside. `store_ids` None: everywhere."""
    start, end = clock.day_start(first), clock.day_end(last)
    found = Booking.objects.filter(slot__starts_at__gte=start, slot__starts_at__lt=end).exclude(state=State.CANCELLED)
    found = found if store_ids is None else found.filter(slot__offer__store_id__in=store_ids)
    return found.select_related("member", "staff", "slot__offer__service", "slot__offer__store").order_by(
        "slot__starts_at", "pk"
    )


def no_shows(*, moment: datetime, store_ids: Sequence[int] | None) -> dict[str, Any]:
    """Of the last 90 days: how many came, how many did not, and the share of the latter (None: nobody was due)."""
    since = moment - timedelta(days=RATE_DAYS)
    found = Booking.objects.filter(slot__starts_at__gt=since, slot__starts_at__lte=moment)
    found = found if store_ids is None else found.filter(slot__offer__store_id__in=store_ids)
    counts = found.aggregate(came=Count("pk", filter=Q(state="arrived")), missed=Count("pk", filter=Q(state="missed")))
    due = counts["came"] + counts["missed"]
    return counts | {"share": counts["missed"] / due if due else None}
