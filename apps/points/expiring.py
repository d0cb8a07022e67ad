"""Points that run out soon, told once for each member, currency and last valid day."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from apps.core import clock
from apps.events import services as events

FACT = "points.expiring"
_SOON = """
    select format('%%s:%%s:%%s', d.member_id, d.currency, d.last_day) as key, 'member:' || d.member_id as lane,
           jsonb_build_object('member_id', d.member_id, 'currency', d.currency, 'points', d.points, 'last_day', d.last_day) as payload
    from (
        select a.member_id, c.key as currency,
               ((l.expires_at - interval '1 microsecond') at time zone 'Asia/Shanghai')::date as last_day, sum(l.remaining) as points
        from points_account a
        join points_currency c on c.id = a.currency_id and c.is_spendable
        join points_lot l on l.account_id = a.id and l.remaining > 0 and l.activated_at is not null
        where a.next_due_at <= '{until}' and l.expires_at > '{moment}' and l.expires_at <= '{until}'
        group by 1, 2, 3
    ) d
    where not exists (select from events_event e where e.key = '{fact}:' || format('%%s:%%s:%%s', d.member_id, d.currency, d.last_day))
    order by d.last_day, d.member_id
"""


def publish_expiring() -> int:
    """A fact `points.expiring` for what runs out within POINTS_WARN_DAYS days from today: member_id, currency, points, last_day.

    Told once; more points that end on a day already told are not told again. Set-based. Returns how many are new.
    """
    moment = clock.now()
    until = clock.day_end(clock.local_date(moment) + timedelta(days=settings.POINTS_WARN_DAYS))
    query = _SOON.format(moment=moment.isoformat(), until=until.isoformat(), fact=FACT)
    with transaction.atomic():
        return events.publish_many(FACT, query=query)
