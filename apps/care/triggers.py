"""Who is due: one SELECT per kind of trigger, giving (member_id, occurrence, is_late, is_old).

A moment is due in (from, T]; one between the last run and `from` passed while nobody looked and is late. `is_old`: the
member has entered the stage or segment again since. An occurrence is a pure function of the cause, never of the run.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from apps.care import zones
from apps.care.models import Version
from apps.core import clock, lunar
from apps.segments.tracks import entries

LONGEST_LOOK_BACK = timedelta(days=366)
LUNAR_FIELD = "birthday_calendar"  # a choice field of members: "lunar", "lunar_leap" (born in a month's second coming), else solar
Trigger = Version.Trigger

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
    where last_order_at > %(low)s - %(age)s and last_order_at <= %(moment)s - %(age)s
"""
_BIRTHDAY = f"""
    select b.id as member_id, 'birthday:' || due.year as occurrence, due.at <= %(from)s as is_late, false as is_old
    from unnest(
        %(calendars)s::text[], %(months)s::int[], %(days)s::int[], %(years)s::int[], %(dues)s::timestamptz[], %(zones)s::text[]
    ) due(calendar, month, day, year, at, zone)
    join members_member b on b.birth_month = due.month and b.birth_day = due.day and b.merged_into_id is null
     and due.calendar = case b.attributes ->> '{LUNAR_FIELD}' when 'lunar' then 'lunar' when 'lunar_leap' then 'lunar_leap'
         else 'solar' end
     and due.zone = {{lives}}
"""
_REGISTERED = """
    select r.id as member_id, 'registered' as occurrence, r.joined_at <= %(from)s - %(age)s as is_late, false as is_old
    from members_member r
    where r.joined_at > %(low)s - %(age)s and r.joined_at <= %(moment)s - %(age)s and r.merged_into_id is null
"""
# What ends is told by its last valid day; due at the beginning of the day that lies so many days before.
_LAST_DAY = "(({at} - interval '1 microsecond') at time zone 'Asia/Shanghai')::date"
_IS_LATE = "((last_day - %(before)s::int)::timestamp at time zone 'Asia/Shanghai') <= %(from)s as is_late"
_POINTS_EXPIRING = f"""
    select member_id, 'points:' || %(currency)s || ':' || last_day as occurrence, {_IS_LATE}, false as is_old
    from (
        select distinct a.member_id, {_LAST_DAY.format(at="l.expires_at")} as last_day
        from points_account a
        join points_currency c on c.id = a.currency_id and c.key = %(currency)s
        join points_lot l on l.account_id = a.id and l.remaining > 0 and l.activated_at is not null
        where a.next_due_at <= %(last)s and l.expires_at > %(moment)s and l.expires_at > %(first)s and l.expires_at <= %(last)s
    ) ends
"""
_COUPON_EXPIRING = f"""
    select member_id, 'coupon:' || last_day as occurrence, {_IS_LATE}, false as is_old
    from (
        select distinct c.member_id, {_LAST_DAY.format(at="c.ends_at")} as last_day
        from coupons_coupon c
        where c.state = 'ready' and c.starts_at <= %(moment)s and c.ends_at > %(moment)s
          and c.ends_at > %(first)s and c.ends_at <= %(last)s
          and (%(coupon)s = '' or c.template_id in (select x.id from coupons_template x where x.key = %(coupon)s))
    ) ends
"""
# The last thing done to a cart was not to take something out, and for so long neither a further one nor a kept order came.
_CART_LEFT = """
    select member_id, 'cart:' || floor(extract(epoch from left_at))::bigint as occurrence,
           left_at <= %(from)s - %(wait)s as is_late, false as is_old
    from (
        select e.member_id, e.name, e.occurred_at as left_at,
               lead(e.occurred_at) over (partition by e.member_id order by e.occurred_at, e.id) as next_at
        from activity_event e
        where e.name in ('added_to_cart', 'removed_from_cart', 'checkout_started') and e.member_id is not null
          and e.occurred_at > %(low)s - %(wait)s and e.occurred_at <= %(moment)s
    ) cart
    where name <> 'removed_from_cart' and left_at <= %(moment)s - %(wait)s and (next_at is null or next_at > left_at + %(wait)s)
      and not exists (
        select from orders_order o
        where o.member_id = cart.member_id and o.paid_at > left_at and o.paid_at <= left_at + %(wait)s
          and o.status <> 'cancelled' and o.total_cents > o.refunded_cents
      )
"""
_REPLENISHMENT_DUE = f"""
    select member_id, 'again:' || category_id || ':' || last_on as occurrence, {_IS_LATE}, false as is_old
    from (
        select y.member_id, y.category_id, y.last_on, y.due_on as last_day from segments_membercycle y
        where y.due_on between %(first_day)s::date and %(last_day)s::date
          and (%(category)s = '' or y.category_id in (select x.id from catalog_category x where x.name = %(category)s))
    ) needs
"""
_SEGMENT_ENTERED = """
    select p.member_id, 'segment:' || p.segment_id || ':' || floor(extract(epoch from p.at))::bigint as occurrence,
           p.at <= %(from)s as is_late, row_number() over (partition by p.member_id order by p.at desc, p.id desc) > 1 as is_old
    from segments_passage p join segments_segment g on g.id = p.segment_id and g.key = %(segment)s
    where p.is_entry and p.at > %(low)s and p.at <= %(moment)s
"""
_TRACK_STEP = f"""
    select member_id, occurrence, at <= %(start)s as is_late, not is_current as is_old from ({entries.ENTERED}) entries
"""
# The set that fell due: who had asked by then. Whoever has had the like of this stream before, under whatever policy and for whatever
# beginning, does not get it again; what was skipped does not count as had.
_LIVE_REMINDER = """
    select b.member_id, 'live:' || r.stream_id || ':' || floor(extract(epoch from r.starts_at))::bigint || ':' || r.kind as occurrence,
           r.told_at <= %(from)s as is_late, false as is_old
    from livestream_reminder r join livestream_stream x on x.id = r.stream_id and x.starts_at = r.starts_at
    join livestream_subscription b on b.stream_id = r.stream_id and b.asked_at <= r.told_at and b.ended_at is null
    where r.kind = %(kind)s and r.told_at > %(low)s and r.told_at <= %(moment)s and not exists (
        select from care_touch e
        where e.member_id = b.member_id and e.state not in ('skipped', 'held_out')
          and starts_with(e.occurrence, 'live:' || r.stream_id || ':') and split_part(e.occurrence, ':', 4) = r.kind
    )
"""
# Of a slot's set: who had a place when it fell due; who came off the waiting list just then.
_BOOKING_NOTICE = """
    select b.member_id, 'booking:' || b.id || ':' || n.kind as occurrence, n.told_at <= %(from)s as is_late, false as is_old
    from bookings_notice n join bookings_booking b on b.slot_id = n.slot_id and b.state = 'booked'
     and case when n.kind = 'filled' then b.filled_at = n.told_at else b.made_at <= n.told_at end
    where n.kind = %(kind)s and n.told_at > %(low)s and n.told_at <= %(moment)s
"""
# Who is in a group since then, the house's members as soon as they are known as such.
_GROUP_JOINED = """
    select c.member_id, 'joined:' || g.id || ':' || floor(extract(epoch from g.joined_at))::bigint as occurrence,
           g.joined_at <= %(from)s as is_late, false as is_old
    from community_groupmember g join community_contact c on c.id = g.contact_id and c.member_id is not null
    join community_group r on r.id = g.group_id and r.dismissed_at is null
    where g.joined_at > %(low)s and g.joined_at <= %(moment)s and g.left_at is null and not g.is_staff
      and (%(group)s = '' or r.key = %(group)s)
"""
# Who was invited; the tag and the groups were asked for when the invitation was made.
_GROUP_INVITE = """
    select i.member_id, 'group:' || n.id as occurrence, n.made_at <= %(from)s as is_late, false as is_old
    from community_invitation n join community_invitee i on i.invitation_id = n.id
    where n.made_at > %(low)s and n.made_at <= %(moment)s
"""


