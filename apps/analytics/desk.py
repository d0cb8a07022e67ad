"""How the service desk does: what lies open, which promises will break, how fast it answers, how content members were.

Times are those of the clock on the wall, in minutes. A ticket counts with whoever has it, and with its store, as it is now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from apps.core import clock

DAYS = (7, 30, 90)
_OF = {"all": "0::bigint", "people": "coalesce(t.assignee_id, 0)", "stores": "coalesce(t.store_id, 0)"}
_REACH = "(%(stores)s::bigint[] is null or t.store_id = any(%(stores)s::bigint[]))"
_MINUTES = "extract(epoch from {} - t.created_at) / 60"
_FIGURES = f"""
with seen as (
    select {{of}} as key, t.* from tickets_ticket t
    where {_REACH} and t.state <> 'merged'
      and (t.created_at >= %(since)s or t.ended_at >= %(since)s or t.first_reply_at >= %(since)s or t.ended_at is null)
),
counted as (
    select t.key,
        count(*) filter (where t.created_at >= %(since)s and t.created_at < %(until)s) as opened,
        count(*) filter (where t.ended_at >= %(since)s and t.ended_at < %(until)s) as ended,
        percentile_cont(0.5) within group (order by {_MINUTES.format("t.first_reply_at")})
            filter (where t.first_reply_at >= %(since)s and t.first_reply_at < %(until)s) as first_minutes,
        percentile_cont(0.5) within group (order by {_MINUTES.format("t.ended_at")})
            filter (where t.ended_at >= %(since)s and t.ended_at < %(until)s and t.state in ('resolved', 'closed')) as end_minutes,
        count(*) filter (where t.ended_at is null) as open,
        count(*) filter (where t.ended_at is null and t.due_at <= %(now)s) as late
    from seen t group by t.key
),
missed as (
    select {{of}} as key, count(*) as missed from tickets_entry e join tickets_ticket t on t.id = e.ticket_id
    where {_REACH} and e.act = 'missed' and e.at >= %(since)s and e.at < %(until)s group by 1
),
votes as (
    select {{of}} as key, count(*) as votes, avg(v.score) as score from tickets_vote v join tickets_ticket t on t.id = v.ticket_id
    where {_REACH} and v.at >= %(since)s and v.at < %(until)s group by 1
)
select c.key, c.opened, c.ended, c.first_minutes, c.end_minutes, c.open, c.late,
    coalesce(m.missed, 0), coalesce(v.votes, 0), v.score::float
from counted c left join missed m using (key) left join votes v using (key)
order by c.open desc, c.ended desc, c.key
"""
_BACKLOG = f"""
select t.state, count(*),
    count(*) filter (where t.created_at > %(now)s - interval '1 day'),
    count(*) filter (where t.created_at <= %(now)s - interval '1 day' and t.created_at > %(now)s - interval '3 days'),
    count(*) filter (where t.created_at <= %(now)s - interval '3 days' and t.created_at > %(now)s - interval '7 days'),
    count(*) filter (where t.created_at <= %(now)s - interval '7 days')
from tickets_ticket t where {_REACH} and t.ended_at is null group by t.state order by 2 desc, t.state
"""
_FORECAST = f"""
select count(*) filter (where t.due_at <= %(now)s),
    count(*) filter (where t.due_at > %(now)s and t.due_at <= %(hour)s),
    count(*) filter (where t.due_at > %(hour)s and t.due_at <= %(four)s),
    count(*) filter (where t.due_at > %(four)s and t.due_at <= %(today)s),
    count(*) filter (where t.due_at > greatest(%(four)s, %(today)s) and t.due_at <= %(tomorrow)s)
from tickets_ticket t where {_REACH} and t.ended_at is null and t.due_at <= %(tomorrow)s
"""


@dataclass(frozen=True)
class Figures:
    """`key`: a person or a store, 0 none. Minutes are medians, None where there was nothing; `score` is 1 to 5."""

    key: int
    opened: int
    ended: int
    first_minutes: float | None
    end_minutes: float | None
    open: int
    late: int
    missed: int
    votes: int
    score: float | None


@dataclass(frozen=True)
class Forecast:
    """How many promises break, if nobody does anything: already, within an hour, four, by the day's end, tomorrow."""

    late: int
    hour: int
    four_hours: int
    today: int
    tomorrow: int


def figures(*, of: str, stores: Sequence[int] | None, days: int, moment: datetime, back: int = 0) -> list[Figures]:
    """By `of` (all, people, stores) over the `days` before `moment`; `back` 1: over as many days before those."""
    until = moment - timedelta(days=days * back)
    values = {"since": until - timedelta(days=days), "until": until, "now": moment}
    rows = _rows(_FIGURES.format(of=_OF[of]), stores, values)
    return [Figures(*row) for row in rows]


def backlog(*, stores: Sequence[int] | None, moment: datetime) -> list[tuple[str, int, list[int]]]:
    """State, how many, and of these by age: a day, three, seven, more."""
    return [(row[0], row[1], list(row[2:])) for row in _rows(_BACKLOG, stores, {"now": moment})]


def forecast(*, stores: Sequence[int] | None, moment: datetime) -> Forecast:
    day = clock.local_date(moment)
    values = {
        "now": moment,
        "hour": moment + timedelta(hours=1),
        "four": moment + timedelta(hours=4),
        "today": clock.day_end(day),
        "tomorrow": clock.day_end(day + timedelta(days=1)),
    }
    return Forecast(*_rows(_FORECAST, stores, values)[0])


def _rows(statement: str, stores: Sequence[int] | None, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values | {"stores": None if stores is None else list(stores)})
        return cursor.fetchall()
