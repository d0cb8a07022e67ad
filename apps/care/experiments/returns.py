"""What a campaign earned for what it cost."""

from apps.care.results import Interval


def on_cost(net: Interval, *, members: int, cost_cents: int) -> Interval | None:
    """(net revenue of the treated - what so many of the held out would have spent - cost) / cost: 1.5 is ¥2.50 back for ¥1.

    `net`: difference in net revenue per member, 分 (refunds are already taken off); `members`: treated. None where nothing was spent.
    """
    if cost_cents <= 0:
        return None
    low, value, high = (gap * members / cost_cents - 1 for gap in (net.low, net.value, net.high))
    return Interval(value=value, low=low, high=high)
