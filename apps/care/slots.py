"""Slots of the frequency cap: a touch that waits or went out holds one on its shop day; they are counted, never stored twice.

Only holders of the slot lock give slots out (`planning`, and here for touches whose day has passed), so a cap cannot be
passed by two at a time. A skipped or failed touch gives its slot back by losing `slot_on`.
"""

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.care import gate, reasons
from apps.care.planning import SLOT_LOCK
from apps.core import clock

CHUNK = 5000

_POSTPONE = """
    update care_touch set send_at = %(until)s
    where id in (
        select id from care_touch
        where settled_at is null and state = 'planned' and channel = %(channel)s and send_at <= %(moment)s for update skip locked
    )
"""
# Touches that are due but hold a slot of another day (an outage, a retry past midnight) need one of today.
_MOVE = """
    with due as (
        select t.id, t.member_id, t.policy_id from care_touch t
        where t.settled_at is null and t.state = 'planned' and t.channel = %(channel)s and t.send_at <= %(moment)s
          and t.slot_on is distinct from %(day)s
        order by t.send_at, t.id limit %(chunk)s for update skip locked
    ),
    placed as (
        select d.id, d.member_id, row_number() over (partition by d.member_id order by p.priority, d.id) as place
        from due d join care_policy p on p.id = d.policy_id
    ),
    judged as (
        select placed.id, used.today + place <= %(day_cap)s and used.week + place <= %(week_cap)s as fits
        from placed cross join lateral (
            select count(*) filter (where u.slot_on = %(day)s) as today, count(*) as week
            from care_touch u
            where u.member_id = placed.member_id and u.channel = %(channel)s
              and u.slot_on between %(monday)s and %(sunday)s and u.id not in (select id from due)
        ) used
    )
    update care_touch t set
        slot_on = case when fits then %(day)s::date end,
        state = case when fits then 'planned' else 'skipped' end,
        reason = case when fits then '' else %(cap)s end,
        settled_at = case when fits then null else %(moment)s end
    from judged where t.id = judged.id
"""


def postpone(*, channel: str, moment: datetime, limits: gate.Gate) -> int:
    """In quiet hours: let everything due on a channel wait for their end. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_POSTPONE, {"channel": channel, "moment": moment, "until": limits.next_allowed(moment)})
        return cursor.rowcount


def move_to_today(*, channel: str, moment: datetime, limits: gate.Gate) -> int:
    """Give due touches a slot of this shop day, or skip them with `cap`. While a plan is being made they wait."""
    day = clock.local_date(moment)
    monday, sunday = gate.week_of(day)
    params: dict[str, Any] = {
        "channel": channel, "moment": moment, "day": day, "monday": monday, "sunday": sunday, "chunk": CHUNK,
        "day_cap": limits.day_cap, "week_cap": limits.week_cap, "cap": reasons.CAP,
    }  # fmt: skip
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select pg_try_advisory_xact_lock(%s)", [SLOT_LOCK])
            if cursor.fetchone() != (True,):
                return total
            cursor.execute(_MOVE, params)
            moved = cursor.rowcount
        total += moved
        if moved < CHUNK:
            return total
