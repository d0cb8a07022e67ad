"""From what was earned to where members stand: the statements of an assessment, one after the other over a set of members.

points_rung   the ladder, as it is or as a draft would have it
points_gate   which members are in the segments that gate a tier, where the caller said so
points_named  the members whom this assessment looks at
points_fresh  how those should stand who do not yet

All are temporary tables, emptied at commit. Every statement reads the whole set; none knows how large it is. A rank stands for a
tier, so that a draft's new tiers need no row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rung:
    """A tier as an assessment sees it; one of a draft may not have an `id` yet."""

    rank: int
    threshold: int
    id: int | None = None
    gate: str = ""
    is_for_life: bool = False


@dataclass(frozen=True)
class Course:
    """By which ladder, up to which moment. `values` are the parameters of every statement."""

    basis: str
    rungs: tuple[Rung, ...]
    values: dict[str, Any]


TABLES = """
create temp table if not exists points_rung (
    rank int, tier_id bigint, threshold bigint, gate text, is_for_life bool) on commit delete rows;
create temp table if not exists points_gate (key text, member_id bigint) on commit delete rows;
create temp table if not exists points_named (member_id bigint, joined_at timestamptz) on commit delete rows;
create temp table if not exists points_fresh (
    member_id bigint, is_new bool, before int, before_id bigint, rank int, tier_id bigint, what text, value bigint, since timestamptz,
    valid_until timestamptz, grace_until timestamptz, coming_id bigint, coming_at timestamptz, basis_from timestamptz,
    basis_until timestamptz, needed bigint, beneath jsonb, next_check_at timestamptz) on commit delete rows;
create temp table if not exists points_moved (id bigint) on commit delete rows;
delete from points_rung; delete from points_gate; delete from points_named; delete from points_fresh; delete from points_moved
"""

_STAYING = "m.status in ('active', 'frozen', 'blocked')"
NAME_GIVEN = f"""
insert into points_named
select m.id, m.joined_at from members_member m where m.id = any(%(members)s) and {_STAYING}
"""
NAME_NEXT = f"""
insert into points_named
select m.id, m.joined_at from members_member m where m.id > %(after)s and {_STAYING} order by m.id limit %(chunk)s
"""
NAME_DUE = f"""
with due as (
    select s.member_id, m.joined_at, {_STAYING} as stays from points_standing s join members_member m on m.id = s.member_id
    where s.next_check_at <= %(moment)s order by s.next_check_at limit %(chunk)s
), gone as (
    update points_standing s set next_check_at = null from due d where d.member_id = s.member_id and not d.stays
)
insert into points_named select member_id, joined_at from due where stays
"""

# Before a gate with a value that covers the tier behind it, or behind one, where time alone brings no look.
AT_GATES = """
select s.member_id, t.segment_key, t.rank > mine.rank
from points_standing s join points_tier mine on mine.id = s.tier_id join points_tier t on t.segment_key = any(%(keys)s)
left join points_tier c on c.id = s.coming_id
where not s.is_locked and case when t.rank > mine.rank then s.value >= t.threshold and coalesce(c.rank, -1) < t.rank
                               else t.id = mine.id and %(follows)s end
