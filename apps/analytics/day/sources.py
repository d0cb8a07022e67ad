"""What a shop day is measured by. Each source is one SELECT of rows: the roll-up adds them up, and the list behind a figure shows them.

So a figure and its rows cannot say different things: they are the same statement. A row has `at`, when it happened; `store_id` and
`staff_id`, whose it is; `member_id`; `ref_id` and `said`, what it leads to and is called; and the measures `one`, `amount`, `extra`.
Money in 分.
"""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["count", "cents", "points"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """`name` in the roll-up; `measure`: the column of its source's rows that is added up (0: the row is none of it)."""

    name: str
    measure: str
    unit: Unit = "count"


@dataclass(frozen=True, kw_only=True)
class Source:
    """`permission`: what it takes to see its rows, and its figures. `has_channels`: its rows have a `channel`, too."""

    key: str
    rows: str
    figures: tuple[Figure, ...]
    permission: str
    has_channels: bool = False


# A visit of somebody who bought before: any earlier payment counts, refunded or not, as it shows that they came back.
_AGAIN = """
case when exists (select from orders_order e where e.member_id = o.member_id and e.paid_at < o.paid_at and e.status <> 'cancelled')
     then 1 else 0 end
"""
SOURCES: tuple[Source, ...] = (
    Source(
        key="orders",
        permission="orders.view",
        rows=f"""
select o.id, o.paid_at as at, o.store_id, o.guide_id as staff_id, o.member_id, o.id as ref_id, o.order_no as said,
       1 as one, o.total_cents as amount, {_AGAIN} as extra, o.channel
from orders_order o where o.paid_at is not null and o.status <> 'cancelled'
""",
        has_channels=True,
        figures=(
            Figure(name="sales.paid_cents", measure="amount", unit="cents"),
            Figure(name="orders.paid", measure="one"),
            Figure(name="orders.again", measure="extra"),
        ),
    ),
    Source(
        key="refunds",
        permission="orders.view",
        rows="""
select r.id, r.refunded_at as at, o.store_id, o.guide_id as staff_id, o.member_id, o.id as ref_id, o.order_no as said,
       1 as one, r.amount_cents as amount, 0 as extra, o.channel
from orders_refund r join orders_order o on o.id = r.order_id
""",
        has_channels=True,
        figures=(Figure(name="sales.refunded_cents", measure="amount", unit="cents"),),
    ),
    Source(
        key="members",
        permission="members.view",
        rows="""
select m.id, m.joined_at as at, m.home_store_id as store_id, null::bigint as staff_id, m.id as member_id, m.id as ref_id,
       m.source as said, 1 as one, 0 as amount, 0 as extra
from members_member m where m.merged_into_id is null
""",
        figures=(Figure(name="members.joined", measure="one"),),
    ),
    Source(
        key="coupons",
        permission="coupons.view",
        rows="""
select u.id, u.done_at as at, u.store_id, u.staff_id, u.member_id, u.template_id as ref_id, '' as said,
       1 as one, u.saved_cents as amount, 0 as extra
from coupons_use u where u.state = 'done'
""",
        figures=(
            Figure(name="coupons.used", measure="one"),
            Figure(name="coupons.saved_cents", measure="amount", unit="cents"),
        ),
    ),
    Source(
        key="points",
        permission="points.view",
        rows="""
select e.id, e.at, e.store_id, e.staff_id, a.member_id, e.id as ref_id, e.kind as said, 1 as one,
       case when e.kind in ('earn', 'adjust') then greatest(e.granted, 0) else 0 end as amount,
       case e.kind when 'spend' then -e.amount when 'capture' then -e.held else 0 end as extra
from points_entry e join points_account a on a.id = e.account_id join points_currency c on c.id = a.currency_id and c.key = 'points'
where e.kind in ('earn', 'adjust', 'spend', 'capture')
""",
        figures=(
            Figure(name="points.given", measure="amount", unit="points"),
            Figure(name="points.spent", measure="extra", unit="points"),
        ),
    ),
    Source(
        key="bookings",
        permission="bookings.view",
        rows="""
select b.id, s.starts_at as at, f.store_id, b.staff_id, b.member_id, f.service_id as ref_id, b.state as said,
       1 as one, case b.state when 'arrived' then 1 else 0 end as amount, 0 as extra
from bookings_booking b join bookings_slot s on s.id = b.slot_id join bookings_offer f on f.id = s.offer_id
where b.state in ('booked', 'arrived', 'missed')
""",
        figures=(Figure(name="bookings.due", measure="one"), Figure(name="bookings.arrived", measure="amount")),
    ),
    Source(
        key="tickets_opened",
        permission="tickets.view",
        rows="""
select t.id, t.created_at as at, t.store_id, t.assignee_id as staff_id, t.member_id, t.id as ref_id, t.kind as said,
       1 as one, 0 as amount, 0 as extra
from tickets_ticket t where t.state <> 'merged'
""",
        figures=(Figure(name="tickets.opened", measure="one"),),
    ),
    Source(
        key="tickets_ended",
        permission="tickets.view",
        rows="""
select t.id, t.ended_at as at, t.store_id, t.assignee_id as staff_id, t.member_id, t.id as ref_id, t.kind as said,
       1 as one, 0 as amount, 0 as extra
from tickets_ticket t where t.ended_at is not null and t.state <> 'merged'
""",
        figures=(Figure(name="tickets.ended", measure="one"),),
    ),
    Source(
        key="messages",
        permission="members.view",
        rows="""
select t.id, t.decided_at as at, m.home_store_id as store_id, null::bigint as staff_id, t.member_id, t.policy_id as ref_id,
       t.channel as said, 1 as one, 0 as amount, 0 as extra
from care_touch t join members_member m on m.id = t.member_id where t.state in ('sent', 'delivered')
""",
        figures=(Figure(name="messages.sent", measure="one"),),
    ),
)
FIGURES: dict[str, Figure] = {figure.name: figure for source in SOURCES for figure in source.figures}
SOURCE_OF: dict[str, Source] = {figure.name: source for source in SOURCES for figure in source.figures}
# Figures of months rather than of days. What was kept of sales is no count of its own: what was paid less what was given back.
NET, PAID, REFUNDED = "sales.net_cents", "sales.paid_cents", "sales.refunded_cents"
WORTH = Source(
    key="members",
    permission="members.view",
    rows="""
select m.id, m.joined_at as at, m.home_store_id as store_id, null::bigint as staff_id, m.id as member_id, m.id as ref_id,
       m.source as said, 1 as one, s.net_cents as amount, 0 as extra
from segments_memberstats s join members_member m on m.id = s.member_id where m.status = 'active' and m.merged_into_id is null
""",
    figures=(
        Figure(name="worth.net_cents", measure="amount", unit="cents"),
        Figure(name="worth.members", measure="one"),
    ),
)
OF_MONTHS: tuple[Source, ...] = (
    Source(
        key="orders",
        permission="orders.view",
        rows="""
select o.id, o.paid_at as at, o.store_id, o.guide_id as staff_id, o.member_id, o.id as ref_id, o.order_no as said,
       1 as one, o.total_cents as amount, 0 as extra, o.channel
from orders_order o where o.paid_at is not null and o.status <> 'cancelled'
union all
select -r.id, r.refunded_at, o.store_id, o.guide_id, o.member_id, o.id, o.order_no, 1, -r.amount_cents, 0, o.channel
from orders_refund r join orders_order o on o.id = r.order_id
""",
        figures=(Figure(name=NET, measure="amount", unit="cents"),),
        has_channels=True,
    ),
    Source(
        key="orders",
        permission="orders.view",
        rows="""
select o.id, o.paid_at as at, o.store_id, o.guide_id as staff_id, o.member_id, o.id as ref_id, o.order_no as said,
       1 as one, 0 as amount, 0 as extra, o.channel
from orders_order o where o.paid_at is not null and o.status <> 'cancelled' and o.guide_id is not null
""",
        figures=(Figure(name="orders.guided", measure="one"),),
        has_channels=True,
    ),
    Source(
        key="members",
        permission="members.view",
        rows="""
select m.id, m.joined_at as at, m.home_store_id as store_id, null::bigint as staff_id, m.id as member_id, m.id as ref_id,
       m.source as said, 1 as one, case when s.first_order_at is null then 0 else 1 end as amount, 0 as extra
from members_member m left join segments_memberstats s on s.member_id = m.id where m.merged_into_id is null
""",
        figures=(Figure(name="members.bought", measure="amount"),),
    ),
    WORTH,
)
LISTED: dict[str, tuple[Source, Figure]] = {
    figure.name: (source, figure) for source in (*SOURCES, *OF_MONTHS) for figure in source.figures
}
BEFORE = "then."  # before a name: of the same weekday a week earlier, until the same time
VIA = "via."  # before a channel and a name: "via.mini_program.orders.paid"


def facts(source: Source, *, day: str, prefix: str = "") -> str:
    """Rows (day, name, store, staff, n) of a window [%(start)s, %(end)s). `day` is an SQL expression over a row `r`.

    Where there are channels, and no `prefix`, each figure counts by channel as well.
    """
    values = [f"('{prefix}{figure.name}', r.{figure.measure})" for figure in source.figures]
    if source.has_channels and not prefix:
        values += [f"('{VIA}' || r.channel || '.{figure.name}', r.{figure.measure})" for figure in source.figures]
    return f"""
select {day} as day, v.name, r.store_id as store, r.staff_id as staff, sum(v.n)::bigint as n
from ({source.rows}) r cross join lateral (values {", ".join(values)}) v (name, n)
where r.at >= %(start)s and r.at < %(end)s and v.n <> 0
group by 1, 2, 3, 4
"""
