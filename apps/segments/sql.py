"""From kept orders to stats: the statements of a refresh, one after the other over a set of members.

segments_named    the ids of those whom this refresh looks at; children without a guardian among them lose what was computed
segments_due      these members, and up to when their history has been told
segments_summary  what their kept orders say
segments_taste    their lines by category, and the one they buy most
segments_revival  the order that ended a dormancy, for those who may have one
segments_fresh    the rows of `MemberStats` as they should be (scores excepted, see `rfm.py`)

All are temporary tables, emptied at commit. Every statement reads the whole set; none knows how large it is.
"""

from apps.members.minors import CHILD, COMES_OF_AGE, UNGUARDED
from apps.orders.selectors import KEPT_ORDERS, TAKE_CHANGES
from apps.segments.stages import ACTIVE_DAYS, STAGED

# A session keeps its temporary tables, and they are emptied by DELETE (a second refresh in one transaction finds the first one's
# rows), so that a sale at the till does not write to the catalogue.
TABLES = """
create temp table if not exists segments_named (member_id bigint) on commit delete rows;
create temp table if not exists segments_due (
    member_id bigint, joined_at timestamptz, seen timestamptz
) on commit delete rows;
create temp table if not exists segments_summary (
    member_id bigint, orders int, first_order_at timestamptz, last_order_at timestamptz, last_order_id bigint,
    net_cents bigint, gap_mean_days float8, gap_median_days float8, top_store_id bigint, top_channel text,
    top_hour smallint, mark bigint, orders_seen int, mark_seen bigint, leap_at timestamptz
) on commit delete rows;
create temp table if not exists segments_revival (member_id bigint, at timestamptz) on commit delete rows;
create temp table if not exists segments_taste (member_id bigint, category_id bigint, category_lines jsonb) on commit delete rows;
create temp table if not exists segments_fresh (
    member_id bigint, first_order_at timestamptz, last_order_at timestamptz, last_order_id bigint, orders int,
    net_cents bigint, gap_mean_days float8, gap_median_days float8, top_category_id bigint, category_lines jsonb, top_store_id bigint,
    top_hour smallint, top_channel text, stage text, stage_since timestamptz, next_stage_at timestamptz,
    revived_at timestamptz, mark bigint, past_changed bool, ordered bool
) on commit delete rows;
delete from segments_named; delete from segments_due; delete from segments_summary; delete from segments_taste;
delete from segments_revival; delete from segments_fresh
"""

# Whoever has a note is looked at by segments, too: an order that was cancelled or given back whole changes no figure of the stats,
# and rules ask about it all the same.
_NOTED = f"""with noted as ({TAKE_CHANGES}),
stirred as (insert into segments_stir (member_id) select distinct member_id from noted)"""
NAME_NOTED = f"""
{_NOTED}, met as (delete from segments_newcomer returning member_id)
insert into segments_named
select member_id from noted union select member_id from met
union select member_id from segments_memberstats where next_stage_at < %(moment)s
union select member_id from segments_minor where due_at <= %(moment)s
"""
NAME_ALL = f"""
{_NOTED}, met as (delete from segments_newcomer)
insert into segments_named select id from members_member
"""
NAME_GIVEN = """
with met as (delete from segments_newcomer where member_id = any(%(members)s))
insert into segments_named select distinct unnest(%(members)s::bigint[])
"""

# A statement of its own: only when the names are counted does the planner know whether to look members up or to read them all.
DUE = f"""
insert into segments_due
select m.id, m.joined_at, greatest(s.as_of, %(frontier)s)
from segments_named d join members_member m on m.id = d.member_id
left join segments_memberstats s on s.member_id = m.id
where m.merged_into_id is null and m.status <> 'erased' and not {UNGUARDED}
"""

# Nobody has agreed to anything being worked out about these children. Answers how many rows went, and how many were buyers'.
LEAVE_IN_PEACE = f"""
with children as materialized (
    select m.id from segments_named n join members_member m on m.id = n.member_id
    where m.birth_year >= %(child_year)s and {UNGUARDED}
), scores as (delete from segments_scorechange s using children c where s.member_id = c.id),
predicted as (delete from segments_prediction s using children c where s.member_id = c.id),
cycles as (delete from segments_membercycle s using children c where s.member_id = c.id),
gone as (delete from segments_memberstats s using children c where s.member_id = c.id returning s.orders)
select count(*), count(*) filter (where orders > 0) from gone
"""
# When time alone decides anew about a child: a guardian's yes ends, or the child turns 14.
WATCH_CHILDREN = f"""
insert into segments_minor as w (member_id, due_at)
select m.id, least({COMES_OF_AGE}, (
    select min(g.valid_until) from members_consentnow g
    where g.member_id = m.id and g.purpose = 'guardian' and g.is_granted and g.valid_until > %(valid_at)s))
from segments_named n join members_member m on m.id = n.member_id
where m.birth_year >= %(child_year)s and m.merged_into_id is null and {CHILD}
on conflict (member_id) do update set due_at = excluded.due_at where w.due_at <> excluded.due_at
"""
FORGET_GROWN_UP = f"""
delete from segments_minor w using segments_named n join members_member m on m.id = n.member_id
where w.member_id = n.member_id and (m.merged_into_id is not null or not {CHILD})
"""

_KEPT = f"(select d.seen, k.* from segments_due d join ({KEPT_ORDERS}) k on k.member_id = d.member_id)"
_GAP = "extract(epoch from paid_at - lag(paid_at) over gaps)::float8 / 86400"
_WINDOW = "window gaps as (partition by member_id order by paid_at, id)"

