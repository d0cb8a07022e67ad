"""Slots of the frequency cap: a touch that waits or went out holds one on its day; they are counted, never stored twice.

Only holders of the slot lock give slots out (`planning`, and here for touches whose day has passed), so a cap cannot be
passed by two at a time. A skipped or failed touch gives its slot back by losing `slot_on`.
"""

from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from apps.care import gate, reasons, zones
from apps.care.models import Version

CHUNK = 5000
SLOT_LOCK = 7_490_031  # advisory lock of whoever gives out slots of the frequency cap

_ZONES = """
    select distinct zone from care_touch where settled_at is null and state = 'planned' and channel = %s and send_at <= %s order by 1
"""
_POSTPONE = """
    update care_touch set send_at = %(until)s
    where id in (
        select id from care_touch
        where settled_at is null and state = 'planned' and channel = %(channel)s and zone = %(zone)s and send_at <= %(moment)s
        for update skip locked
    )
"""
_DROP = """
    update care_touch t set state = 'skipped', reason = %(quiet)s, slot_on = null, settled_at = %(moment)s
    where t.id in (
        select x.id from care_touch x
        where x.settled_at is null and x.state = 'planned' and x.channel = %(channel)s and x.zone = %(zone)s and x.send_at <= %(moment)s
          and x.version_id in (select id from care_version where is_now_or_never)
        order by x.id for update skip locked
    )
"""
# Touches that are due but hold a slot of another day (an outage, a retry past midnight) need one of
# today, by the clock of who gets them.
_MOVE = """
    with due as (
        select t.id, t.member_id, t.policy_id, t.version_id from care_touch t
        where t.settled_at is null and t.state = 'planned' and t.channel = %(channel)s and t.zone = %(zone)s and t.send_at <= %(moment)s
          and t.slot_on is distinct from %(day)s and not t.is_transactional
        order by t.send_at, t.id limit %(chunk)s for update skip locked
    ),
    placed as (
        select d.id, d.member_id, d.version_id, row_number() over (partition by d.member_id order by p.priority, d.id) as place
        from due d join care_policy p on p.id = d.policy_id
    ),
    judged as (
        select placed.id, used.fits
        from placed cross join lateral (
            select {fits} as fits
            from care_touch u
            where u.member_id = placed.member_id and u.channel = %(channel)s
              and u.slot_on between %(first)s and %(last)s and u.id not in (select id from due)
        ) used
    )
    update care_touch t set
        slot_on = case when fits then %(day)s::date end,
        state = case when fits then 'planned' else 'skipped' end,
        reason = case when fits then '' else %(cap)s end,
        settled_at = case when fits then null else %(moment)s end
    from judged where t.id = judged.id
"""


# What waits and would be one too many, the least urgent first; a message that is on its way or gone cannot give way.
_NEW = "select member_id from care_touch where id > %(after)s and policy_id = %(policy)s and state = 'planned'"
_LOCK_WAITING = f"""
    select id from care_touch
    where settled_at is null and state = 'planned' and channel = %(channel)s and not is_transactional and member_id in ({_NEW})
    order by id for update
"""
_OUTRANK = f"""
    with held as (
        select t.id, row_number() over (partition by t.member_id order by t.state = 'planned', p.priority, t.id) as place
        from care_touch t join care_policy p on p.id = t.policy_id join care_version v on v.id = t.version_id
        where t.channel = %(channel)s and t.slot_on between %(first)s and %(last)s and t.member_id in ({_NEW})
          and %(purpose)s in ('', v.purpose)
    )
    update care_touch t set
        state = 'skipped', slot_on = null, settled_at = %(moment)s,
        reason = case when t.id > %(after)s and t.policy_id = %(policy)s then %(cap)s else %(outranked)s end
    from held where t.id = held.id and held.place > %(most)s and t.state = 'planned'
    returning t.reason
"""


def lock() -> None:
    """Wait for the right to give out slots; it ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [SLOT_LOCK])


def outrank(version: Version, *, after: int, moment: datetime, limits: gate.Gate, day: date) -> int:
    """Less urgent messages that wait give way to those just planned; what cannot be made room for is itself skipped with `cap`.

    Returns how many of the new ones. Called under the slot lock. What waits is locked first: a claim is over then, and seen.
    """
    params: dict[str, Any] = {
        "after": after, "policy": version.policy_id, "channel": version.channel, "moment": moment,
        "cap": reasons.CAP, "outranked": reasons.OUTRANKED,
    }  # fmt: skip
    gone = 0
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_WAITING, params)
        for window in gate.windows(limits, day=day):
            span = {"first": window.first, "last": window.last, "most": window.cap, "purpose": window.purpose}
            cursor.execute(_OUTRANK, params | span)
            gone += sum(reason == reasons.CAP for (reason,) in cursor.fetchall())
    return gone


def _fits(window: gate.Window) -> str:
    """A class counts those that wait beside it, of whatever class: too careful rather than one too many."""
    of_class = f" and u.version_id in (select id from care_version where purpose = '{window.purpose}')"
    counted = f"u.slot_on between '{window.first}' and '{window.last}'" + (of_class if window.purpose else "")
    fits = f"count(*) filter (where {counted}) + place <= {window.cap:d}"
    mine = f"not exists (select from care_version v where v.id = placed.version_id and v.purpose = '{window.purpose}')"
    return f"({mine} or {fits})" if window.purpose else fits


def zones_due(channel: str, *, moment: datetime) -> list[str]:
    """By whose clocks something waits that is due on a channel; "" is the shop's."""
    with connection.cursor() as cursor:
        cursor.execute(_ZONES, [channel, moment])
        return [row[0] for row in cursor.fetchall()]


def postpone(*, channel: str, moment: datetime, limits: gate.Gate) -> int:
    """In quiet hours of the limits' zone: let what is due there on a channel wait for their end, but what is then or not at all.

    Returns how many wait.
    """
    due: dict[str, Any] = {"channel": channel, "moment": moment, "zone": zones.noted(limits.zone.key)}
    with connection.cursor() as cursor:
        cursor.execute(_DROP, due | {"quiet": reasons.QUIET})
        cursor.execute(_POSTPONE, due | {"until": limits.next_allowed(moment)})
        return cursor.rowcount


def move_to_today(*, channel: str, moment: datetime, limits: gate.Gate) -> int:
    """Give touches due in the limits' zone a slot of this day there, or skip them with `cap`. While a plan is being made they wait."""
    day = limits.day(moment)
    caps = gate.windows(limits, day=day)
    sql = _MOVE.replace("{fits}", " and ".join(_fits(window) for window in caps))
    params: dict[str, Any] = {
        "channel": channel, "moment": moment, "day": day, "chunk": CHUNK, "cap": reasons.CAP,
        "zone": zones.noted(limits.zone.key), "first": min(w.first for w in caps), "last": max(w.last for w in caps),
    }  # fmt: skip
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select pg_try_advisory_xact_lock(%s)", [SLOT_LOCK])
            if cursor.fetchone() != (True,):
                return total
            cursor.execute(sql, params)
            moved = cursor.rowcount
        total += moved
        if moved < CHUNK:
            return total
