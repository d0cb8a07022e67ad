-- What somebody would write by hand for one full pass with the usual thresholds. It shares nothing with sql.py.
insert into bench_stats (member_id, first_order_at, last_order_at, last_order_id, orders, net_cents, gap_mean_days, gap_median_days,
    top_category_id, top_store_id, top_hour, top_channel, r, f, m, cell, stage, stage_since, next_stage_at, revived_at, mark, as_of)
with kept as materialized (
    select o.member_id, o.id, o.paid_at, o.store_id, o.channel, o.total_cents - o.refunded_cents + coalesce(later.cents, 0) as net,
           extract(epoch from o.paid_at - lag(o.paid_at) over w)::float8 / 86400 as gap,
           lag(o.paid_at) over w as before_at, row_number() over w as place
    from orders_order o
    left join (
        select order_id, sum(amount_cents)::bigint as cents from orders_refund where refunded_at > %(moment)s group by 1
    ) later on later.order_id = o.id
    where o.status <> 'cancelled' and o.paid_at <= %(moment)s and o.total_cents - o.refunded_cents + coalesce(later.cents, 0) > 0
    window w as (partition by o.member_id order by o.paid_at, o.id)
), summary as (
    select member_id, count(*) as orders, min(paid_at) as first_at, max(paid_at) as last_at, max(place) as places, sum(net) as net,
           avg(gap) as mean, percentile_cont(0.5) within group (order by gap) as median,
           mode() within group (order by store_id) as store, mode() within group (order by nullif(channel, '')) as channel,
           mode() within group (order by date_part('hour', paid_at at time zone 'Asia/Shanghai')::smallint) as hour,
           bit_xor(hashint8extended(id, 0)) as mark
    from kept group by member_id
), taste as (
    select k.member_id, mode() within group (order by p.category_id) as category
    from kept k join orders_line l on l.order_id = k.id join catalog_product p on p.id = l.product_id
    where p.category_id is not null group by 1
), last_order as (
    select k.member_id, k.id from kept k join summary s on s.member_id = k.member_id and s.places = k.place
), leaps as (
    select member_id, paid_at, before_at, place, gap from kept
    where gap > 63 and paid_at >= %(moment)s - interval '300 days'
), revived as (
    select member_id, max(paid_at) as at from (
        select l.member_id, l.paid_at, l.gap, l.place, percentile_cont(0.5) within group (order by b.gap) as median
        from leaps l left join kept b on b.member_id = l.member_id and b.place < l.place group by 1, 2, 3, 4
    ) judged
    where gap > case when place > 3 then 3 * least(greatest(median, 21), 180) else 90 end
    group by 1
), cuts as (
    select percentile_disc(array[.2, .4, .6, .8]) within group (order by last_at) as r,
           percentile_disc(array[.2, .4, .6, .8]) within group (order by orders) as f,
           percentile_disc(array[.2, .4, .6, .8]) within group (order by net) as m
    from summary
), scored as (
    select s.*, t.category, o.id as last_id, v.at as revived, v.at + interval '720 hours' as won_until, first_at + interval '720 hours' as new_until,
           1 + (last_at > c.r[1])::int + (last_at > c.r[2])::int + (last_at > c.r[3])::int + (last_at > c.r[4])::int as r,
           1 + (orders > c.f[1])::int + (orders > c.f[2])::int + (orders > c.f[3])::int + (orders > c.f[4])::int as f,
           1 + (net > c.m[1])::int + (net > c.m[2])::int + (net > c.m[3])::int + (net > c.m[4])::int as m,
           last_at + make_interval(secs => 86400 * case when orders >= 3 then 1.5 * least(greatest(median, 21), 180) else 30 end) as l1,
           last_at + make_interval(secs => 86400 * case when orders >= 3 then 3 * least(greatest(median, 21), 180) else 90 end) as l2,
           last_at + make_interval(secs => 86400 * case when orders >= 3 then 6 * least(greatest(median, 21), 180) else 180 end) as l3
    from summary s cross join cuts c
    left join taste t using (member_id) left join last_order o using (member_id)
    left join revived v on v.member_id = s.member_id
), staged as (
    select *, case when %(moment)s <= new_until then 'new' when %(moment)s <= won_until then 'won_back'
                   when %(moment)s <= l1 then 'active' when %(moment)s <= l2 then 'lapsing'
                   when %(moment)s <= l3 then 'dormant' else 'lost' end as stage
    from scored
)
select e.id, first_at, last_at, last_id, coalesce(orders, 0), coalesce(net, 0), mean, median, category, store, hour, coalesce(s.channel, ''),
       r, f, m, case when r is null then '' else (array[
           ['lost', 'lost', 'at_risk', 'at_risk', 'cannot_lose'], ['hibernating', 'hibernating', 'at_risk', 'at_risk', 'cannot_lose'],
           ['about_to_sleep', 'about_to_sleep', 'need_attention', 'loyal', 'loyal'],
           ['promising', 'potential_loyal', 'potential_loyal', 'loyal', 'loyal'],
           ['new_customers', 'potential_loyal', 'potential_loyal', 'champions', 'champions']])[r][(f + m + 1) / 2] end,
       coalesce(stage, 'prospect'),
       case stage when 'new' then first_at when 'won_back' then revived when 'active' then greatest(last_at, new_until, won_until)
                  when 'lapsing' then l1 when 'dormant' then l2 when 'lost' then l3 else e.joined_at end,
       case stage when 'new' then new_until when 'won_back' then won_until when 'active' then l1 when 'lapsing' then l2
                  when 'dormant' then l3 end,
       case when stage = 'won_back' then revived end, coalesce(mark, 0), %(moment)s
from members_member e left join staged s on s.member_id = e.id