# mode() takes the smallest of several values that are equally frequent.
SUMMARY = f"""
insert into segments_summary
select member_id, count(*), min(paid_at), max(paid_at), max(id) filter (where is_last), sum(net_cents),
       avg(gap), percentile_cont(0.5) within group (order by gap),
       mode() within group (order by store_id), coalesce(mode() within group (order by nullif(channel, '')), ''),
       mode() within group (order by date_part('hour', paid_at at time zone 'Asia/Shanghai')::smallint),
       bit_xor(hashint8extended(id, 0)),
       count(*) filter (where paid_at <= seen), coalesce(bit_xor(hashint8extended(id, 0)) filter (where paid_at <= seen), 0),
       max(paid_at) filter (where gap > %(leap)s)
from (
    select member_id, seen, id, paid_at, store_id, channel, net_cents, {_GAP} as gap, lead(id) over gaps is null as is_last
    from {_KEPT} kept {_WINDOW}
) kept
group by member_id
"""

# Of several categories with equally many lines the smaller id; the counts are kept with the stats for the next refresh.
_TASTE = "select member_id, -(max(array[lines, -category_id]))[2], jsonb_object_agg(category_id, lines) from counted group by 1"
TASTE = f"""
insert into segments_taste
with counted as (
    select k.member_id, p.category_id, count(*) as lines
    from {_KEPT} k join orders_line l on l.order_id = k.id join catalog_product p on p.id = l.product_id
    where p.category_id is not null
    group by 1, 2
)
{_TASTE}
"""
# For those whose past is as it was, their orders since; for the others, all. Member by member: the planner, who knows nothing
# of a small temporary table, would otherwise read every line there is.
TASTE_OF_SOME = f"""
insert into segments_taste
with known as materialized (
    select member_id, s.category_lines, case when (s.orders, s.mark) = (orders_seen, mark_seen) then seen else '-infinity' end as since
    from segments_due join segments_summary u using (member_id) left join segments_memberstats s using (member_id)
), counted as (
    select member_id, category_id, sum(lines)::bigint as lines
    from (
        select n.member_id, p.category_id, bought.lines
        from known n cross join lateral (
            select l.product_id, count(*) as lines
            from ({KEPT_ORDERS}) k join orders_line l on l.order_id = k.id
            where k.member_id = n.member_id and k.paid_at > n.since
            group by 1 offset 0
        ) bought join catalog_product p on p.id = bought.product_id
        where p.category_id is not null
        union all
        select n.member_id, c.key::bigint, c.value::bigint
        from known n cross join lateral jsonb_each_text(n.category_lines) c where n.since > '-infinity'
    ) told
    group by 1, 2
)
{_TASTE}
"""

# An order revives when the gap before it had made the member dormant, judged by the orders before it alone. Asked only where
# the answer can still show: in the last stretch of won-back length before the last order, after a gap that is long enough, of
# members whose active stretch has not passed (or is shorter than the won-back one).
REVIVALS = f"""
insert into segments_revival
with doubtful as materialized (
    select member_id, last_order_at - make_interval(secs => %(won_back_days)s * 86400) as since
    from segments_summary u cross join lateral (select {ACTIVE_DAYS} as active_days) pace
    where leap_at > last_order_at - make_interval(secs => %(won_back_days)s * 86400)
      and (%(won_back_days)s > active_days or %(moment)s <= last_order_at + make_interval(secs => 86400 * active_days))
), walked as materialized (
    select member_id, since, paid_at, lag(paid_at) over gaps as before_at, {_GAP} as gap, row_number() over gaps as place
    from (select d.since, k.* from doubtful d join ({KEPT_ORDERS}) k on k.member_id = d.member_id) k {_WINDOW}
), leaps as (
    select member_id, paid_at, before_at, place from walked where paid_at > since and gap > %(leap)s
), judged as (
    select l.member_id, l.paid_at, l.before_at, l.place, percentile_cont(0.5) within group (order by b.gap) as median
    from leaps l left join walked b on b.member_id = l.member_id and b.place < l.place and l.place > %(min_orders)s
    group by 1, 2, 3, 4
)
select member_id, max(paid_at) from judged
where paid_at > before_at + make_interval(secs => 86400 * case
    when place > %(min_orders)s then %(factor_2)s * least(greatest(median, %(clamp_low)s), %(clamp_high)s)
    else %(fixed_2)s end)
group by 1
"""

FRESH = f"""
insert into segments_fresh
select member_id, first_order_at, last_order_at, last_order_id, orders, net_cents, gap_mean_days, gap_median_days,
       top_category_id, category_lines, top_store_id, top_hour, top_channel, stage, stage_since, next_stage_at,
       case when stage = 'won_back' then revived_at end, mark, past_changed, ordered
from ({STAGED}) staged
"""

COLUMNS = (
    "first_order_at", "last_order_at", "last_order_id", "orders", "net_cents", "gap_mean_days", "gap_median_days",
    "top_category_id", "category_lines", "top_store_id", "top_hour", "top_channel", "r", "f", "m", "cell", "stage", "stage_since",
    "next_stage_at", "revived_at", "mark",
)  # fmt: skip


def merge(rows: str) -> str:
    """Write the stats that differ from the stored ones, and no other row."""
    new = ", ".join(f"f.{name}" for name in COLUMNS)
    old = ", ".join(f"s.{name}" for name in COLUMNS)
    sets = ", ".join(f"{name} = f.{name}" for name in COLUMNS)
    return f"""
    merge into segments_memberstats s using ({rows}) f on s.member_id = f.member_id
    when matched and ({new}) is distinct from ({old}) then update set {sets}, as_of = %(moment)s
    when not matched then insert (member_id, {", ".join(COLUMNS)}, as_of) values (f.member_id, {new}, %(moment)s)
    """
