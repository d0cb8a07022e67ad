"""Daily figures, recomputed whole for the days that may still move. One statement per subject; the upsert makes a repeat harmless.

Days are shop days (Asia/Shanghai). A day that was rolled up carries the figure `day.rolled`; figures that are 0 have no row then.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from apps.analytics.day import sources
from apps.analytics.models import DailyFigure
from apps.core import clock
from apps.orders.models import ImportRun
from apps.segments.models import RefreshRun, Stage

DAYS = 3  # today and the two before it: late changes of state fall there
FIRST_DAYS = 120  # what the first run fills
LOCK = 7_490_301  # advisory: two roll-ups at once would fight over the same rows
ROLLED = "day.rolled"
COUNTS = 3  # which figures there are: with new ones it rises, and the past is counted anew; the value of `ROLLED`
COST = "cost."  # before a journey's id, 0 of policies outside journeys: what its messages cost
WEEK = timedelta(days=7)
TICK = timedelta(microseconds=1)  # windows end before their `end`; what happens at the moment itself counts

_WRITE = """
insert into analytics_dailyfigure (name, store_id, "on", value, as_of)
select name, store_id, day, value, %(moment)s from figures where day between %(first)s and %(last)s
on conflict (name, store_id, "on") do update set value = excluded.value, as_of = excluded.as_of
"""
# Rows (day, name, store, n) become one row per store and one with store 0 for all of them.
_SPREAD = """
select day, name, case when grouping(store) = 1 then 0 else store end as store_id, sum(n)::bigint as value
from facts group by grouping sets ((day, name, store), (day, name)) having grouping(store) = 1 or store is not null
"""
_DAY = "({at} at time zone 'Asia/Shanghai')::date"

_MOVES = f"""
select {_DAY.format(at="c.at")} as day,
       'move.' || case c.before when '' then 'first' else c.before end || '.' || c.after as name,
       m.home_store_id as store, count(*) as n
from segments_stagechange c join members_member m on m.id = c.member_id
where c.after = any(%(stages)s) and c.at >= %(start)s and c.at < %(end)s
group by 1, 2, 3
"""
_TOUCHES = f"""
select {_DAY.format(at="t.decided_at")} as day,
       case t.state when 'skipped' then 'skip.' || t.reason else 'touch.' || t.state end as name,
       m.home_store_id as store, count(*) as n
from care_touch t join members_member m on m.id = t.member_id
where t.decided_at >= %(start)s and t.decided_at < %(end)s
group by 1, 2, 3
"""
_COSTS = f"""
select {_DAY.format(at="t.decided_at")} as day, '{COST}' || coalesce(p.journey_id, 0) as name, m.home_store_id as store,
       sum(a.cost_cents) as n