"""

# Accounts before standings, both in one order: nobody waits for somebody who waits for them.
SETTLE = """
select points_settle(array_agg(d.id), %(moment)s) from (
    select a.id from points_account a join points_named n on n.member_id = a.member_id
    where a.currency_id = %(currency)s and a.next_due_at <= %(moment)s order by a.id for no key update of a
) d having count(*) > 0
"""

LOCK = """
select count(*) from (
    select s.member_id from points_standing s join points_named n on n.member_id = s.member_id
    order by s.member_id for no key update of s
) locked
"""
ENSURE = """
insert into points_standing (member_id, tier_id, since, value, is_locked, assessed_at, beneath)
select n.member_id, (select tier_id from points_rung where rank = 0), %(moment)s, 0, false, %(moment)s, '[]'
from points_named n
on conflict do nothing
"""

# What was gathered from one moment to another, less what was taken back since.
_OF_LOTS = """
from points_lot l where l.account_id = a.id and l.activated_at is not null and l.earned_at >= {since} and l.earned_at <= {until}
"""
_OF_ORDERS = """
from orders_order l where l.member_id = n.member_id and l.status <> 'cancelled' and l.paid_at >= {since} and l.paid_at <= {until}
"""
# The period of now, and from the beginning of the one that just ended with a validity or a waiting time
_IN_PERIODS = """
select coalesce(sum({net}) filter (where {at} >= %(start)s), 0)::bigint as value,
       coalesce(sum({net}) filter (where {at} < %(start)s), 0)::bigint as older,
       min({at}) filter (where {at} >= %(start)s and %(follows)s) as oldest
""".replace("\n", " ")
_HAS_ACCOUNT = "a.id is not null"
_HAS_ORDERS = "exists (select from orders_order o where o.member_id = n.member_id and o.paid_at is not null)"

# How they stand and what counts for them. Without a row they stand on the lowest rung, and get one if anything could count.
_SEEN = """
    select n.member_id, n.joined_at, s.member_id is null and {has} as is_new, r.rank, r.tier_id, r.threshold,
           r.is_for_life or %(never)s as is_kept,
           r.gate = any(%(known_gates)s) and not exists (
               select from points_gate g where g.key = r.gate and g.member_id = n.member_id) as is_gate_shut,
           coalesce(s.since, %(moment)s) as since, s.valid_until, s.grace_until, c.rank as coming, s.coming_id, s.coming_at,
           coalesce(s.is_locked, false) as is_locked, s.basis_from, s.basis_until, s.needed, coalesce(s.beneath, '[]') as beneath,
           s.next_check_at, s.value as old_value, e.begins, coalesce(v.value, 0) as value,
           coalesce(v.value + v.older, 0) as kept,
           case when %(follows)s then points_window_leaves(%(window)s, v.oldest) end as leaves,
           case when %(counts_points)s and a.pending > 0 or %(counts_balance)s then a.next_due_at end as due_at,
           case when v.value < least(s.needed, r.threshold) then (
               select coalesce(sum({net}), 0)::bigint {gathered_for_basis}) end as rested,
           {best_now} as best,
           case when s.valid_until <= %(moment)s or s.coming_at <= %(moment)s then {best_kept} end as best_kept,
           s.valid_until <= %(moment)s as is_over, least(s.needed, r.threshold) as bar
    from points_named n
    left join points_standing s on s.member_id = n.member_id
    left join points_account a on a.member_id = n.member_id and a.currency_id = %(currency)s
    left join points_rung own on own.tier_id = s.tier_id
    join points_rung r on r.rank = coalesce(own.rank, 0)
    left join points_rung c on c.tier_id = s.coming_id
    cross join lateral (
        select case when s.valid_until <= %(moment)s or s.coming_at <= %(moment)s then points_window_start(%(window)s, least(
            case when s.valid_until <= %(moment)s then s.valid_until end, case when s.coming_at <= %(moment)s then s.coming_at end)
            - interval '1 microsecond') else %(start)s end as begins
    ) e
    left join lateral ({in_periods}) v on true
