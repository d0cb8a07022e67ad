"""Who grants more points by hand than their colleagues do: each person against the median of the others in their store, zeros too.

Somebody stands out with at least `FEWEST` grants and more than `TIMES` the median of the store, or with most of their points to one
and the same member; or with split grants: several to one member on one shop day, each within the limit of their role, together above
it. The list ranks, it does not accuse: a new complaint desk stands out, too.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from apps.core import alerts, clock
from apps.core.models import Alert
from apps.points import adjusting
from apps.stores.models import Role, Staff

DAYS = 30
FEWEST = 5
TIMES = 3
SHARE = 0.5  # of one's points to one member
SPLITS = 2  # once may be a correction of a correction
KIND = "points.by_hand_often"
AT_TILLS = "points.at_till_often"
_SAID = ("grants", "points", "members", "top_share", "median_grants", "median_points", "splits")  # what an alert keeps


@dataclass(frozen=True)
class Hand:
    """What one person granted by hand. `top_share`: the part of it that one member got. Medians: of the others in the store."""

    staff_id: int
    code: str
    name: str
    store_id: int | None
    store: str
    grants: int
    points: int
    members: int
    top_share: float
    median_grants: float
    median_points: float
    splits: int = 0  # member and day on which grants within the limit went above it together

    @property
    def is_often(self) -> bool:
        return self.grants >= FEWEST and self.grants > TIMES * max(self.median_grants, 1)

    @property
    def is_much(self) -> bool:
        return self.grants >= FEWEST and self.points > TIMES * max(self.median_points, 1)

    @property
    def is_one_sided(self) -> bool:
        return self.grants >= FEWEST and self.members > 0 and self.top_share >= SHARE

    @property
    def is_split(self) -> bool:
        return self.splits >= SPLITS

    @property
    def stands_out(self) -> bool:
        return self.is_often or self.is_much or self.is_one_sided or self.is_split


# Colleagues are the active staff of the same store; people without a store are compared with those of their role.
_BY_HAND = """
    select e.staff_id, a.member_id, count(*) as grants, sum(e.granted) as points
    from points_entry e join points_account a on a.id = e.account_id
    where e.staff_id is not null and e.kind = 'adjust' and e.granted > 0 and e.at >= %(since)s and e.at <= %(until)s
    group by 1, 2
"""
# What purchases brought that a person took in at a till; orders given back whole count too: their points were there for a while.
_AT_TILLS = """
    select o.guide_id as staff_id, o.member_id, count(distinct o.id) as grants, sum(w.points) as points
    from orders_order o join points_award w on w.order_id = o.id join points_rule r on r.id = w.rule_id
    join points_currency c on c.id = r.currency_id and c.is_spendable
    where o.source like 'till:%%' and o.guide_id is not null and o.paid_at >= %(since)s and o.paid_at <= %(until)s and w.points > 0
    group by 1, 2
"""
_HANDS = """
with lines as ({lines}), sums as (
    select staff_id, sum(grants) as grants, sum(points) as points, count(*) as members, max(points) / sum(points) as top_share
    from lines group by 1
), splits as (
    select staff_id, count(*) as splits from (
        select e.staff_id from points_entry e join stores_staff s on s.id = e.staff_id
        where e.staff_id is not null and e.kind = 'adjust' and e.granted > 0 and e.at >= %(since)s and e.at <= %(until)s
          and e.granted <= (%(each)s::jsonb ->> s.role)::bigint
        group by e.staff_id, s.role, e.account_id, (e.at at time zone 'Asia/Shanghai')::date
        having sum(e.granted) > (%(each)s::jsonb ->> s.role)::bigint
    ) d group by 1
), people as (
    select s.id, s.code, s.name, s.store_id, coalesce(t.name, '') as store, coalesce(s.store_id::text, s.role) as team,
           coalesce(u.grants, 0) as grants, coalesce(u.points, 0) as points, coalesce(u.members, 0) as members,
           coalesce(u.top_share, 0) as top_share, coalesce(d.splits, 0) as splits
    from stores_staff s left join stores_store t on t.id = s.store_id left join sums u on u.staff_id = s.id
         left join splits d on d.staff_id = s.id
    where s.is_active or u.staff_id is not null
)
select p.id, p.code, p.name, p.store_id, p.store, p.grants::int, p.points::bigint, p.members::int, p.top_share::float,
       coalesce(m.grants, 0)::float, coalesce(m.points, 0)::float, p.splits::int
