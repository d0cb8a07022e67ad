"""Keeps the sums of `tallies`: each line of the books is added once, and nobody who writes is held up.

A line's number is drawn before the line is seen, so a number below the highest may still come. `_quiet_upto` waits until whoever was
writing has ended, as the database itself does when it builds an index beside them.
"""

import time
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from apps.core import clock
from apps.points.tallies import TallyMark

KIND = "points.tally"
CHUNK = 200_000  # lines to a transaction
LOCK = 7_490_311  # advisory: one at a time
PATIENCE = 60.0  # seconds

_WRITING = """
select virtualtransaction from pg_locks where locktype = 'relation' and relation = 'points_entry'::regclass
  and database = (select oid from pg_database where datname = current_database())
  and mode = 'RowExclusiveLock' and granted and pid <> pg_backend_pid()
"""
# What a use does to its lot, by the line it stands under; what comes back is counted where it went. A capture moves what is left of its
# hold from set aside to spent. What paid a debt, lapsed while pending or was taken by hand counts as taken back.
_COLUMNS = ("granted", "spent", "expired", "taken_back", "moved", "aside")
_TALLY = """
with lines as materialized (
    select e.id, e.kind, e.reverses_id, a.currency_id, (e.at at time zone 'Asia/Shanghai')::date as on_day,
           e.amount, e.pending, e.held, e.debt,
           case when e.kind = 'release' then 'hold' when e.kind = 'return' and r.kind = 'hold' then 'spend'
                when e.kind = 'return' then r.kind else e.kind end as cause
    from points_entry e join points_account a on a.id = e.account_id left join points_entry r on r.id = e.reverses_id
    where e.id > %(after)s and e.id <= %(upto)s
), moves as (
    select n.currency_id, n.on_day, l.earned_at, l.entry_id, case when n.kind = 'transfer_in' then 'moved' else 'granted' end as what,
           case when n.kind = 'transfer_in' then -l.amount else l.amount end as n
    from lines n join points_lot l on l.entry_id = n.id
    union all
    select n.currency_id, n.on_day, l.earned_at, l.entry_id,
           case when u.kind = 'expire' then 'expired' when u.kind <> 'spend' or n.cause = 'adjust' then 'taken_back'
                when n.cause = 'hold' then 'aside' when n.cause = 'transfer_out' then 'moved' else 'spent' end, u.amount
    from lines n join points_use u on u.entry_id = n.id join points_lot l on l.id = u.lot_id
    union all
    select n.currency_id, n.on_day, l.earned_at, l.entry_id, v.what, v.sign * u.amount
    from lines n join points_use u on u.kind = 'spend'
        and u.entry_id in (select n.reverses_id union all
                           select e.id from points_entry e where e.reverses_id = n.reverses_id and e.kind = 'release')
    join points_lot l on l.id = u.lot_id cross join (values ('aside', -1), ('spent', 1)) v (what, sign)
    where n.kind = 'capture'
), sums as (
    select m.currency_id, e.store_id, date_trunc('month', m.earned_at at time zone 'Asia/Shanghai')::date as cohort, m.on_day,
           coalesce(sum(n) filter (where what = 'granted'), 0) as granted, coalesce(sum(n) filter (where what = 'spent'), 0) as spent,
           coalesce(sum(n) filter (where what = 'expired'), 0) as expired,
           coalesce(sum(n) filter (where what = 'taken_back'), 0) as taken_back,
           coalesce(sum(n) filter (where what = 'moved'), 0) as moved, coalesce(sum(n) filter (where what = 'aside'), 0) as aside
    from moves m join points_entry e on e.id = m.entry_id group by 1, 2, 3, 4
), by_store as (
    insert into points_storetally as t (currency_id, store_id, cohort, "on", granted, spent, expired, taken_back, moved, aside)
    select currency_id, store_id, cohort, on_day, granted, spent, expired, taken_back, moved, aside from sums
    on conflict (currency_id, cohort, "on", store_id) do update set {added}
), tallied as (
    insert into points_tally as t (currency_id, cohort, "on", granted, spent, expired, taken_back, moved, aside)
    select currency_id, cohort, on_day, sum(granted), sum(spent), sum(expired), sum(taken_back), sum(moved), sum(aside)
    from sums group by 1, 2, 3
    on conflict (currency_id, cohort, "on") do update set {added}
)
insert into points_daytotal as t (currency_id, "on", balance, pending, held, debt)
select currency_id, on_day, sum(amount), sum(pending), sum(held), sum(debt) from lines group by 1, 2
on conflict (currency_id, "on") do update set balance = t.balance + excluded.balance, pending = t.pending + excluded.pending,
    held = t.held + excluded.held, debt = t.debt + excluded.debt
""".replace("{added}", ", ".join(f"{name} = t.{name} + excluded.{name}" for name in _COLUMNS))
_OUTLOOK = """
with usable as (
    select a.currency_id, a.member_id, l.expires_at, l.remaining
    from points_lot l join points_account a on a.id = l.account_id
    where l.remaining > 0 and l.activated_at is not null and (l.expires_at is null or l.expires_at > %(moment)s)
), kept as (
    select currency_id, 'ends' as kind, sum(remaining) as n,
           coalesce(to_char((expires_at - interval '1 microsecond') at time zone 'Asia/Shanghai', 'YYYY-MM'), '') as key
    from usable group by currency_id, 4
    union all
    select u.currency_id, 'tier', sum(u.n), t.key
    from (select currency_id, member_id, sum(remaining) as n from usable group by 1, 2) u
    left join points_standing s on s.member_id = u.member_id
    join points_tier t on t.id = coalesce(s.tier_id, (select id from points_tier order by rank limit 1))
    group by u.currency_id, t.key
), written as (
    insert into points_outlook (currency_id, kind, key, points, as_of) select currency_id, kind, key, n, %(moment)s from kept
    on conflict (currency_id, kind, key) do update set points = excluded.points, as_of = excluded.as_of
)
delete from points_outlook o where not exists (
    select from kept k where k.currency_id = o.currency_id and k.kind = o.kind and k.key = o.key)
"""