"""

_RESTED = "select coalesce(sum({net}), 0) {gathered}"

_FRESH = """
with seen as ({seen} offset 0  -- each step is worked out once a row
), named as (
    -- the first line that fits decides; docs/tiers.md says the same in words
    select s.*, case
        when s.is_locked then 'stay'
        when s.coming_at <= %(moment)s and least(s.coming, s.best_kept) > s.rank then 'arrive'
        when s.best > s.rank and not %(postpones)s then 'rise'
        when %(follows)s and (s.value < s.threshold or s.is_gate_shut) and not s.is_kept then 'follow'
        when s.needed is not null and s.value < s.bar and s.rested < s.bar and s.is_over is not true then 'refund'
        when s.rank = 0 or s.is_kept or s.is_over is not true then 'stay'
        when s.kept >= s.threshold and not s.is_gate_shut then 'renew'
        when s.valid_until + %(grace)s > %(moment)s then 'grace'
        else 'fall' end as what
    from seen s offset 0
), judged as (
    -- after a refund the tier it rose from, should that still stand by itself and be no worse
    select s.*, case when s.what = 'refund' then (
        select x.entry || jsonb_build_object('rank', r.rank)
        from jsonb_array_elements(s.beneath) x(entry) join points_rung r on r.tier_id = (x.entry ->> 'tier')::bigint
        where r.rank >= {best_rested} and coalesce((x.entry ->> 'until')::timestamptz > %(moment)s, true)
          and ((x.entry ->> 'needed') is null or least((x.entry ->> 'needed')::bigint, r.threshold) <= ({entry_rested}))
        order by r.rank desc limit 1) end as under
    from named s offset 0
), settled as (
    select s.*, case s.what when 'arrive' then least(s.coming, s.best_kept) when 'rise' then s.best when 'follow' then s.best
        when 'refund' then coalesce((s.under ->> 'rank')::int, {best_rested})
        when 'fall' then case when %(one_down)s then (
            select max(r.rank) from points_rung r where r.rank < s.rank and (r.gate = ''
               or exists (select from points_gate g where g.key = r.gate and g.member_id = s.member_id))) else s.best_kept end
        else s.rank end as goes
    from judged s offset 0
)
insert into points_fresh
select s.member_id, s.is_new, s.rank, s.tier_id, t.rank, t.tier_id, s.what, s.value, n.since, n.valid_until, o.grace_until,
       o.coming_id, n.coming_at, n.basis_from, n.basis_until, n.needed, n.beneath, o.next_check_at
