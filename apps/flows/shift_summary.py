"""What one shift came to: sales, points, gifts, what was undone. For the slip at its end."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, Sum

from apps.core import clock
from apps.flows.models import Checkout
from apps.points.models import Award, Exchange
from apps.stores.models import Shift

_STANDS = Q(undone_at=None)


@dataclass(frozen=True)
class Summary:
    """Money in 分. Sales that were undone count under `undone` alone; `offline` is how many of the sales came in later."""

    sales: int
    gross_cents: int
    points_cents: int
    coupon_cents: int
    coupons: int
    redemptions: int
    points_spent: int
    points_earned: int
    gifts: int
    undone: int
    undone_cents: int
    offline: int

    @property
    def net_cents(self) -> int:
        return self.gross_cents - self.points_cents - self.coupon_cents


def of(*, shift: Shift, moment: datetime | None = None) -> Summary:
    """As things stand at `moment`, or at the shift's end."""
    rows = Checkout.objects.filter(shift=shift)
    told = rows.aggregate(
        sales=Count("pk", filter=_STANDS),
        sum_gross_cents=Sum("gross_cents", filter=_STANDS, default=0),
        sum_points_cents=Sum("points_cents", filter=_STANDS, default=0),
        sum_coupon_cents=Sum("coupon_cents", filter=_STANDS, default=0),
        sum_coupons=Sum("coupons", filter=_STANDS, default=0),
        redemptions=Count("pk", filter=_STANDS & Q(points_spent__gt=0)),
        sum_points_spent=Sum("points_spent", filter=_STANDS, default=0),
        undone=Count("pk", filter=~_STANDS),
        undone_cents=Sum("gross_cents", filter=~_STANDS, default=0),
        offline=Count("pk", filter=_STANDS & Q(was_offline=True)),
    )
    sums = {name.removeprefix("sum_"): value for name, value in told.items()}  # a sum may not be called as its column
    orders = rows.filter(_STANDS).values("order")
    earned = Award.objects.filter(order__in=orders, rule__currency__key="points").aggregate(n=Sum("points", default=0))
    until = shift.ended_at or moment or clock.now()
    gifts = Exchange.objects.filter(
        handed_by_id=shift.staff_id, state="done", settled_at__gte=shift.began_at, settled_at__lte=until
    )
    return Summary(**sums, points_earned=earned["n"], gifts=gifts.count())
