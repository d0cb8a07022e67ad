"""Where people stop on the way: five funnels, each one SELECT of rows. The night adds them up by day, the lists show them.

A row has `at`, when it came in; `store_id` and `part`, what the funnel is cut by; `member_id` and `ref_id`; `s1` to `s5`, 1 where the
step was reached. A step is counted of those who came in, whatever they did between. What nobody can know (whether an SMS was opened)
is 0.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum

from apps.analytics.keyset import Page
from apps.analytics.lists import select
from apps.analytics.lists.select import Conditions
from apps.analytics.models import DailyFigure, FunnelDay, StudyMark
from apps.analytics.reach import Stores, summed, within
from apps.core import clock
from apps.orders.selectors import KEPT_ORDERS

NAME = "funnels"
LOCK = 7_490_315
DAYS = 92  # of those who came in longer ago nothing is kept
WITHIN = 14  # days in which a purchase counts as following a message or a look
STEPS = ("s1", "s2", "s3", "s4", "s5")

_BOUGHT = f"""case when exists (
    {KEPT_ORDERS} and o.member_id = {{who}} and o.paid_at > {{at}} and o.paid_at <= {{at}} + make_interval(days => {WITHIN}) {{more}}
) then 1 else 0 end"""
_LINE = "and exists (select from orders_line l where l.order_id = o.id and l.product_id = p.id)"
FUNNELS: dict[str, str] = {
    # joined → bought → bought again; by home store and the door they came in by
    "members": """
select m.joined_at as at, m.home_store_id as store_id, split_part(m.source, ':', 1) as part, m.id as member_id, m.id as ref_id,
       1 as s1, case when s.orders >= 1 then 1 else 0 end as s2, case when s.orders >= 2 then 1 else 0 end as s3, 0 as s4, 0 as s5
from members_member m left join segments_memberstats s on s.member_id = m.id
where m.merged_into_id is null and m.joined_at >= %(start)s and m.joined_at < %(end)s
""",
    # handed over → sent → delivered → read → bought; by home store and channel
    "messages": f"""
select t.decided_at as at, m.home_store_id as store_id, t.channel as part, t.member_id, t.policy_id as ref_id,
       1 as s1, case when t.state in ('sent', 'delivered') then 1 else 0 end as s2,
       case t.state when 'delivered' then 1 else 0 end as s3,
       case when i.read_at is not null then 1 else 0 end as s4,
       case when t.state in ('sent', 'delivered') then {_BOUGHT.format(who="t.member_id", at="t.decided_at", more="")} else 0 end as s5
from care_touch t join members_member m on m.id = t.member_id
left join gateways_inboxmessage i on t.channel = 'inbox' and i.key = 'touch:' || t.id
where t.state in ('sending', 'sent', 'delivered', 'unknown', 'failed') and t.decided_at >= %(start)s and t.decided_at < %(end)s
""",
    # issued → in a wallet → used; by the store that handed it out, else the home store, and the way it came
    "coupons": """
select c.issued_at as at, coalesce(c.store_id, m.home_store_id) as store_id, c.channel as part, c.member_id, c.template_id as ref_id,
       1 as s1, case when c.member_id is not null then 1 else 0 end as s2, case c.state when 'used' then 1 else 0 end as s3,
       0 as s4, 0 as s5
from coupons_coupon c left join members_member m on m.id = c.member_id
where c.issued_at >= %(start)s and c.issued_at < %(end)s
""",
    # took part → wanted to be reminded → watched → ordered; by home store and stream
    "streams": """
select s.starts_at as at, m.home_store_id as store_id, s.id::text as part, x.member_id, s.id as ref_id,
       1 as s1, x.asked as s2, x.watched as s3, x.ordered as s4, 0 as s5
from (
    select stream_id, member_id, max(asked) as asked, max(watched) as watched, max(ordered) as ordered from (
        select stream_id, member_id, 1 as asked, 0 as watched, 0 as ordered from livestream_subscription where ended_at is null
        union all select stream_id, member_id, 0, 1, 0 from livestream_viewer
        union all select l.stream_id, o.member_id, 0, 0, 1
        from livestream_sale l join orders_order o on o.id = l.order_id and o.paid_at <= %(moment)s and o.status <> 'cancelled'
    ) each where stream_id in (select id from livestream_stream where starts_at >= %(start)s and starts_at < %(end)s) group by 1, 2
) x join livestream_stream s on s.id = x.stream_id join members_member m on m.id = x.member_id
""",
    # looked at → into the cart → bought; by home store and product, a member once a day for each
    "products": f"""
select v.at, m.home_store_id as store_id, v.sku as part, v.member_id, p.id as ref_id, 1 as s1,
       case when exists (
           select from activity_event e where e.member_id = v.member_id and e.name = 'added_to_cart' and e.properties ->> 'sku' = v.sku
           and e.occurred_at >= v.at and e.occurred_at <= v.at + make_interval(days => {WITHIN})
       ) then 1 else 0 end as s2,
       {_BOUGHT.format(who="v.member_id", at="v.at", more=_LINE)} as s3, 0 as s4, 0 as s5
