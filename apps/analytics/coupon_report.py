"""Coupons of a period: issued, used, saved, sold with; visits before and after; who used them up and who bears the cost.

Issued counts by the day of issue (codes nobody entered are none), everything about uses by the day of use; a use that was taken back
is none. A scoped reader sees coupons that their stores handed out or whose members belong to them, and uses in their stores.
Sales are what the baskets cost before coupons: a basket with two coupons counts for both templates, and once for a store and in all.
All but the visits is read from `CouponDay`, as of its last count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from apps.analytics.lists import select
from apps.core import clock

DAYS = 30  # of visits before and after


@dataclass(frozen=True, kw_only=True)
class Span:
    """Shop days, both whole. `stores`: the reach, None is all."""

    first: date
    last: date
    stores: Sequence[int] | None = None

    @property
    def before(self) -> "Span":
        """As many days, ending the day before."""
        days = (self.last - self.first).days + 1
        return Span(first=self.first - timedelta(days=days), last=self.first - timedelta(days=1), stores=self.stores)

    @property
    def counted(self) -> dict[str, Any]:
        return {"first": self.first, "last": self.last, "stores": self._stores}

    @property
    def _stores(self) -> list[int] | None:
        return None if self.stores is None else list(self.stores)

    @property
    def values(self) -> dict[str, Any]:
        return {"from": clock.day_start(self.first), "until": clock.day_end(self.last), "stores": self._stores}


@dataclass(frozen=True)
class Line:
    """One template, store, source, or the whole. `kept`: of those issued in the period, how many are used by now. Money in 分."""

    issued: int = 0
    kept: int = 0
    used: int = 0
    saved: int = 0
    borne: int = 0  # by stores
    sales: int = 0

    @property
    def rate(self) -> float | None:
        return self.kept / self.issued if self.issued else None

    @property
    def by_brand(self) -> int:
        return self.saved - self.borne


@dataclass(frozen=True)
class Report:
    """Keys: template id; store id or None (online, nobody's); channel and origin. `days`: uses by shop day."""

    whole: Line
    templates: dict[int, Line] = field(default_factory=dict)
    stores: dict[int | None, Line] = field(default_factory=dict)
    sources: dict[tuple[str, str], Line] = field(default_factory=dict)
    days: dict[date, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Visits:
    """Members who got a first coupon of the period, and `DAYS` days have passed since: how many came to a store in as many days before
    and after it, and how often (a store and a day is one visit)."""

    members: int
    came_before: int
    came_after: int
    visits_before: int
    visits_after: int


_OF = """
"on" between %(first)s and %(last)s and (%(stores)s::bigint[] is null or store_id = any(%(stores)s::bigint[]))
"""
_SUMS = f"""
select grouping(template_id, store_id, channel) as sets, template_id, store_id, channel, origin,
       coalesce(sum(issued), 0)::bigint as issued, coalesce(sum(kept), 0)::bigint as kept, coalesce(sum(used), 0)::bigint as used,
       coalesce(sum(saved_cents), 0)::bigint as saved, coalesce(sum(borne_cents), 0)::bigint as borne,
       coalesce(sum(sales_cents), 0)::bigint as each, coalesce(sum(once_cents), 0)::bigint as once
from analytics_couponday where {_OF} group by grouping sets ((template_id), (store_id), (channel, origin), ())
"""
_DAYS = (
    f'select "on" as day, sum(used)::bigint as n from analytics_couponday where {_OF} group by 1 having sum(used) > 0'
)
_SETTLED = f"""
select nullif(d.store_id, 0) as store_id, s.name as store, nullif(d.staff_id, 0) as staff_id, p.name as staff, p.code as staff_code,
       d.used, d.saved, d.borne
from (select store_id, staff_id, sum(used)::bigint as used, sum(saved_cents)::bigint as saved, sum(borne_cents)::bigint as borne
      from analytics_couponday where {_OF} group by 1, 2 having sum(used) > 0) d
left join stores_store s on s.id = d.store_id
left join stores_staff p on p.id = d.staff_id
order by s.name nulls last, d.used desc, p.code
"""
_VISITS = """
with got as (
    select c.member_id, min(c.issued_at) as at
    from coupons_coupon c join members_member m on m.id = c.member_id
    where c.issued_at >= %(from)s and c.issued_at < %(until)s and c.issued_at <= %(ripe)s
      and (%(stores)s::bigint[] is null or coalesce(c.store_id, m.home_store_id) = any(%(stores)s::bigint[]))
    group by c.member_id
), came as (
    select g.member_id, o.paid_at > g.at as is_after,
           count(distinct (o.store_id, (o.paid_at at time zone 'Asia/Shanghai')::date)) as visits
    from got g join orders_order o on o.member_id = g.member_id
      and o.paid_at > g.at - %(days)s * interval '1 day' and o.paid_at <= g.at + %(days)s * interval '1 day'
    where o.store_id is not null and o.status in ('paid', 'received')
    group by 1, 2
)
select (select count(*) from got) as members,
       count(*) filter (where not is_after) as came_before, count(*) filter (where is_after) as came_after,
       coalesce(sum(visits) filter (where not is_after), 0) as visits_before,
       coalesce(sum(visits) filter (where is_after), 0) as visits_after
from came
"""
_SETS = {
    3: "templates",
    5: "stores",
    6: "sources",
    7: "whole",
}  # bits of `grouping`: 1 where the column is not grouped by


def report(span: Span) -> Report:
    found: dict[str, dict[Any, Line]] = {name: {} for name in _SETS.values()}
    for row in select.rows(_SUMS, span.counted):
        name = _SETS[row["sets"]]
        found[name][_key(name, row)] = _line(name, row)
    days = {row["day"]: int(row["n"]) for row in select.rows(_DAYS, span.counted)}
    return Report(found["whole"].get(None, Line()), found["templates"], found["stores"], found["sources"], days)


def settled(span: Span) -> list[dict[str, Any]]:
    """A row for each store and member of staff: used, saved, borne by the store; None where none was there."""
    return select.rows(_SETTLED, span.counted)


def visits(span: Span, *, moment: datetime) -> Visits:
    """Reads every coupon of the period and its members' orders: for whoever asks for it, not for every view of the page."""
    values = span.values | {"days": DAYS, "ripe": moment - timedelta(days=DAYS)}
    return Visits(**select.rows(_VISITS, values)[0])


def _key(name: str, row: dict[str, Any]) -> Any:
    keys = {
        "templates": row["template_id"],
        "stores": row["store_id"] or None,
        "sources": (row["channel"], row["origin"]),
    }
    return keys.get(name)


def _line(name: str, row: dict[str, Any]) -> Line:
    told = {one: int(row[one]) for one in ("issued", "kept", "used", "saved", "borne")}
    return Line(**told, sales=int(row["each"] if name in {"templates", "sources"} else row["once"]))
