"""The assessment of everybody beside one hand-written statement that writes the same rows into the same tables, for this one ladder.

Runs on a scratch database; what it fills it with stays there for the next run.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db import connection, transaction

from apps.core import clock
from apps.points import ladders, tiers
from apps.points.models import Lot

ROUNDS = {"S": 5, "M": 1, "L": 1}
LOTS = 4  # a member
TABLES = "points_tierchange, points_standing, points_use, points_lot, points_entry, points_account"
Line = dict[str, Any]

_FILL = f"""
insert into points_account (member_id, currency_id, balance, pending, held, debt, earned_total, is_frozen, is_joint, created_at)
select m.id, (select id from points_currency where key = 'growth'), 0, 0, 0, 0, 0, false, false, %(moment)s from members_member m;
insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, undone, note, at)
select id, 'opening', 1, 0, 0, 0, 1, 1, 'bench-tiers', 0, '', %(moment)s from points_account;
insert into points_lot (account_id, entry_id, amount, remaining, expired, reversed, forgiven, earned_at, activated_at)
select e.account_id, e.id, 1 + (hashint8(e.id * {LOTS} + g) & 4095), 0, 0, 0, 0, t.at, t.at
from points_entry e, generate_series(1, {LOTS}) g,
     lateral (select %(moment)s - (hashint8(e.id * 7 + g) & 511) * interval '1 day' as at) t;
