"""The life stage machine as SQL over `segments_summary`: a pure function of the kept orders and the moment. See docs/lifecycle.md.

A boundary belongs to the younger side: at `last + limit` exactly the member is still in the stage that ends there.
"""


def _days(n: int) -> str:
    """The n-th limit in days after the last kept order: by the member's own pace, with too few orders by the calendar."""
    own = f"%(factor_{n})s * least(greatest(u.gap_median_days, %(clamp_low)s), %(clamp_high)s)"
    return f"case when u.orders >= %(min_orders)s then {own} else %(fixed_{n})s end"


def _until(n: int) -> str:
    return f"u.last_order_at + make_interval(secs => 86400 * {_days(n)})"


ACTIVE_DAYS = _days(1)

# First kept order, windows and limits as moments: each stage ends at its moment, inclusive.
_LIMITS = f"""
select d.member_id, d.joined_at, d.seen, u.first_order_at, u.last_order_at, u.last_order_id,
       coalesce(u.orders, 0) as orders, coalesce(u.net_cents, 0) as net_cents, u.gap_mean_days, u.gap_median_days,
       t.category_id as top_category_id, t.category_lines, u.top_store_id, u.top_hour, coalesce(u.top_channel, '') as top_channel,
       coalesce(u.mark, 0) as mark, r.at as revived_at,
       (coalesce(u.orders_seen, 0), coalesce(u.mark_seen, 0)) is distinct from (s.orders, s.mark) as past_changed,
       u.first_order_at + make_interval(secs => %(new_days)s * 86400) as new_until,
       r.at + make_interval(secs => %(won_back_days)s * 86400) as won_back_until,
       {_until(1)} as active_until, {_until(2)} as lapsing_until, {_until(3)} as dormant_until
from segments_due d
left join segments_summary u on u.member_id = d.member_id
left join segments_taste t on t.member_id = d.member_id
left join segments_revival r on r.member_id = d.member_id
left join segments_memberstats s on s.member_id = d.member_id
"""

_STAGE = f"""
select *, greatest(new_until, won_back_until) as welcome_until,
       case when orders = 0 then 'prospect'
            when %(moment)s <= new_until then 'new'
            when %(moment)s <= won_back_until then 'won_back'
            when %(moment)s <= active_until then 'active'
            when %(moment)s <= lapsing_until then 'lapsing'
            when %(moment)s <= dormant_until then 'dormant'
            else 'lost' end as stage
from ({_LIMITS}) limits
"""

_SINCE = f"""
select *,
       case stage when 'prospect' then joined_at
                  when 'new' then first_order_at
                  when 'won_back' then greatest(revived_at, new_until)
                  when 'active' then greatest(last_order_at, welcome_until)
                  when 'lapsing' then greatest(active_until, welcome_until)
                  when 'dormant' then greatest(lapsing_until, welcome_until)
                  when 'lost' then greatest(dormant_until, welcome_until) end as stage_since,
       case stage when 'new' then new_until
                  when 'won_back' then won_back_until
                  when 'active' then active_until
                  when 'lapsing' then lapsing_until
                  when 'dormant' then dormant_until end as next_stage_at
from ({_STAGE}) stages
"""

# `ordered`: the stage began with a kept order that is newer than the last refresh.
STAGED = f"""
select *, stage_since > seen and case stage when 'new' then true
                                            when 'won_back' then stage_since = revived_at
                                            when 'active' then stage_since = last_order_at
                                            else false end as ordered
from ({_SINCE}) since
"""

KEEP_CHANGES = """
insert into segments_stagechange (member_id, before, after, cause, at, recorded_at)
select f.member_id, coalesce(s.stage, ''), f.stage,
       case when s.member_id is null then 'first'
            when f.past_changed or %(is_recast)s then 'corrected'
            when f.ordered then 'order'
            else 'time' end,
       f.stage_since, %(moment)s
from segments_fresh f left join segments_memberstats s on s.member_id = f.member_id
where f.stage is distinct from s.stage
order by f.member_id
"""