from settled s
join points_rung t on t.rank = s.goes
cross join lateral (
    select case when s.what in ('stay', 'grace', 'renew') then s.since when s.under is not null then (s.under ->> 'since')::timestamptz
                when s.what = 'arrive' then s.coming_at else %(moment)s end as since,
           s.what in ('rise', 'arrive', 'renew') or s.what = 'follow'
             or s.what = 'stay' and s.needed is not null and s.value <> s.old_value and s.value >= s.threshold
             or s.what = 'refund' and s.under is null and s.value >= t.threshold as rests_on_value,
           t.rank = 0 or %(follows)s or t.is_for_life or %(never)s as has_no_end,
           case when s.what = 'renew' then
             points_valid_until(%(validity)s, s.valid_until - interval '1 microsecond', s.joined_at) end as renewed_until,
           case when s.what = 'arrive' then points_valid_until(%(validity)s, s.coming_at, s.joined_at) end as arrived_until
) d
cross join lateral (
    select d.since,
        case when d.has_no_end then null
             when s.under is not null then (s.under ->> 'until')::timestamptz
             when s.what = 'grace' then s.valid_until
             when s.what = 'stay' then coalesce(s.valid_until, {until})
             when d.renewed_until > %(moment)s then d.renewed_until
             when d.arrived_until > %(moment)s then d.arrived_until
             else {until} end as valid_until,
        case when s.is_locked or not %(postpones)s or s.best <= t.rank then null else s.best end as coming,
        case when s.is_locked or not %(postpones)s or s.best <= t.rank then null
             when s.coming_at > %(moment)s then s.coming_at else points_next_period(%(window)s, %(moment)s) end as coming_at,
        case when t.rank = 0 then null
             when d.rests_on_value then case when s.what in ('renew', 'arrive') then s.begins else %(start)s end
             when s.under is not null then (s.under ->> 'from')::timestamptz
             when s.what = 'fall' then null else s.basis_from end as basis_from,
        case when t.rank = 0 then null when d.rests_on_value then %(moment)s
             when s.under is not null then (s.under ->> 'to')::timestamptz
             when s.what = 'fall' then null else s.basis_until end as basis_until,
        case when t.rank = 0 then null when d.rests_on_value then t.threshold
             when s.under is not null then (s.under ->> 'needed')::bigint
             when s.what = 'refund' then t.threshold
             when s.what = 'fall' then null else s.needed end as needed,
        case when s.what in ('rise', 'arrive') then case when s.rank > 0 and s.is_over is not true and not %(follows)s then
                 s.beneath || jsonb_build_array(jsonb_build_object('tier', s.tier_id,
                     'since', s.since, 'until', s.valid_until, 'from', s.basis_from, 'to', s.basis_until, 'needed', s.needed))
                 else '[]' end
             when s.what = 'refund' then coalesce((
                 select jsonb_agg(x.entry order by r.rank) from jsonb_array_elements(s.beneath) x(entry)
                 join points_rung r on r.tier_id = (x.entry ->> 'tier')::bigint where r.rank < t.rank), '[]')
             when s.what in ('renew', 'fall', 'follow') then '[]'
             else s.beneath end as beneath
) n
cross join lateral (
    select case when s.what = 'grace' then s.valid_until + %(grace)s end as grace_until,
        case when n.coming is not null then (select tier_id from points_rung where rank = n.coming) end as coming_id,
        case when s.is_locked then null else least(
            case when s.what = 'grace' then s.valid_until + %(grace)s else n.valid_until end, n.coming_at, s.due_at,
            case when %(follows)s and t.rank > 0 then s.leaves end) end as next_check_at
) o
where {wanted}
"""
# A second look at the same moment finds nobody.
_WHO_DIFFERS = """
s.is_new or (s.tier_id, s.since, s.valid_until, s.grace_until, s.old_value, s.coming_id, s.coming_at, s.basis_from, s.basis_until,
             s.needed, s.beneath, s.next_check_at) is distinct from
            (t.tier_id, n.since, n.valid_until, o.grace_until, s.value, o.coming_id, n.coming_at, n.basis_from, n.basis_until,
             n.needed, n.beneath, o.next_check_at)
"""

WRITE = """
update points_standing s set tier_id = f.tier_id, since = f.since, valid_until = f.valid_until, grace_until = f.grace_until,
    value = f.value, coming_id = f.coming_id, coming_at = f.coming_at, basis_from = f.basis_from, basis_until = f.basis_until,
    needed = f.needed, beneath = f.beneath, next_check_at = f.next_check_at, assessed_at = %(moment)s
from points_fresh f
where s.member_id = f.member_id and not f.is_new
"""
# In order of members, so that nobody waits for somebody who waits for them; whom another was quicker to write is missing.
WRITE_NEW = """
insert into points_standing (member_id, tier_id, since, valid_until, grace_until, value, coming_id, coming_at, is_locked, basis_from,
                             basis_until, needed, beneath, next_check_at, assessed_at)
select member_id, tier_id, since, valid_until, grace_until, value, coming_id, coming_at, false, basis_from,
       basis_until, needed, beneath, next_check_at, %(moment)s
from points_fresh where is_new order by member_id
on conflict do nothing
"""
KEEP_MOVES = """
with made as (
    insert into points_tierchange (member_id, before_id, after_id, cause, value, at)
    select member_id, before_id, tier_id,
           case when what = 'refund' and %(cause)s <> 'merged' then 'refund' when what = 'fall' then 'fell'
                when %(cause)s in ('rules', 'merged', 'brought') then %(cause)s
                when rank > before then 'reached' when %(cause)s = 'refund' then 'refund' else 'fell' end,
           value, %(moment)s
    from points_fresh where rank <> before order by member_id
    returning id
)
insert into points_moved select id from made
"""
MOVES = """
select c.id::text as key, 'member:' || c.member_id as lane,
       jsonb_build_object('member_id', c.member_id, 'before', b.key, 'after', a.key,
                          'is_rise', a.rank > coalesce(b.rank, -1), 'cause', c.cause, 'change_id', c.id) as payload
