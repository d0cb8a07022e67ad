"""The assessment of everybody beside one hand-written statement that moves the same members. Runs on a scratch database."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from statistics import median
from typing import Any

from django.db import connection, transaction

from apps.core import clock
from apps.points import ladders, tiers

ROUNDS = {"S": 3, "M": 2, "L": 1}
LOTS = 4  # a member
TABLES = "points_tierchange, points_standing, points_use, points_lot, points_entry, points_account"
Line = dict[str, Any]

_FILL = f"""
insert into points_account (member_id, currency_id, balance, pending, held, debt, earned_total, is_frozen, is_joint, created_at)
select m.id, (select id from points_currency where key = 'growth'), 0, 0, 0, 0, 0, false, false, %(moment)s from members_member m;
insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, undone, note, at)
select id, 'opening', 1, 0, 0, 0, 1, 1, 'bench', 0, '', %(moment)s from points_account;
insert into points_lot (account_id, entry_id, amount, remaining, expired, reversed, forgiven, earned_at, activated_at)
select e.account_id, e.id, 1 + (hashint8(e.id * {LOTS} + g) & 4095), 0, 0, 0, 0, t.at, t.at
from points_entry e, generate_series(1, {LOTS}) g,
     lateral (select %(moment)s - (hashint8(e.id * 7 + g) & 511) * interval '1 day' as at) t;
"""
# As somebody would write it for this one ladder: no refunds, gates, grace or look at what was before.
_BY_HAND = """
with worth as (
    select a.member_id, coalesce(sum(l.amount - l.reversed) filter (where l.earned_at >= %(start)s), 0) as value
    from points_account a left join points_lot l on l.account_id = a.id and l.earned_at <= %(moment)s and l.activated_at is not null
    where a.currency_id = %(currency)s group by a.member_id
), placed as (
    select w.member_id, w.value, t.id as tier_id, t.rank
    from worth w cross join lateral (select id, rank from points_tier where threshold <= w.value order by rank desc limit 1) t
), stands as (
    insert into bench_standing (member_id, tier_id, since, valid_until, value, is_locked, assessed_at, beneath)
    select member_id, tier_id, %(moment)s, case when rank > 0 then %(until)s end, value, false, %(moment)s, '[]' from placed
)
insert into bench_tierchange (member_id, after_id, cause, value, at)
select member_id, tier_id, 'reached', value, %(moment)s from placed where rank > 0
"""


def bench_tiers(size: str) -> Iterator[Line]:
    """Seconds: the first assessment of all, with every standing and move to write; one that finds nothing new; the due ones."""
    moment = clock.now()
    _sql(f"truncate {TABLES} cascade")
    ladders.install_defaults()
    _sql(_FILL, {"moment": moment})
    _sql("vacuum analyze points_lot; vacuum analyze points_account")
    ours, by_hand = [], []
    for _ in range(ROUNDS[size]):
        by_hand.append(_by_hand(moment))
        _sql("truncate points_tierchange, points_standing cascade")
        ours.append(_seconds(lambda: tiers.reassess(member_ids=None, moment=moment, tell=False)))
    _must_agree()
    base = median(by_hand)
    yield _line("tier reassessment, first of all", size, median(ours), base)
    later = moment + timedelta(hours=1)
    again = _seconds(lambda: tiers.reassess(member_ids=None, moment=later))
    yield _line("tier reassessment, nothing new", size, again, base)
    one = median(_seconds(lambda: tiers.reassess(member_ids=[1], moment=later)) for _ in range(20))
    yield _line("tier reassessment of one member, ms", size, one * 1000, None)


def _by_hand(moment: Any) -> float:
    _sql(
        "drop table if exists bench_standing, bench_tierchange;"
        " create table bench_standing (like points_standing including all);"
        " create table bench_tierchange (like points_tierchange including all)"
    )
    course = tiers.current_course(moment=moment)
    if course is None:
        raise RuntimeError("no ladder")
    until = _one(
        'select points_valid_until(\'{"kind": "months", "months": 12}\', %(moment)s, null)', {"moment": moment}
    )
    return _seconds(lambda: _sql(_BY_HAND, course.values | {"until": until}))


def _must_agree() -> None:
    """A baseline that places others would prove nothing."""
    differing = _one(
        "select count(*) from points_standing s full join bench_standing b using (member_id)"
        " where (s.tier_id, s.value, s.valid_until) is distinct from (b.tier_id, b.value, b.valid_until)"
    )
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
