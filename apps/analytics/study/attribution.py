"""Shares out what members paid among the contacts before it, by five models.

A contact counts within its window before the payment (`windows`): a message that went out, a coupon the order used, a live stream the
member watched or the order is known to be from, a WeCom group they joined, a tracked code they opened or came by. Contacts stand in
order of time; those of one moment by kind and number.

Each model is a row of weights; a contact's share is what the running sum of weights gives of the order's net, rounded down, less what
it gave to those before. So the shares of an order add up to its net, to the fen, in every model.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.analytics.models import StudyMark
from apps.analytics.study import windows
from apps.core import clock
from apps.orders.selectors import KEPT_ORDERS

NAME = "credits"
LOCK = 7_490_314
MODELS = ("last", "first", "linear", "decay", "position")
BACK = 3  # shop days whose orders and contacts may still move
KEPT_DAYS = 400
CHUNK = 31
SLACK = timedelta(hours=1)  # what a transaction that began before the last count may have committed after it
_ZONE = "at time zone 'Asia/Shanghai'"
_WITHIN = "{at} <= b.paid_at and {at} > b.paid_at - make_interval(days => %({kind})s)"

_BOUGHT = f"{KEPT_ORDERS} and o.paid_at >= %(start)s and o.paid_at < %(end)s"
_CONTACTS = f"""
select b.id as order_id, 'message' as kind, t.channel, t.policy_id as ref_id, coalesce(p.journey_id, 0) as journey_id, w.at
from bought b join care_touch t on t.member_id = b.member_id and t.state in ('sent', 'delivered')
cross join lateral (select greatest(t.decided_at, t.send_at) as at) w join care_policy p on p.id = t.policy_id
where {_WITHIN.format(at="w.at", kind="message")}
union all
select b.id, 'coupon', c.channel, u.template_id, coalesce(j.id, 0), least(u.done_at, b.paid_at)
from bought b join coupons_use u on u.order_id = b.id and u.state = 'done' join coupons_coupon c on c.id = u.coupon_id
left join care_journey j on c.channel = 'care' and j.key = c.origin
union all
select s.id, 'stream', '', s.stream_id, 0, max(s.at) from (
    select b.id, v.stream_id, w.at from bought b join livestream_viewer v on v.member_id = b.member_id and v.first_at <= b.paid_at
    cross join lateral (select least(v.last_at, b.paid_at) as at) w where {_WITHIN.format(at="w.at", kind="stream")}
    union all
    select b.id, l.stream_id, b.paid_at from bought b join livestream_sale l on l.order_id = b.id
) s group by 1, 4
union all
select b.id, 'group', '', g.group_id, 0, max(g.joined_at)
from bought b join community_contact c on c.member_id = b.member_id join community_groupmember g on g.contact_id = c.id
where {_WITHIN.format(at="g.joined_at", kind="group")} group by 1, 4
union all
select s.id, 'code', k.channel, k.id, 0, max(s.at) from (
    select b.id, cv.code_id, w.at
    from bought b join activity_visitor v on v.member_id = b.member_id and v.shared_at is null
    join activity_codevisitor cv on cv.visitor_id = v.id
    cross join lateral (select case when cv.last_at <= b.paid_at then cv.last_at else cv.first_at end as at) w
    where {_WITHIN.format(at="w.at", kind="code")}
    union all
    select b.id, a.code_id, a.at from bought b join activity_arrival a on a.member_id = b.member_id
    where {_WITHIN.format(at="a.at", kind="code")}
) s join activity_code k on k.id = s.code_id group by 1, 3, 4
"""
# Halves every `half_life` days; a millionth of it is the least a contact weighs. In the middle of a row of contacts all weigh the same.
_WEIGHTS = """
select r.*, case when nth = n then 1 else 0 end as last_w, case when nth = 1 then 1 else 0 end as first_w, 1 as linear_w,
       greatest(1, round(1000000 * power(2::float8, -extract(epoch from paid_at - at)::float8 / 86400 / %(half_life)s)))::bigint
           as decay_w,
       case when n <= 2 then 1 when nth in (1, n) then 2 * (n - 2) else 1 end as position_w