from points_moved n join points_tierchange c on c.id = n.id join points_tier a on a.id = c.after_id
left join points_tier b on b.id = c.before_id order by c.id
"""
# The better of two standings, as it is, with what it rests on; a locked one of the survivor stays.
JOIN = """
update points_standing s set tier_id = o.tier_id, since = o.since, valid_until = o.valid_until, grace_until = o.grace_until,
    coming_id = o.coming_id, coming_at = o.coming_at, basis_from = o.basis_from, basis_until = o.basis_until, needed = o.needed,
    beneath = o.beneath || jsonb_build_array(jsonb_build_object('tier', s.tier_id, 'since', s.since, 'until', s.valid_until,
        'from', s.basis_from, 'to', s.basis_until, 'needed', s.needed, 'merge', %(source)s::text,
        'own', jsonb_build_object('beneath', s.beneath, 'grace', s.grace_until, 'coming', s.coming_id, 'at', s.coming_at,
                                  'value', s.value))),
    is_locked = o.is_locked, next_check_at = o.next_check_at, assessed_at = %(moment)s
from points_standing o join points_rung theirs on theirs.tier_id = o.tier_id, points_rung mine
where s.member_id = %(survivor)s and o.member_id = %(loser)s and mine.tier_id = s.tier_id and theirs.rank > mine.rank
  and not s.is_locked
"""
# Back to what the survivor had, while they stand on what the loser brought: nothing else has moved them since.
PART = """
update points_standing s set tier_id = (x.entry ->> 'tier')::bigint, since = (x.entry ->> 'since')::timestamptz,
    valid_until = (x.entry ->> 'until')::timestamptz, grace_until = (x.entry -> 'own' ->> 'grace')::timestamptz,
    coming_id = (x.entry -> 'own' ->> 'coming')::bigint, coming_at = (x.entry -> 'own' ->> 'at')::timestamptz,
    basis_from = (x.entry ->> 'from')::timestamptz, basis_until = (x.entry ->> 'to')::timestamptz,
    needed = (x.entry ->> 'needed')::bigint, beneath = x.entry -> 'own' -> 'beneath', value = (x.entry -> 'own' ->> 'value')::bigint,
    is_locked = false, next_check_at = %(moment)s, assessed_at = %(moment)s
from points_standing me cross join lateral jsonb_array_elements(me.beneath) x(entry), points_standing o
where s.member_id = %(survivor)s and me.member_id = s.member_id and o.member_id = %(loser)s and x.entry ->> 'merge' = %(source)s
  and (s.tier_id, s.since, s.is_locked) = (o.tier_id, o.since, o.is_locked)
"""
MOVES_OF_JOIN = """
with made as (
    insert into points_tierchange (member_id, before_id, after_id, cause, value, at)
    select s.member_id, %(before)s, s.tier_id, 'merged', s.value, %(moment)s from points_standing s where s.member_id = %(survivor)s
    returning id
)
insert into points_moved select id from made
"""
COUNTS = """
select (select count(*) from points_named), count(*) filter (where rank > before), count(*) filter (where rank < before),
       count(*) filter (where is_new)