@dataclass(frozen=True)
class Tallied:
    """How many numbers of lines were gone through; `is_behind`: somebody wrote for so long that the rest waits for the next time."""

    lines: int
    is_behind: bool


def tally(*, moment: datetime | None = None) -> Tallied:
    """Add what was written since. Repeatable; a kill loses at most the chunk at work. Once a shop day the outlook is taken anew."""
    moment = moment or clock.now()
    upto = _quiet_upto()
    done, first = 0, _mark()
    if upto is not None:
        while (reached := _add(upto=upto, moment=moment)) is not None:
            done = reached - first
    take_outlook(moment=moment)
    return Tallied(done, is_behind=upto is None)


def take_outlook(*, moment: datetime) -> bool:
    """What is usable, by last month and tier; False when it was taken today."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK + 1])
        cursor.execute("select max(as_of) from points_outlook")
        (newest,) = cursor.fetchone()
        if newest is not None and clock.local_date(newest) >= clock.local_date(moment):
            return False
        cursor.execute(_OUTLOOK, {"moment": moment})
    return True


def _mark() -> int:
    return TallyMark.objects.get_or_create(pk=1)[0].upto


@transaction.atomic
def _add(*, upto: int, moment: datetime) -> int | None:
    """The next chunk; None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        after = _mark()
        if after >= upto:
            TallyMark.objects.filter(pk=1).update(as_of=moment)
            return None
        reached = min(after + CHUNK, upto)
        cursor.execute(_TALLY, {"after": after, "upto": reached})
    TallyMark.objects.filter(pk=1).update(upto=reached, as_of=moment)
    return reached


def _quiet_upto() -> int | None:
    """A number below which no line will come any more; None when writers did not end in time."""
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(max(id), 0) from points_entry")
        (upto,) = cursor.fetchone()
        waiting = _writing(cursor)
        end = time.monotonic() + PATIENCE
        while waiting:
            if time.monotonic() > end:
                return None
            time.sleep(0.02)
            waiting &= _writing(cursor)
    return int(upto)


def _writing(cursor: object) -> set[str]:
    cursor.execute(_WRITING)  # type: ignore[attr-defined]
    return {who for (who,) in cursor.fetchall()}  # type: ignore[attr-defined]
