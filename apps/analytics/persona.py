"""Who a member is to the shops, beyond the figures of their life stage: where they buy, what they buy, what they look at."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection

from apps.core import clock
from apps.members import selectors as members
from apps.orders.selectors import KEPT_ORDERS

LOOKED_BACK = timedelta(days=90)
MOST = 5


@dataclass(frozen=True)
class Share:
    """`count` orders or looks, `cents` of kept money in 分 (0 where money says nothing)."""

    name: str
    count: int
    cents: int = 0


@dataclass(frozen=True)
class Persona:
    """At most five of each, the strongest first."""

    stores: tuple[Share, ...] = ()
    channels: tuple[Share, ...] = ()
    bought: tuple[Share, ...] = ()
    looked_at: tuple[Share, ...] = ()
    searched: tuple[Share, ...] = ()


_OF_ORDERS = f"""
with kept as materialized ({KEPT_ORDERS} and o.member_id = %(member)s)
(select 'stores' as part, s.name, count(*), sum(k.net_cents)::bigint from kept k join stores_store s on s.id = k.store_id
 group by s.id, s.name order by 3 desc, 4 desc, 2 limit {MOST})
union all
(select 'channels', k.channel, count(*), sum(k.net_cents)::bigint from kept k where k.channel <> ''
 group by k.channel order by 3 desc, 2 limit {MOST})
union all
(select 'bought', c.name, count(distinct k.id), sum(l.total_cents - l.refunded_cents)::bigint
 from kept k join orders_line l on l.order_id = k.id and l.total_cents > l.refunded_cents
 join catalog_product p on p.id = l.product_id join catalog_category c on c.id = p.category_id
 group by c.name order by 4 desc, 2 limit {MOST})
"""
_OF_BEHAVIOUR = f"""
with seen as materialized (
    select e.name, e.properties from activity_event e
    where e.member_id = %(member)s and e.occurred_at > %(since)s
      and e.name in ('product_viewed', 'added_to_cart', 'favourited', 'searched')
)
(select 'looked_at' as part,
        coalesce(c.name, s.properties ->> 'category', p.name, s.properties ->> 'sku', s.properties ->> 'id') as name,
        count(*), 0::bigint
 from seen s left join catalog_product p on p.sku = coalesce(s.properties ->> 'sku', s.properties ->> 'id')
 left join catalog_category c on c.id = p.category_id
 where s.name <> 'searched' group by 2 order by 3 desc, 2 limit {MOST})
union all
(select 'searched', s.properties ->> 'query', count(*), 0::bigint from seen s where s.name = 'searched'
 group by 2 order by 3 desc, 2 limit {MOST})
"""


def of(member_id: int) -> Persona | None:
    """None for who may not be profiled: personalisation is off, or no guardian of a child has agreed."""
    if not members.may_be_profiled(member_id):
        return None
    moment = clock.now()
    values: dict[str, Any] = {"member": member_id, "moment": moment, "since": moment - LOOKED_BACK}
    parts: dict[str, list[Share]] = {}
    with connection.cursor() as cursor:
        for statement in (_OF_ORDERS, _OF_BEHAVIOUR):
            cursor.execute(statement, values)
            for part, name, count, cents in cursor.fetchall():
                if name:
                    parts.setdefault(part, []).append(Share(name=name, count=count, cents=int(cents)))
    return Persona(**{part: tuple(shares) for part, shares in parts.items()})