from points_fresh
"""


def fresh(course: Course, *, everybody: bool = False) -> str:
    """Fills `points_fresh` with those whose standing differs from what it should be, or with everybody."""
    basis = course.basis
    rested = _RESTED.format(
        net=_net(basis),
        gathered=gathered(basis, since="(x.entry ->> 'from')::timestamptz", until="(x.entry ->> 'to')::timestamptz"),
    )
    whose = {
        "l.member_id = n.member_id": "l.member_id = s.member_id",
        "l.account_id = a.id": f"l.account_id = {_ACCOUNT}",
    }
    for word, here in whose.items():
        rested = rested.replace(word, here)
    return (
        _FRESH.replace("{seen}", _seen(basis))
        .replace("{wanted}", "true" if everybody else _WHO_DIFFERS)
        .replace("{best_now}", _best(course.rungs, "coalesce(v.value, 0)").replace("s.member_id", "n.member_id"))
        .replace(
            "{best_kept}", _best(course.rungs, "coalesce(v.value + v.older, 0)").replace("s.member_id", "n.member_id")
        )
        .replace("{best_rested}", _best(course.rungs, "greatest(s.value, s.rested)"))
        .replace("{entry_rested}", f"select greatest(s.value, ({rested}))")
        .replace("{until}", "%(until)s::timestamptz" if course.values["until"] else _UNTIL)
    )


_ACCOUNT = "(select a.id from points_account a where a.member_id = s.member_id and a.currency_id = %(currency)s)"
_UNTIL = "points_valid_until(%(validity)s, %(moment)s, s.joined_at)"  # everybody's own: the anniversary of joining


def _seen(basis: str) -> str:
    words = {"net": _net(basis), "at": _at(basis)}
    if basis == "balance":
        in_periods = "select a.balance as value, 0 as older, null::timestamptz as oldest"
    else:
        in_periods = _IN_PERIODS.format(**words) + gathered(basis, since="e.begins", until="%(moment)s")
    return (
        _SEEN.replace("{in_periods}", in_periods)
        .replace("{net}", words["net"])
        .replace("{has}", _HAS_ORDERS if basis == "spend" else _HAS_ACCOUNT)
        .replace("{gathered_for_basis}", gathered(basis, since="s.basis_from", until="s.basis_until"))
    )


def _best(rungs: Sequence[Rung], value: str) -> str:
    """The highest rank that a value covers. Thresholds stand in the text: nothing is looked up a million times."""
    lines = [
        f"when {value} >= {rung.threshold:d}"
        + (_BEHIND_GATE.format(rank=rung.rank) if rung.gate else "")
        + f" then {rung.rank:d}"
        for rung in sorted(rungs, key=lambda rung: -rung.rank)
    ]
    return f"(case {' '.join(lines)} end)"


_BEHIND_GATE = """
 and exists (select from points_gate g where g.member_id = s.member_id
             and g.key = (select r.gate from points_rung r where r.rank = {rank:d}))
"""


def gathered(basis: str, *, since: str, until: str) -> str:
    """The rows (as `l`) of `n.member_id`, or of account `a`, between two moments, both included."""
    return (_OF_ORDERS if basis == "spend" else _OF_LOTS).format(since=since, until=until)


def _net(basis: str) -> str:
    return "l.total_cents - l.refunded_cents" if basis == "spend" else "l.amount - l.reversed"


def _at(basis: str) -> str:
    return "l.paid_at" if basis == "spend" else "l.earned_at"


# --- what lies ahead -------------------------------------------------------------------------------------------------------------

FALLING_TABLE = """
create temp table if not exists points_falling (
    member_id bigint, ends_at timestamptz, tier text, falls_to text, missing bigint) on commit delete rows;
delete from points_falling
"""
# `next_check_at` is never after `valid_until`, so its index finds the ends that draw near.
_NAME_ENDING = f"""
insert into points_named
select s.member_id, m.joined_at from points_standing s join members_member m on m.id = s.member_id
where s.next_check_at <= %(edge)s and s.valid_until > %(moment)s and s.valid_until <= %(edge)s and s.member_id > %(after)s
  and s.warned_for is distinct from s.valid_until and {_STAYING}
