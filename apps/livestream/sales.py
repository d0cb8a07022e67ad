"""Which orders a stream brought. One stream for each order; the platform's own file stands over what was found out here."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from apps.core import audit, ids
from apps.core.errors import NotFound
from apps.livestream.models import Sale, Stream
from apps.livestream.watching import PREFIX
from apps.members import selectors as members
from apps.orders.models import Line, Order

WITHIN = timedelta(hours=24)  # after the end: bought by what was seen
How = Sale.How
_BY_CODE = """
select 1 from activity_arrival a where a.code_id = %(code)s and a.member_id = any(%(family)s) and a.at <= %(paid)s
union all
select 1 from activity_codevisitor cv join activity_visitor v on v.id = cv.visitor_id
where cv.code_id = %(code)s and v.member_id = any(%(family)s) and v.shared_at is null and cv.first_at <= %(paid)s
limit 1
"""
_WATCHED = """
select 1 from activity_event e where e.member_id = any(%(family)s) and e.occurred_at between %(since)s and %(paid)s
  and e.name in ('live_entered', 'live_watched') and e.properties ->> 'live' = %(live)s
union all
select 1 from livestream_viewer v where v.stream_id = %(stream)s and v.member_id = any(%(family)s)
limit 1
"""


def attribute(*, order_id: int, stream_id: int, how: str, at: datetime) -> bool:
    """The first that claims an order has it. Returns whether that was this one."""
    return Sale.objects.get_or_create(order_id=order_id, defaults={"stream_id": stream_id, "how": how, "at": at})[1]


def around(moment: datetime) -> list[Stream]:
    """Streams that were on then, or not a day ago; the one that began last first."""
    rows = Stream.objects.filter(began_at__lte=moment, state__in=[Stream.State.LIVE, Stream.State.ENDED])
    there = rows.filter(Q(finished_at=None) | Q(finished_at__gte=moment - WITHIN))
    return list(there.filter(starts_at__gte=moment - timedelta(days=3)).order_by("-began_at", "-pk"))


def traced(order: Order, streams: Sequence[Stream]) -> tuple[int, str] | None:
    """The stream by whose code the buyer came, else one they watched that showed something of the order."""
    if order.paid_at is None or not streams:
        return None
    family = members.family(members.current_id(order.member_id))
    for row in streams:
        if row.code_id and _any(_BY_CODE, code=row.code_id, family=family, paid=order.paid_at):
            return row.pk, How.CODE
    bought = set(Line.objects.filter(order=order, product__isnull=False).values_list("product_id", flat=True))
    for row in streams:
        is_shown = row.products.filter(product_id__in=bought).exists()
        values = {"live": ids.encode(PREFIX, row.pk), "stream": row.pk, "since": row.began_at, "paid": order.paid_at}
        if is_shown and _any(_WATCHED, family=family, **values):
            return row.pk, How.WATCHED
    return None


@transaction.atomic
def take_file(*, stream_id: int, orders: Sequence[tuple[str, str]]) -> tuple[int, list[str]]:
    """Source and number of orders, as the platform says them. Returns how many are the stream's now, and numbers that nobody knows.

    Raises NotFound.
    """
    if not Stream.objects.filter(pk=stream_id).exists():
        raise NotFound
    wanted = set(orders)
    known = Order.objects.filter(order_no__in=[number for _source, number in wanted])
    found = {(row.source, row.order_no): row for row in known if (row.source, row.order_no) in wanted}
    for row in sorted(found.values(), key=lambda one: one.pk):
        facts = {"stream_id": stream_id, "how": How.FILE, "at": row.paid_at or row.created_at}
        Sale.objects.update_or_create(order=row, defaults=facts)
    audit.record("livestream.sales", object_type="livestream_stream", object_id=stream_id, after={"rows": len(found)})
    return len(found), sorted(number for source, number in wanted if (source, number) not in found)


def _any(statement: str, **values: Any) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone() is not None
