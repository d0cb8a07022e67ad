"""Tracked codes with what each brought: scans, people, registrations, and what those members bought since."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from apps.analytics.keyset import Page
from apps.analytics.lists import select
from apps.analytics.lists.select import Conditions
from apps.core import clock

ALL = 10_000  # rows of a CSV

_COLUMNS = """
select c.id, c.slug, c.name, c.channel, c.campaign, c.poster, c.target, c.stopped_at, c.created_at, c.store_id,
       s.name as store, t.name as staff, coalesce(d.scans, 0) as scans, coalesce(d.people, 0) as people,
       coalesce(d.bots, 0) as bots, a.registrations, a.buyers, a.orders, a.net_cents
from activity_code c
left join stores_store s on s.id = c.store_id
left join stores_staff t on t.id = c.staff_id
left join lateral (
    select sum(scans) as scans, sum(people) as people, sum(bots) as bots from activity_codeday d where d.code_id = c.id
) d on true
cross join lateral (
    select count(*) as registrations, count(*) filter (where o.orders > 0) as buyers,
           coalesce(sum(o.orders), 0)::bigint as orders, coalesce(sum(o.net_cents), 0)::bigint as net_cents
    from activity_arrival a
    cross join lateral (
        select count(*) as orders, coalesce(sum(o.total_cents - o.refunded_cents), 0) as net_cents from orders_order o
        where o.member_id = a.member_id and o.paid_at is not null and o.status <> 'cancelled'
          and o.total_cents > o.refunded_cents
    ) o
    where a.code_id = c.id
) a
"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Filters as chosen. `state`: "" all, "on", "off". Codes without a store belong to whoever may see every store."""

    stores: Sequence[int] | None = None
    store_id: int | None = None
    state: str = ""
    channel: str = ""
    campaign: str = ""

    @property
    def is_narrowed(self) -> bool:
        return any((self.store_id, self.state, self.channel, self.campaign))


@dataclass(frozen=True, kw_only=True)
class Day:
    on: date
    scans: int
    people: int
    bots: int


def find(*, wanted: Wanted, cursor: str = "") -> Page:
    """Newest first."""
    return select.page(_COLUMNS, conditions=_conditions(wanted), sort=[("c.id", "id", int)], cursor=cursor)


def whole(*, wanted: Wanted) -> list[dict[str, Any]]:
    """Every row of the same list, at most 10,000, for a file."""
    conditions = _conditions(wanted)
    return select.rows(f"{_COLUMNS} where {conditions.text} order by c.id desc limit {ALL}", conditions.values)


def one(*, slug: str, stores: Sequence[int] | None) -> dict[str, Any] | None:
    """The row of one code within the reach; None outside it."""
    conditions = Conditions()
    if stores is not None:
        conditions.add("c.store_id = any(%s)", list(stores))
    conditions.add("c.slug = %s", slug)
    found = select.rows(f"{_COLUMNS} where {conditions.text}", conditions.values)
    return found[0] if found else None


def days(*, code_id: int, moment: datetime, count: int = 30) -> list[Day]:
    """The last shop days, today included; a day without a scan is a 0."""
    last = clock.local_date(moment)
    rows = select.rows(
        """select g.day::date as "on", coalesce(d.scans, 0) as scans, coalesce(d.people, 0) as people, coalesce(d.bots, 0) as bots
           from generate_series(%s::date, %s::date, interval '1 day') g (day)
           left join activity_codeday d on d.code_id = %s and d."on" = g.day::date order by 1""",
        [last - timedelta(days=count - 1), last, code_id],
    )
    return [Day(**row) for row in rows]


def campaigns() -> list[str]:
    """Words in use, newest first."""
    rows = select.rows(
        "select campaign from activity_code where campaign <> '' group by campaign order by max(id) desc limit 100", []
    )
    return [row["campaign"] for row in rows]


def _conditions(wanted: Wanted) -> Conditions:
    conditions = Conditions()
    if wanted.stores is not None:
        conditions.add("c.store_id = any(%s)", list(wanted.stores))
    conditions.only("c.store_id = %s", wanted.store_id)
    conditions.only("c.channel = %s", wanted.channel)
    conditions.only("c.campaign = %s", wanted.campaign)
    if not wanted.channel:  # thousands of members have one; they stand with the referral program
        conditions.add("c.channel <> 'friend'")
    if wanted.state:
        conditions.add("c.stopped_at is null" if wanted.state == "on" else "c.stopped_at is not null")
    return conditions