"""
# As somebody would write it who knows this ladder and these members: no refunds, gates, grace or validity that is over.
_WORTH = """
with worth as (
    select a.member_id, coalesce(sum(l.amount - l.reversed) filter (where l.earned_at >= %(start)s), 0) as value
    from points_account a left join points_lot l on l.account_id = a.id and l.earned_at <= %(moment)s and l.activated_at is not null
    where a.currency_id = %(currency)s group by a.member_id
), placed as (
    select w.member_id, w.value, t.id as tier_id, t.rank, t.threshold
    from worth w cross join lateral (
        select id, rank, threshold from points_tier where threshold <= w.value order by rank desc limit 1) t
)"""
_FIRST_BY_HAND = f"""{_WORTH}, stands as (
    insert into points_standing (member_id, tier_id, since, valid_until, value, is_locked, assessed_at, beneath,
                                 basis_from, basis_until, needed, next_check_at)
    select member_id, tier_id, %(moment)s, u.until, value, false, %(moment)s, '[]',
           case when rank > 0 then %(start)s::timestamptz end, case when rank > 0 then %(moment)s::timestamptz end,
           case when rank > 0 then threshold end, u.until
    from placed cross join lateral (select case when rank > 0 then %(until)s::timestamptz end as until) u
)
insert into points_tierchange (member_id, before_id, after_id, cause, value, at)
select member_id, (select id from points_tier where rank = 0), tier_id, 'reached', value, %(moment)s from placed where rank > 0
"""
_AGAIN_BY_HAND = f"""{_WORTH}, rising as (
    select p.*, o.id as before_id, o.rank as old_rank from placed p
    join points_standing s on s.member_id = p.member_id join points_tier o on o.id = s.tier_id where p.rank > o.rank
), stands as (
    update points_standing s set tier_id = r.tier_id, since = %(moment)s, valid_until = %(until)s, value = r.value,
        basis_from = %(start)s, basis_until = %(moment)s, needed = r.threshold, next_check_at = %(until)s, assessed_at = %(moment)s,
        beneath = case when r.old_rank > 0 then s.beneath || jsonb_build_array(jsonb_build_object('tier', s.tier_id,
            'since', s.since, 'until', s.valid_until, 'from', s.basis_from, 'to', s.basis_until, 'needed', s.needed)) else '[]' end
    from rising r where r.member_id = s.member_id
)
insert into points_tierchange (member_id, before_id, after_id, cause, value, at)
select member_id, before_id, tier_id, 'rules', value, %(moment)s from rising
"""


def bench_tiers(size: str) -> Iterator[Line]:
    """Seconds of three assessments of all: the first, with every standing and move to write; one by lower thresholds, which lifts a
    good part; and one that finds nothing new. Then milliseconds of one member."""
    moment = clock.now()
    _fill(moment)
    yield _first(size, moment)
    later = moment + timedelta(minutes=1)
    _sql("update points_tier set threshold = threshold / 2")
    try:
        yield _lower_thresholds(size, later)
        yield _nothing_new(size, later + timedelta(minutes=1))
    finally:
        _sql("update points_tier set threshold = threshold * 2")
    one = median(_seconds(lambda: tiers.reassess(member_ids=[1], moment=later)) for _ in range(20))
    yield _line("tier reassessment of one member, ms", size, one * 1000, None)


def _fill(moment: datetime) -> None:
    if not ladders.install_defaults() and Lot.objects.filter(entry__source="bench-tiers")[:1]:
        return
    _sql(f"truncate {TABLES} cascade")
    _sql(_FILL, {"moment": moment})
    _sql("vacuum analyze points_lot; vacuum analyze points_account; vacuum analyze points_entry")


def _first(size: str, moment: datetime) -> Line:
    ours, by_hand = [], []
    for _ in range(ROUNDS[size]):
        _sql("truncate points_tierchange, points_standing cascade")
        by_hand.append(_by_hand(_FIRST_BY_HAND, moment))
        _keep("bench_by_hand")
        _sql("truncate points_tierchange, points_standing cascade")
        ours.append(_seconds(lambda: tiers.reassess(member_ids=None, moment=moment, tell=False)))
    _must_agree()
    _keep("bench_first")
    return _line("tier reassessment, first of all", size, median(ours), median(by_hand))


def _lower_thresholds(size: str, moment: datetime) -> Line:
    ours, by_hand = [], []
    for _ in range(ROUNDS[size]):
        _put_back()
        by_hand.append(_by_hand(_AGAIN_BY_HAND, moment))
        _keep("bench_by_hand")
        _put_back()
        ours.append(_seconds(lambda: tiers.reassess(member_ids=None, moment=moment, cause="rules", tell=False)))
    _must_agree()
    moved = _one("select count(*) from points_tierchange")
    return _line("tier reassessment, lower thresholds", size, median(ours), median(by_hand)) | {"moved": moved}


def _nothing_new(size: str, moment: datetime) -> Line:
    ours, by_hand = [], []
    for _ in range(ROUNDS[size]):
        by_hand.append(_by_hand(_AGAIN_BY_HAND, moment))
        ours.append(_seconds(lambda: tiers.reassess(member_ids=None, moment=moment)))
    return _line("tier reassessment, nothing new", size, median(ours), median(by_hand))


def _by_hand(statement: str, moment: datetime) -> float:
    course = tiers.current_course(moment=moment)
    if course is None:
        raise RuntimeError("no ladder")

    def work() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "set local work_mem = '64MB'; set local random_page_cost = 1.1; set local jit = off"
            )  # as ours
            cursor.execute(statement, course.values)

    return _seconds(work)


def _keep(table: str) -> None:
    _sql(f"drop table if exists {table}; create table {table} as table points_standing")


def _put_back() -> None:
    """All standings as after the first assessment."""
    _sql(
        "truncate points_tierchange, points_standing cascade; insert into points_standing select * from bench_first;"
        " vacuum analyze points_standing"
    )


def _must_agree() -> None:
    """A baseline that places others would prove nothing."""
    differing = _one("""
        select count(*) from points_standing s full join bench_by_hand b using (member_id)
        where to_jsonb(s) - 'assessed_at' is distinct from to_jsonb(b) - 'assessed_at'
    """)
    if differing:
        raise RuntimeError(f"{differing} standings differ from the hand-written statement's")


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _line(name: str, size: str, figure: float, baseline: float | None) -> Line:
    ratio = round(figure / baseline, 2) if baseline else None
    return {
        "name": name,
        "size": size,
        "figure": round(figure, 3),
        "baseline": baseline and round(baseline, 3),
        "ratio": ratio,
    }


def _sql(statements: str, values: dict[str, Any] | None = None) -> None:
    """One after the other, outside any transaction: some cannot run in one."""
    with connection.cursor() as cursor:
        for statement in statements.split(";"):
            if statement.strip():
                cursor.execute(statement, values)


def _one(query: str, values: dict[str, Any] | None = None) -> Any:
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(query, values)
        return cursor.fetchone()[0]