def due(
    version: Version, *, moment: datetime, last_run: datetime | None, seen: int, otherwise: str = ""
) -> tuple[str, dict[str, Any]]:
    """The SELECT and its parameters. `seen`: newest stage change that earlier runs looked at. `otherwise`: the journey's zone."""
    start = moment - timedelta(days=version.params["window_days"])
    low = max(min(start, last_run or start), moment - LONGEST_LOOK_BACK)
    sql, more = _SELECTS[Trigger(version.trigger)]
    given: dict[str, Any] = {"moment": moment, "from": start, "low": low, "seen": seen}
    if version.trigger == Trigger.BIRTHDAY:
        names = zones.known()
        lives = zones.own(names, "b") if names else "''"
        found = [
            row
            for name in ("", *names)
            for row in _birthdays(version.params, low, moment, name, zones.of(name or otherwise))
        ]
        return sql.format(lives=lives), given | _columns(found)
    return sql, given | more(version.params, low=low, moment=moment)


def _stage(params: dict[str, Any], *, low: datetime, moment: datetime) -> dict[str, Any]:
    return {"stage": params["stage"]}


def _age(params: dict[str, Any], *, low: datetime, moment: datetime) -> dict[str, Any]:
    return {"age": timedelta(days=params["days"])}


def _wait(params: dict[str, Any], *, low: datetime, moment: datetime) -> dict[str, Any]:
    return {"wait": timedelta(hours=params["hours"])}


def _segment(params: dict[str, Any], *, low: datetime, moment: datetime) -> dict[str, Any]:
    return {"segment": params["segment"]}


