"""Who is due: one SELECT per kind of trigger, giving (member_id, occurrence, is_late, is_old).

A moment is due in (from, T]; one between the last run and `from` passed while nobody looked and is late. `is_old`: the
member has entered the stage again since. An occurrence is a pure function of the member's history, never of the run.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from apps.care.models import Version
from apps.core import clock

LONGEST_LOOK_BACK = timedelta(days=366)

_STAGE_ENTERED = """
    select member_id, 'stage:' || after || ':' || floor(extract(epoch from at))::bigint as occurrence,
           at <= %(from)s as is_late, row_number() over (partition by member_id order by at desc) > 1 as is_old
    from (
        select member_id, after, max(at) as at from segments_stagechange
        where after = %(stage)s and cause in ('first', 'order', 'time') and at <= %(moment)s
          and (at > %(low)s or id > %(seen)s)
        group by member_id, after, date_trunc('second', at)
    ) entries
"""
_ORDER_AGE = """
    select member_id, 'order:' || last_order_id as occurrence,
           last_order_at <= %(from)s - %(age)s as is_late, false as is_old
    from segments_memberstats
    where last_order_at > %(low)s - %(age)s and last_order_at <= %(moment)s - %(age)s {more}
"""
_BIRTHDAY = """
    select b.id as member_id, 'birthday:' || due.year as occurrence, due.at <= %(from)s as is_late, false as is_old
    from unnest(%(months)s::int[], %(days)s::int[], %(years)s::int[], %(dues)s::timestamptz[]) due(month, day, year, at)
    join members_member b on b.birth_month = due.month and b.birth_day = due.day and b.merged_into_id is null
"""


def due(version: Version, *, moment: datetime, last_run: datetime | None, seen: int) -> tuple[str, dict[str, Any]]:
    """The SELECT and its parameters. `seen`: newest stage change that earlier runs looked at."""
    start = moment - timedelta(days=version.params["window_days"])
    low = max(min(start, last_run or start), moment - LONGEST_LOOK_BACK)
    params: dict[str, Any] = {"moment": moment, "from": start, "low": low}
    if version.trigger == Version.Trigger.STAGE_ENTERED:
        return _STAGE_ENTERED, params | {"stage": version.params["stage"], "seen": seen}
    if version.trigger == Version.Trigger.BIRTHDAY:
        return _BIRTHDAY, params | _birthdays(low=low, moment=moment, before=version.params["days_before"])
    more = "and orders = 1" if version.trigger == Version.Trigger.SECOND_PURCHASE else ""
    return _ORDER_AGE.format(more=more), params | {"age": timedelta(days=version.params["days"])}


def _birthdays(*, low: datetime, moment: datetime, before: int) -> dict[str, list]:
    """Calendar days whose greeting falls due in (low, moment]. Who was born on 29 February has it on the 28th in other years."""
    rows: list[tuple[int, int, int, datetime]] = []
    day = clock.local_date(low)
    while (at := clock.day_start(day)) <= moment:
        birthday = day + timedelta(days=before)
        if at > low:
            stamp = at.astimezone(UTC)
            rows.append((birthday.month, birthday.day, birthday.year, stamp))
            if (birthday.month, birthday.day) == (2, 28) and not _is_leap(birthday):
                rows.append((2, 29, birthday.year, stamp))
        day += timedelta(days=1)
    months, days, years, dues = zip(*rows, strict=True) if rows else ((), (), (), ())
    return {"months": list(months), "days": list(days), "years": list(years), "dues": list(dues)}


def _is_leap(day: date) -> bool:
    return day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