from care_touch t join care_attempt a on a.touch_id = t.id and a.cost_cents > 0
join care_policy p on p.id = t.policy_id join members_member m on m.id = t.member_id
where t.decided_at >= %(start)s and t.decided_at < %(end)s
group by 1, 2, 3
"""
# The same rows that stand behind each figure; those of one person are kept by person, too.
_PEOPLE = """
insert into analytics_stafffigure ("on", staff_id, store_id, name, value, as_of)
select day, staff, coalesce(store, 0), name, sum(n)::bigint, %(moment)s from facts
where staff is not null and name not like 'via.%%' group by 1, 2, 3, 4
on conflict (name, staff_id, store_id, "on") do update set value = excluded.value, as_of = excluded.as_of
"""
# Members by stage at the end of a day: today's count, less what moved in after that day, plus what moved out.
_STAGES = f"""
with present as (
    select s.stage, m.home_store_id as store, count(*) as n
    from segments_memberstats s join members_member m on m.id = s.member_id group by 1, 2
), moved as (
    select {_DAY.format(at="c.at")} as day, v.stage, m.home_store_id as store, sum(v.n) as n
    from segments_stagechange c join members_member m on m.id = c.member_id
    cross join lateral (values (c.after, 1), (c.before, -1)) as v (stage, n)
    where c.after = any(%(stages)s) and c.at >= %(start)s and c.at < %(end)s and v.stage <> ''
        and m.merged_into_id is null
    group by 1, 2, 3
), days as (
    select d::date as day from generate_series(%(first)s::date, %(last)s::date, interval '1 day') d
), counted as (
    select days.day, f.stage, f.store, f.n
    from days cross join (select stage, store, n, null::date as moved_on from present
                          union all select stage, store, -n, day from moved) f
    where f.moved_on is null or f.moved_on > days.day
), facts as (
    select day, 'stage.' || stage || '.members' as name, store, sum(n) as n from counted group by 1, 2, 3
), figures as ({_SPREAD})
{_WRITE}
"""


@dataclass(frozen=True)
class Rolled:
    first: date
    last: date
    figures: int


def roll_up(*, moment: datetime, days: int | None = None) -> Rolled:
    """Recompute the figures of the last `days` shop days up to `moment`.

    Without `days`: as many as are owed (see `_owed`).
    """
    last = clock.local_date(moment)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        first = last - timedelta(days=(days or _owed(last)) - 1)
        values: dict[str, Any] = {
            "moment": moment,
            "first": first,
            "last": last,
            "start": clock.day_start(first),
            "end": clock.day_end(last),
            "stages": list(Stage.values),
        }
        written = sum(_write(cursor, facts=facts, values=values) for facts in (_MOVES, _TOUCHES, _COSTS))
        written += _write_days(cursor, values=values) + _write_before(cursor, values=values)
        cursor.execute(_STAGES, values)
        written += cursor.rowcount + _write_worth(cursor, values=values)
        _mark(cursor, values=values)
        cursor.execute(
            'delete from analytics_dailyfigure where "on" between %(first)s and %(last)s and as_of <> %(moment)s'
            " and name not like 'quality.%%' and name not like 'engaged.%%'"  # counted by themselves: `quality`, `study.spreads`
            " and (name not like 'worth.%%' or \"on\" = %(last)s)",  # what it was on days that are over nobody can count again
            values,
        )
        cursor.execute(
            'delete from analytics_stafffigure where "on" between %(first)s and %(last)s and as_of <> %(moment)s',
            values,
        )
    return Rolled(first=first, last=last, figures=written)


def _write(cursor: Any, *, facts: str, values: dict[str, Any]) -> int:
    cursor.execute(f"with facts as ({facts}), figures as ({_SPREAD}) {_WRITE}", values)
    return cursor.rowcount


def _write_days(cursor: Any, *, values: dict[str, Any]) -> int:
    """What happened until now: what lies ahead (a booking of this afternoon) is no figure yet."""
    written, until = 0, values | {"end": min(values["end"], values["moment"] + TICK)}
    for source in sources.SOURCES:
        rows = sources.facts(source, day=_DAY.format(at="r.at"))
        cursor.execute(
            f"with facts as materialized ({rows}), people as ({_PEOPLE}), figures as ({_SPREAD}) {_WRITE}", until
        )
        written += cursor.rowcount
    return written


def _write_before(cursor: Any, *, values: dict[str, Any]) -> int:
    """The same weekday a week ago until the same time, so that a day that is not over is compared with what it can be."""
    then = {"start": clock.day_start(values["last"] - WEEK), "end": values["moment"] - WEEK + TICK}
    return sum(
        _write(cursor, facts=sources.facts(source, day="%(last)s::date", prefix=sources.BEFORE), values=values | then)
        for source in sources.SOURCES
    )


def _write_worth(cursor: Any, *, values: dict[str, Any]) -> int:
    """What the active members of today have bought so far, whenever they joined."""
    ever = {"start": clock.day_start(date(1970, 1, 1)), "end": values["moment"] + TICK}
    return _write(cursor, facts=sources.facts(sources.WORTH, day="%(last)s::date"), values=values | ever)


def _mark(cursor: Any, *, values: dict[str, Any]) -> None:
    cursor.execute(
        f"""with figures as (select %(rolled)s as name, 0 as store_id, d::date as day, %(counts)s as value
            from generate_series(%(first)s::date, %(last)s::date, interval '1 day') d) {_WRITE}""",
        values | {"rolled": ROLLED, "counts": COUNTS},
    )


def _owed(today: date) -> int:
    """Three days, the days that were missed, or all when an import or a full refresh may have changed the past since."""
    rolled = DailyFigure.objects.filter(name=ROLLED, store_id=0).aggregate(
        newest=Max("on"), at=Max("as_of"), counts=Max("value")
    )
    if rolled["newest"] is None or rolled["counts"] < COUNTS or _past_changed(since=rolled["at"]):
        return FIRST_DAYS
    return min(max((today - rolled["newest"]).days, 0) + DAYS, FIRST_DAYS)


def _past_changed(*, since: datetime) -> bool:
    return (
        ImportRun.objects.filter(finished_at__gte=since).exists()
        or RefreshRun.objects.filter(is_full=True, finished_at__gte=since).exists()
    )