from (
    select c.*, b.paid_at, b.net_cents, coalesce(b.store_id, 0) as store_id, row_number() over row as nth,
           count(*) over (partition by c.order_id) as n
    from contacts c join bought b on b.id = c.order_id
    window row as (partition by c.order_id order by c.at, c.kind, c.ref_id, c.channel)
) r
"""
_COLUMNS = ", ".join(f"{model}_cents" for model in MODELS)
_SHARE = """(div(net_cents * sum({m}_w) over upto, sum({m}_w) over whole)
 - div(net_cents * (sum({m}_w) over upto - {m}_w), sum({m}_w) over whole))::bigint"""
_CREDITS = f"""
with bought as materialized ({_BOUGHT}), contacts as ({_CONTACTS}), weighed as ({_WEIGHTS})
insert into analytics_ordercredit (order_id, nth, paid_at, store_id, kind, channel, ref_id, journey_id, at, {_COLUMNS})
select order_id, nth, paid_at, store_id, kind, channel, ref_id, journey_id, at, {", ".join(_SHARE.format(m=model) for model in MODELS)}
from weighed window upto as (partition by order_id order by nth), whole as (partition by order_id)
"""
_DAYS = f"""
with bought as materialized ({_BOUGHT}), rows as (
    select paid_at, store_id, kind, channel, ref_id, journey_id, {_COLUMNS}
    from analytics_ordercredit where paid_at >= %(start)s and paid_at < %(end)s
    union all
    select b.paid_at, coalesce(b.store_id, 0), '', '', 0, 0, {", ".join(["b.net_cents"] * len(MODELS))}
    from bought b where not exists (select from analytics_ordercredit c where c.order_id = b.id)
)
insert into analytics_creditday ("on", store_id, kind, channel, ref_id, journey_id, contacts, {_COLUMNS})
select (paid_at {_ZONE})::date, store_id, kind, channel, ref_id, journey_id, count(*),
       {", ".join(f"sum({model}_cents)" for model in MODELS)}
from rows group by 1, 2, 3, 4, 5, 6
"""
_REFUNDED = f"""
select distinct (o.paid_at {_ZONE})::date from orders_refund r join orders_order o on o.id = r.order_id
where r.refunded_at >= %(since)s and o.paid_at >= %(first)s order by 1
"""


@transaction.atomic
def refresh(*, moment: datetime, whole: bool = False) -> int:
    """Bring the tables up to `moment`; returns days counted. Readers see them before or after, never between.

    By the hour: the last three shop days, and the days whose orders were refunded since. The first count, `whole`, and the first
    after the windows were changed are of all days that are kept.
    """
    today, setting = clock.local_date(moment), windows.current()
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        last = StudyMark.objects.filter(pk=NAME).first()
        oldest = today - timedelta(days=KEPT_DAYS - 1)
        if whole or last is None or last.params != setting:
            cursor.execute("delete from analytics_ordercredit")
            cursor.execute("delete from analytics_creditday")
            spans = [
                (oldest + timedelta(days=n), min(today, oldest + timedelta(days=n + CHUNK - 1)))
                for n in range(0, KEPT_DAYS, CHUNK)
            ]
        else:
            recent = today - timedelta(days=BACK - 1)
            cursor.execute(_REFUNDED, {"since": last.as_of - SLACK, "first": clock.day_start(oldest)})
            spans = [(day, day) for (day,) in cursor.fetchall() if day < recent] + [(recent, today)]
        for first, until in spans:
            _count(cursor, first=first, last=until, moment=moment, setting=setting)
        StudyMark.objects.update_or_create(pk=NAME, defaults={"as_of": moment, "params": setting})
    return sum((until - first).days + 1 for first, until in spans)


def _count(cursor: Any, *, first: date, last: date, moment: datetime, setting: dict[str, int]) -> None:
    """Both tables anew for the orders paid on these days."""
    values = setting | {
        "first": first, "last": last, "start": clock.day_start(first), "end": clock.day_end(last), "moment": moment,
    }  # fmt: skip
    cursor.execute("delete from analytics_ordercredit where paid_at >= %(start)s and paid_at < %(end)s", values)
    cursor.execute('delete from analytics_creditday where "on" between %(first)s and %(last)s', values)
    cursor.execute(_CREDITS, values)
    cursor.execute(_DAYS, values)