order by s.member_id limit %(chunk)s
"""
_MARK_FALLING = """
with judged as (
    select s.member_id, s.valid_until, r.rank, r.threshold, v.kept
    from points_named n join points_standing s on s.member_id = n.member_id join points_rung r on r.tier_id = s.tier_id
    left join points_account a on a.member_id = n.member_id and a.currency_id = %(currency)s
    cross join lateral ({at_end}) v
    where v.kept < r.threshold and not r.is_for_life and not %(never)s
), marked as (
    update points_standing s set warned_for = j.valid_until from judged j
    where s.member_id = j.member_id and s.valid_until = j.valid_until and s.warned_for is distinct from j.valid_until
    returning s.member_id
)
insert into points_falling
select j.member_id, j.valid_until, t.key, l.key, j.threshold - j.kept
from judged j join marked using (member_id) join points_rung r on r.rank = j.rank join points_tier t on t.id = r.tier_id
join lateral (
    select b.key from points_tier b join points_rung x on x.tier_id = b.id
    where x.rank < j.rank and x.gate = '' and (%(one_down)s or x.threshold <= j.kept) order by x.rank desc limit 1
) l on true
"""
FALLING = """
select member_id || ':' || extract(epoch from ends_at)::bigint as key, 'member:' || member_id as lane,
       jsonb_build_object('member_id', member_id, 'tier', tier, 'falls_to', falls_to, 'missing', missing,
                          'last_day', ((ends_at at time zone 'Asia/Shanghai')::date - 1)::text) as payload
from points_falling order by member_id
"""
_OF_ONE = """
select coalesce(({now}), 0), coalesce(({at_end}), 0), ({leaves})
from (select %(member)s::bigint as member_id, %(end)s::timestamptz as valid_until) n
left join points_account a on a.member_id = n.member_id and a.currency_id = %(currency)s
left join lateral (select n.valid_until) s on true
"""
_LEAVING = """
with parts as (
    select points_window_leaves(%(window)s, {at}) as leaves, {net} as net
    from (select %(member)s::bigint as member_id) n
    left join points_account a on a.member_id = n.member_id and a.currency_id = %(currency)s
    cross join lateral (select * {gathered}) l
), left_over as (
    select leaves, (select sum(net) from parts) - sum(sum(net)) over (order by leaves) as rest from parts group by leaves
)
select leaves, rest from left_over where rest < %(threshold)s and leaves is not null order by leaves limit 1
"""
_BALANCE_AT_END = """
select coalesce(sum(l.remaining), 0)::bigint as kept from points_lot l
where l.account_id = a.id and l.activated_at is not null and l.remaining > 0 and (l.expires_at is null or l.expires_at >= s.valid_until)
"""


def name_ending() -> str:
    return _NAME_ENDING


def mark_falling(basis: str) -> str:
    return _MARK_FALLING.replace("{at_end}", _at_end(basis))


def of_one(basis: str) -> str:
    if basis == "balance":
        now, leaves = "select a.balance", "null::timestamptz"
    else:
        since = gathered(basis, since="%(start)s", until="%(moment)s")
        now = f"select sum({_net(basis)}) {since}"
        leaves = f"select points_window_leaves(%(window)s, min({_at(basis)})) {since} and {_net(basis)} > 0"
    return _OF_ONE.replace("{now}", now).replace("{at_end}", _at_end(basis)).replace("{leaves}", leaves)


def leaving(basis: str) -> str:
    found = gathered(basis, since="%(start)s", until="%(moment)s")
    return _LEAVING.replace("{gathered}", found).replace("{net}", _net(basis)).replace("{at}", _at(basis))


def _at_end(basis: str) -> str:
    """`kept`: what would count at the end of the validity in `s`."""
    if basis == "balance":
        return _BALANCE_AT_END
    since = "points_window_start(%(window)s, s.valid_until - interval '1 microsecond')"
    return f"select coalesce(sum({_net(basis)}), 0)::bigint as kept {gathered(basis, since=since, until='%(moment)s')}"