from (
    select e.member_id, e.properties ->> 'sku' as sku, min(e.occurred_at) as at from activity_event e
    where e.name = 'product_viewed' and e.member_id is not null and e.occurred_at >= %(start)s and e.occurred_at < %(end)s
    group by 1, 2, (e.occurred_at at time zone 'Asia/Shanghai')::date
) v join members_member m on m.id = v.member_id join catalog_product p on p.sku = v.sku
""",
}
_COUNT = """
insert into analytics_funnelday ("on", funnel, store_id, part, step_1, step_2, step_3, step_4, step_5)
select (r.at at time zone 'Asia/Shanghai')::date, %(funnel)s, coalesce(r.store_id, 0), left(r.part, 60),
       sum(s1), sum(s2), sum(s3), sum(s4), sum(s5)
from ({rows}) r group by 1, 3, 4
"""
_LIST = """
select r.at, r.member_id, r.ref_id, m.member_no, m.nickname, h.name as store
from ({rows}) r left join members_member m on m.id = r.member_id left join stores_store h on h.id = r.store_id
where r.part = %(part)s and r.{step} = 1 and (%(stores)s::bigint[] is null or r.store_id = any(%(stores)s::bigint[]))
order by r.at desc, r.member_id, r.ref_id limit %(most)s
"""


@transaction.atomic
def refresh(*, moment: datetime) -> int:
    """Everything of the last 92 days anew: each night, and where nothing was counted yet. Returns rows written."""
    last = clock.local_date(moment)
    first = last - timedelta(days=DAYS - 1)
    values: dict[str, Any] = {"moment": moment, "start": clock.day_start(first), "end": clock.day_end(last)}
    written = 0
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute("delete from analytics_funnelday")
        for funnel, rows in FUNNELS.items():
            cursor.execute(_COUNT.format(rows=rows), values | {"funnel": funnel})
            written += cursor.rowcount
    StudyMark.objects.update_or_create(pk=NAME, defaults={"as_of": moment})
    return written


def parts(funnel: str, *, first: date, last: date, store_ids: Stores) -> dict[str, tuple[int, ...]]:
    """Steps by part, of those who came in on these days."""
    sums = {f"n{number}": Sum(f"step_{number}") for number in range(1, 6)}
    rows = within(FunnelDay.objects.filter(funnel=funnel, on__range=(first, last)), store_ids)
    return {
        row["part"]: tuple(row[f"n{number}"] for number in range(1, 6))
        for row in rows.values("part").annotate(**sums).order_by("part")
    }


def days(funnel: str, *, part: str, step: int, first: date, last: date, store_ids: Stores) -> dict[date, int]:
    """Of one part: how many of each day reached the step; the newest first, days without any left out."""
    rows = within(FunnelDay.objects.filter(funnel=funnel, part=part, on__range=(first, last)), store_ids)
    found = rows.values_list("on").annotate(n=Sum(f"step_{step}")).order_by("-on")
    return {on: n for on, n in found if n}


def listed(
    funnel: str, *, part: str, step: int, on: date, store_ids: Stores, moment: datetime, most: int
) -> list[dict[str, Any]]:
    """The rows of one day, newest first. `moment`: when they were counted."""
    values = {
        "moment": moment, "start": clock.day_start(on), "end": clock.day_end(on), "part": part, "most": most,
        "stores": None if store_ids is None else list(store_ids),
    }  # fmt: skip
    return select.rows(_LIST.format(rows=FUNNELS[funnel], step=STEPS[step - 1]), values)


def moves(*, first: date, last: date, store_ids: Stores) -> dict[tuple[str, str], int]:
    """(stage before, stage after) → moves on these days; "" came in."""
    rows = DailyFigure.objects.filter(name__startswith="move.", on__range=(first, last))
    rows = summed(rows, store_ids)
    found: dict[tuple[str, str], int] = {}
    for name, count in rows.values_list("name").annotate(n=Sum("value")):
        _move, before, after = name.split(".")
        found["" if before == "first" else before, after] = count
    return found


_MOVED = """
select c.id, c.at, c.cause, m.id as member_id, m.member_no, m.nickname, h.name as store
from segments_stagechange c join members_member m on m.id = c.member_id left join stores_store h on h.id = m.home_store_id
"""


def moved(*, before: str, after: str, first: date, last: date, store_ids: Stores, cursor: str) -> Page:
    conditions = Conditions()
    conditions.add("c.after = %s and c.before = %s", after, before)
    conditions.add("c.at >= %s and c.at < %s", clock.day_start(first), clock.day_end(last))
    if store_ids is not None:
        conditions.add("m.home_store_id = any(%s)", list(store_ids))
    return select.page(
        _MOVED, conditions=conditions, sort=[("c.at", "at", datetime), ("c.id", "id", int)], cursor=cursor
    )
