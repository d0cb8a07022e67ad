"""Borders of steps and the moves over them, as statements about many placements at once."""

# Every border of the placements `{of}` (a relation with id, track_id, anchor_on): `n` from 1; the end has no key.
# PostgreSQL adds months first and cuts to the month's last day, then days: `shape.border` says the same.
_BORDERS = """
select d.id as placement_id, d.track_id, b.n, b.key,
       (d.anchor_on + make_interval(months => b.months, days => b.days))::timestamp at time zone 'Asia/Shanghai' as at
from {of} d join segments_track t on t.id = d.track_id cross join lateral (
    select e.n::int, e.value ->> 'key' as key, (e.value ->> 'months')::int as months, (e.value ->> 'days')::int as days
    from jsonb_array_elements(t.steps) with ordinality e(value, n)
    union all
    select jsonb_array_length(t.steps) + 1, '', (t.ends ->> 'months')::int, (t.ends ->> 'days')::int where t.ends is not null
) b
"""

# One chunk of those whom time moves on: every border they passed becomes a row, in order, also after an outage. A step that was
# entered before (a correction took the member back) is told as "again".
TICK = f"""
with due as materialized (
    select id, track_id, anchor_on, step, next_at from segments_placement
    where next_at <= %(moment)s and left_at is null order by next_at, id limit %(limit)s for update skip locked
), borders as materialized ({_BORDERS.format(of="due")}),
passed as (
    select b.*, lag(b.key, 1, d.step) over (partition by b.placement_id order by b.n) as before
    from borders b join due d on d.id = b.placement_id where b.at >= d.next_at and b.at <= %(moment)s
), told as (
    insert into segments_trackmove (placement_id, track_id, before, after, cause, at, recorded_at)
    select p.placement_id, p.track_id, p.before, p.key, case when p.key <> '' and exists (
               select from segments_trackmove c
               where c.placement_id = p.placement_id and c.after = p.key and c.cause in ('placed', 'time')
           ) then 'again' else 'time' end, p.at, %(moment)s
    from passed p order by p.placement_id, p.n
    returning track_id, after, cause
), moved as (
    update segments_placement p set step = coalesce(l.key, p.step), since = case when l.key <> '' then l.at end, next_at = (
        select min(x.at) from borders x where x.placement_id = p.id and x.at > %(moment)s
    )
    from due d left join lateral (
        select b.key, b.at from passed b where b.placement_id = d.id order by b.n desc limit 1
    ) l on true
    where p.id = d.id
    returning p.id
)
select (select count(*) from moved), (
    select jsonb_agg(jsonb_build_array(track_id, after, n)) from (
        select track_id, after, count(*) as n from told where cause = 'time' and after <> '' group by 1, 2 order by 1, 2
    ) entered
)
"""

# The placements `ids` stand where their anchor puts them at the moment. `cause` says why; `only_moves`: rows of those alone whose
# step is another one now.
SETTLE = f"""
with due as materialized (
    select id, track_id, anchor_on, step from segments_placement where id = any(%(ids)s) and left_at is null for update
), borders as materialized ({_BORDERS.format(of="due")}),
stands as (
    select d.id, d.track_id, d.step as before, coalesce(l.key, '') as key, case when l.key <> '' then l.at end as at, (
        select min(x.at) from borders x where x.placement_id = d.id and x.at > %(moment)s
    ) as next_at
    from due d left join lateral (
        select b.key, b.at from borders b where b.placement_id = d.id and b.at <= %(moment)s order by b.n desc limit 1
    ) l on true
), told as (
    insert into segments_trackmove (placement_id, track_id, before, after, cause, at, recorded_at)
    select id, track_id, before, key, %(cause)s, %(moment)s, %(moment)s from stands
    where not %(only_moves)s or before <> key order by id
)
update segments_placement p set step = s.key, since = s.at, next_at = s.next_at from stands s where p.id = s.id
"""

LEAVE = """
with gone as (
    select id, track_id, step from segments_placement where id = any(%(ids)s) and left_at is null for update
), told as (
    insert into segments_trackmove (placement_id, track_id, before, after, cause, at, recorded_at)
    select id, track_id, step, '', 'left', %(moment)s, %(moment)s from gone order by id
)
update segments_placement p set step = '', since = null, next_at = null, left_at = %(moment)s from gone where p.id = gone.id
"""
