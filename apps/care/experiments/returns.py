"""What a campaign earned for what it cost."""

from apps.care.results import Interval


def on_cost(net: Interval, *, members: int, spent_cents: int, coupon_cents: int = 0) -> Interval | None:
    """(revenue of the treated - what so many of the held out would have spent - cost) / cost: 1.5 is ¥2.50 back for ¥1.

    `net`: difference in net revenue per member, 分 (refunds are already taken off); `members`: treated. `spent_cents`: messages and
    what was entered. `coupon_cents`: what the campaign's coupons saved at the till. Net revenue is what was paid, so that their part
    of the cost is in it already: it is cost, and added to the revenue once, never taken off twice. None where nothing was spent.
    """
    cost = spent_cents + coupon_cents
    if cost <= 0:
        return None
    low, value, high = ((gap * members - spent_cents) / cost for gap in (net.low, net.value, net.high))
    return Interval(value=value, low=low, high=high)