def _live(params: dict[str, Any], *, low: datetime, moment: datetime) -> dict[str, Any]:
    return {"kind": params["before"]}


def _booking(params: dict[str, Any], *, low: datetime, moment: datetime) -> dict[str, Any]:
    return {"kind": params["notice"]}


def _track(params: dict[str, Any], *, low: datetime, moment: datetime) -> dict[str, Any]:
    """`entries.entered` looks from the beginning of all that is looked at; late is what lies before the window."""
    start = moment - timedelta(days=params["window_days"])
    _sql, asked = entries.entered(track=params["track"], step=params["step"], start=low, end=moment)
    return asked | {"start": start}


def _last_days(params: dict[str, Any], *, low: datetime, moment: datetime) -> dict[str, Any]:
    """The last valid days whose notice falls due in (low, moment], as days and as ends of validity in (first, last]."""
    before = timedelta(days=params["days_before"])
    today, day = clock.local_date(moment), clock.local_date(low)
    first, last = (day if clock.day_start(day) > low else day + timedelta(days=1)) + before, today + before
    return {
        "before": params["days_before"], "first": clock.day_start(first), "last": clock.day_end(last),
        "first_day": first, "last_day": last, "currency": params.get("currency", ""),
        "coupon": params.get("coupon") or "", "category": params.get("category") or "",
    }  # fmt: skip


_Born = tuple[str, int, int, int, datetime, str]


def _birthdays(params: dict[str, Any], low: datetime, moment: datetime, name: str, zone: ZoneInfo) -> list[_Born]:
    """Calendar days whose greeting falls due in (low, moment], by the clock of the zone that is called so."""
    rows: list[_Born] = []
    before, asked = timedelta(days=params["days_before"]), params.get("calendar", "any")
    day = low.astimezone(zone).date()
    while (at := datetime.combine(day, time(), tzinfo=zone)) <= moment:
        if at > low:
            stamp = at.astimezone(UTC)
            found = [
                *(_solar(day + before) if asked != "lunar" else []),
                *(_lunar(day + before) if asked != "solar" else []),
            ]
            rows += [(*born, stamp, name) for born in found]
        day += timedelta(days=1)
    return rows


def _columns(rows: Sequence[_Born]) -> dict[str, Any]:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    return dict(zip(("calendars", "months", "days", "years", "dues", "zones"), map(list, columns), strict=True))


def _solar(day: date) -> list[tuple[str, int, int, int]]:
    """Who was born on 29 February has it on the 28th in other years."""
    found = [("solar", day.month, day.day, day.year)]
    if (day.month, day.day) == (2, 28) and not _is_leap(day):
        found.append(("solar", 2, 29, day.year))
    return found


def _lunar(day: date) -> list[tuple[str, int, int, int]]:
    """Once in a year of that calendar. Who was born in the second coming of a month has it then where it comes twice, else in
    the month of its name; everybody else in the first. The 30th of a month of 29 days falls on its last."""
    found = lunar.of(day)
    if found is None:
        return []
    days = [found.day, 30] if found.day == found.length == 29 else [found.day]
    whose = ["lunar_leap"] if found.is_leap else ["lunar"]
    if not found.is_leap and lunar.leap_month(found.year) != found.month:
        whose.append("lunar_leap")
    return [(calendar, found.month, number, found.year) for calendar in whose for number in days]


def _is_leap(day: date) -> bool:
    return day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)


_More = Callable[..., dict[str, Any]]
_SELECTS: dict[Trigger, tuple[str, _More]] = {
    Trigger.STAGE_ENTERED: (_STAGE_ENTERED, _stage),
    Trigger.DAYS_SINCE_ORDER: (_ORDER_AGE, _age),
    Trigger.SECOND_PURCHASE: (f"{_ORDER_AGE} and orders = 1", _age),
    Trigger.BIRTHDAY: (_BIRTHDAY, lambda params, *, low, moment: {}),
    Trigger.REGISTERED: (_REGISTERED, _age),
    Trigger.POINTS_EXPIRING: (_POINTS_EXPIRING, _last_days),
    Trigger.COUPON_EXPIRING: (_COUPON_EXPIRING, _last_days),
    Trigger.CART_LEFT: (_CART_LEFT, _wait),
    Trigger.REPLENISHMENT_DUE: (_REPLENISHMENT_DUE, _last_days),
    Trigger.SEGMENT_ENTERED: (_SEGMENT_ENTERED, _segment),
    Trigger.TRACK_STEP: (_TRACK_STEP, _track),
    Trigger.LIVE_REMINDER: (_LIVE_REMINDER, _live),
    Trigger.BOOKING_NOTICE: (_BOOKING_NOTICE, _booking),
    Trigger.GROUP_INVITE: (_GROUP_INVITE, lambda params, *, low, moment: {}),
    Trigger.GROUP_JOINED: (_GROUP_JOINED, lambda params, *, low, moment: {"group": params.get("group") or ""}),
}