from people p cross join lateral (
    select percentile_cont(0.5) within group (order by o.grants) as grants,
           percentile_cont(0.5) within group (order by o.points) as points
    from people o where o.team = p.team and o.id <> p.id
) m
where p.grants > 0 and (%(stores)s::bigint[] is null or p.store_id = any(%(stores)s::bigint[]))
order by (p.grants + 1) / (coalesce(m.grants, 0) + 1) * (p.points + 1) / (coalesce(m.points, 0) + 1) * (1 + p.top_share)
         * (1 + p.splits) desc, p.id
limit %(limit)s
"""


def hands(*, moment: datetime | None = None, store_ids: list[int] | None = None, limit: int = 100) -> list[Hand]:
    """Everybody who granted points by hand in the last 30 days, those who stand out most first. One query."""
    return _found(_BY_HAND, moment, store_ids, limit)


def at_tills(*, moment: datetime | None = None, store_ids: list[int] | None = None, limit: int = 100) -> list[Hand]:
    """The same for points of purchases taken in at tills. Apart from those by hand, whose median they would drown."""
    return _found(_AT_TILLS, moment, store_ids, limit)


def _found(lines: str, moment: datetime | None, store_ids: list[int] | None, limit: int) -> list[Hand]:
    until = moment or clock.now()
    each = json.dumps({role: adjusting.limits(role)["each"] for role in Role.values})
    values = {"since": until - timedelta(days=DAYS), "until": until, "stores": store_ids, "limit": limit, "each": each}
    with connection.cursor() as cursor:
        cursor.execute(_HANDS.format(lines=lines), values)
        return [Hand(*row) for row in cursor.fetchall()]


@transaction.atomic
def notice(*, moment: datetime | None = None) -> int:
    """An alert for each person who stands out, once a month and person, with the figures that say why. Returns how many are new."""
    moment = moment or clock.now()
    month = clock.local_date(moment).strftime("%Y-%m")
    found = [(KIND, hand) for hand in hands(moment=moment)] + [(AT_TILLS, hand) for hand in at_tills(moment=moment)]
    return sum(
        alerts.raise_once(
            kind,
            key=f"{kind}:{hand.staff_id}:{month}",
            staff_id=hand.staff_id,
            **{name: getattr(hand, name) for name in _SAID},
        )
        for kind, hand in found
        if hand.stands_out
    )


@dataclass(frozen=True)
class Noticed:
    alert: Alert
    staff: Staff
    hand: Hand


def noticed(*, store_ids: Sequence[int] | None) -> list[Noticed]:
    """Alerts that nobody has looked at, about people of these stores (None: all). Two or three statements; nothing is counted anew."""
    rows = [*alerts.unseen(KIND), *alerts.unseen(AT_TILLS)]
    people = Staff.objects.select_related("store").in_bulk([row.facts["staff_id"] for row in rows]) if rows else {}
    found = []
    for row in rows:
        person = people.get(row.facts["staff_id"])
        if person is not None and (store_ids is None or person.store_id in store_ids):
            said = {name: row.facts.get(name, 0) for name in _SAID}
            store = person.store.name if person.store else ""
            hand = Hand(
                staff_id=person.pk, code=person.code, name=person.name, store_id=person.store_id, store=store, **said
            )
            found.append(Noticed(row, person, hand))
    return found
