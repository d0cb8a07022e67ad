"""Facts that something is about to end: coupons that run out soon, stocks that run low."""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from apps.core import brand, clock
from apps.events import services as events

EXPIRING, LOW = "coupon.expiring", "coupon.low_stock"
SETTING = "coupons.warn_days"
_TOLD = """
update coupons_coupon set told_at = %(moment)s
 where state = 'ready' and told_at is null and ends_at > %(moment)s and ends_at <= %(until)s
"""
_SOON = """
    select format('%%s:%%s:%%s', d.member_id, d.last_day, '{today}') as key, 'member:' || d.member_id as lane, to_jsonb(d) as payload
    from (
        select member_id, ((ends_at - interval '1 microsecond') at time zone 'Asia/Shanghai')::date as last_day,
               count(*) as coupons, min(id) as coupon_id
        from coupons_coupon
        where state = 'ready' and told_at = '{moment}' and ends_at > '{moment}' and ends_at <= '{until}' group by 1, 2
    ) d order by d.last_day, d.member_id
"""
_RUNNING_LOW = """
    select s.template_id, s.most, s.low_at, p.last_batch, case when t.is_pool then p.free else s.most - s.issued end as left
    from coupons_stock s join coupons_template t on t.id = s.template_id and t.state = 'running'
    left join lateral (
        select count(*) as free, (select max(b.id) from coupons_batch b where b.template_id = t.id) as last_batch
        from coupons_coupon c where c.template_id = t.id and c.state = 'unclaimed'
    ) p on t.is_pool
    where s.low_at >= case when t.is_pool then p.free else s.most - s.issued end
      and (not t.is_pool or p.last_batch is not null)
"""
_LOW = f"""
    select l.template_id || ':' || coalesce(l.last_batch, l.most) || ':' || l.low_at as key, 'template:' || l.template_id as lane,
           jsonb_build_object('template_id', l.template_id, 'left', l.left) as payload
    from ({_RUNNING_LOW}) l
"""


def _check(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 60:
        raise ValueError("a number of days from 0 to 60 is expected")


brand.declare(SETTING, default=3, check=_check)


def publish_expiring() -> int:
    """A fact `coupon.expiring` for usable coupons whose last day is within the brand's `coupons.warn_days` from today: member_id,
    last_day, coupons (how many), coupon_id (the first of them). Each coupon is told once. Set-based. Returns how many facts."""
    moment = clock.now()
    until = clock.day_end(clock.local_date(moment) + timedelta(days=brand.read(SETTING)))
    query = _SOON.format(today=clock.local_date(moment), moment=moment.isoformat(), until=until.isoformat())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TOLD, {"moment": moment, "until": until})
        return events.publish_many(EXPIRING, query=query)


def publish_low() -> int:
    """A fact `coupon.low_stock` (template_id, left) once for each stock and threshold; of a pool once for each refill."""
    with transaction.atomic():
        return events.publish_many(LOW, query=_LOW)


def running_low() -> dict[int, int]:
    """What is left, by template, of the running ones whose stock is at their threshold or below now."""
    with connection.cursor() as cursor:
        cursor.execute(f"select l.template_id, l.left from ({_RUNNING_LOW}) l")
        return dict(cursor.fetchall())
