"""A stream in figures: what the live board shows while it is on, and what is told of it afterwards. One small statement each."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.cache import cache
from django.db import connection
from redis.exceptions import RedisError

from apps.core import clock
from apps.livestream import watching
from apps.livestream.models import Reservation, Stream, Subscription, Tally, Viewer

SPAN = 15  # minutes of orders that are shown
AHEAD = timedelta(hours=1)  # before the beginning boards are told already
SAID_ANEW = 30  # seconds: a board that lost its socket for a moment hears again
log = structlog.get_logger("siyu.live")
# Coupons of the stream that were claimed while it was on, or in its minutes after the end.
_CLAIMS = """
select count(*), count(*) filter (where c.issued_at > %(minute)s) from livestream_window w
join livestream_stream s on s.id = w.stream_id
join coupons_template t on t.key = w.coupon
join coupons_coupon c on c.template_id = t.id and c.issued_at >= s.began_at
     and c.issued_at <= coalesce(s.finished_at, %(now)s) + make_interval(mins => w.minutes_after)
where w.stream_id = %(stream)s
"""
_SALES = """
select count(*), coalesce(sum(o.total_cents - o.refunded_cents), 0)::bigint from livestream_sale s
join orders_order o on o.id = s.order_id where s.stream_id = %(stream)s
"""
_MINUTES = """
select m.n, count(s.order_id) from generate_series(0, %(span)s - 1) m (n)
left join livestream_sale s on s.stream_id = %(stream)s
     and s.at > %(now)s - make_interval(mins => m.n + 1) and s.at <= %(now)s - make_interval(mins => m.n)
group by m.n order by m.n desc
"""
_JOINS = """
select count(*) from activity_arrival a join livestream_stream s on s.code_id = a.code_id where s.id = %(stream)s
"""


def group(stream_id: int) -> str:
    return f"live-{stream_id}"


def figures(row: Stream, *, moment: datetime) -> dict[str, Any]:
    """`minutes`: orders of each of the last fifteen, the oldest first. Money in 分."""
    values = {"stream": row.pk, "now": moment, "minute": moment - timedelta(minutes=1), "span": SPAN}
    claims, last_claims = _rows(_CLAIMS, values)[0]
    orders, net_cents = _rows(_SALES, values)[0]
    minutes = [count for _n, count in _rows(_MINUTES, values)]
    tally = Tally.objects.filter(stream=row).first()
    viewers = Viewer.objects.filter(stream=row).count()
    return {
        "state": row.state,
        "reminded": Subscription.objects.filter(stream=row, ended_at=None).count(),
        "pieces": Reservation.objects.filter(product__stream=row, state__in=["open", "tried"]).count(),
        "watching": watching.now(row.pk, moment=moment) if row.state == Stream.State.LIVE else 0,
        "members": viewers,
        "viewers": max(viewers, tally.viewers if tally else 0),
        "peak": tally.peak if tally else 0,
        "comments": tally.comments if tally else 0,
        "speakers": tally.speakers if tally else 0,
        "joins": _rows(_JOINS, values)[0][0],
        "claims": claims,
        "claims_minute": last_claims,
        "orders": orders,
        "orders_minute": minutes[-1],
        "net_cents": net_cents,
        "minutes": minutes,
    }


def tell(*, moment: datetime) -> int:
    """Every few seconds: boards of streams that are on, or begin within the hour, hear what has changed. Returns how many streams.

    Losing this costs nothing: the next turn says it again.
    """
    rows = Stream.objects.filter(state=Stream.State.LIVE) | Stream.objects.filter(
        state=Stream.State.PLANNED, starts_at__lte=moment + AHEAD
    )
    return sum(_tell(row, moment) for row in rows)


def _tell(row: Stream, moment: datetime) -> int:
    found = figures(row, moment=moment)
    key, known = f"live-board:{row.pk}", {**found}
    if cache.get(key) == known:
        return 0
    cache.set(key, known, SAID_ANEW)
    try:
        async_to_sync(get_channel_layer().group_send)(group(row.pk), {"type": "board.figures", "figures": found})
    except (RedisError, OSError):
        log.warning("live board not told", stream_id=row.pk)
    return 1


def at_once(row: Stream) -> dict[str, Any]:
    """The same figures for whoever opens a board now."""
    return figures(row, moment=clock.now())


def _rows(statement: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
