"""The order list, latest payment first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from apps.analytics.keyset import Page
from apps.analytics.lists import select
from apps.analytics.lists.select import Conditions
from apps.core import clock

_COLUMNS = """
select o.id, o.order_no, o.source, o.status, o.channel, o.total_cents, o.refunded_cents, o.paid_at, o.created_at,
       o.member_id, m.member_no, m.nickname, o.store_id, h.name as store, g.name as guide
from orders_order o
join members_member m on m.id = o.member_id
left join stores_store h on h.id = o.store_id
left join stores_staff g on g.id = o.guide_id
"""
# The few sources, found by hopping along the unique index on source and number.
_SOURCES = """
with recursive known as (
    (select source from orders_order order by source limit 1)
    union all
    select (select o.source from orders_order o where o.source > known.source order by o.source limit 1)
    from known where known.source is not null
)
"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Filters as chosen. Without `is_unpaid` the list holds paid orders by payment; with it open ones by age."""

    stores: Sequence[int] | None = None
    store_id: int | None = None
    status: str = ""
    is_refunded: bool = False
    is_unpaid: bool = False
    first: date | None = None
    last: date | None = None
    number: str = ""
    member_id: int | None = None

    @property
    def is_narrowed(self) -> bool:
        asked = (self.store_id, self.status, self.is_refunded, self.is_unpaid, self.first, self.last, self.number)
        return any(asked)


def find(*, wanted: Wanted, cursor: str = "") -> Page:
    by_age = [("o.id", "id", int)]
    by_payment = [("o.paid_at", "paid_at", datetime), ("o.id", "id", int)]
    return select.page(
        _COLUMNS,
        conditions=_conditions(wanted),
        sort=by_age if wanted.is_unpaid else by_payment,
        cursor=cursor,
    )


def by_number(*, number: str, stores: Sequence[int] | None, limit: int = 5) -> list[dict[str, Any]]:
    """Orders of exactly this number, whatever their source (each source's number is one index look-up)."""
    conditions = Conditions()
    if stores is not None:
        conditions.add("o.store_id = any(%s)", list(stores))
    conditions.add("o.source = any(array(select source from known)) and o.order_no = %s", number)
    return select.rows(f"{_SOURCES} {_COLUMNS} where {conditions.text} limit {limit:d}", conditions.values)


def _conditions(wanted: Wanted) -> Conditions:
    conditions = Conditions()
    if wanted.stores is not None:
        conditions.add("o.store_id = any(%s)", list(wanted.stores))
    conditions.add("o.paid_at is null" if wanted.is_unpaid else "o.paid_at is not null")
    conditions.only("o.store_id = %s", wanted.store_id)
    conditions.only("o.status = %s", wanted.status)
    conditions.only("o.member_id = %s", wanted.member_id)
    if wanted.number:
        conditions.add("o.id = any(%s)", [row["id"] for row in by_number(number=wanted.number, stores=wanted.stores)])
    if wanted.is_refunded:
        conditions.add("o.refunded_cents > 0")
    if wanted.first:
        conditions.add("o.paid_at >= %s", clock.day_start(wanted.first))
    if wanted.last:
        conditions.add("o.paid_at < %s", clock.day_end(wanted.last))
    return conditions
