"""The hour at which a member buys: messages that may go then go then, on the same day, else at the policy's hour (H19)."""

from datetime import datetime, time, timedelta
from typing import Any

from apps.care.gate import Gate
from apps.care.models import Version

LOOK_BACK = timedelta(days=365)
ENOUGH = 3  # orders

# The commonest hour of the member's paid orders; the day's moment of that hour, when it is still ahead and not quiet.
_OWN = f"""coalesce((
    select own.at from (
        select %(own_day)s::timestamptz + make_interval(hours => mode() within group (
            order by extract(hour from o.paid_at at time zone %(own_zone)s::text)::int
        )) as at
        from orders_order o
        where o.member_id = judged.member_id and o.paid_at > %(own_since)s and o.paid_at <= %(moment)s
        having count(*) >= {ENOUGH}
    ) own
    where own.at >= %(own_earliest)s
      and extract(hour from own.at at time zone %(own_zone)s::text)::int = any(%(own_hours)s::int[])
), %(send_at)s)"""


def chosen(version: Version) -> str:
    """SQL of the moment of sending for a row of `judged`."""
    return _OWN if version.is_own_hour else "%(send_at)s::timestamptz"


def parameters(limits: Gate, *, moment: datetime, send_at: datetime) -> dict[str, Any]:
    start = datetime.combine(limits.day(send_at), time(), tzinfo=limits.zone)
    loud = [hour for hour in range(24) if not limits.is_quiet(start + timedelta(hours=hour))]
    return {
        "own_day": start, "own_since": moment - LOOK_BACK, "own_earliest": moment, "own_hours": loud, "own_zone": limits.zone.key,
    }  # fmt: skip
