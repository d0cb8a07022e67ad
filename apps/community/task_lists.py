"""What the pages of group tasks show: reads only."""

from datetime import date
from typing import Any

from apps.community.selectors import rows

_TASKS = """
select t.id, t.name, t.kind, t.needed, t.is_in_a_row, t.first_on, t.last_on, t.points, t.coupon_key, t.ended_at,
    t.ended_at is null and t.last_on >= %(today)s as is_on,
    (select count(distinct d.member_id) from community_taskdeed d where d.task_id = t.id) as members,
    (select count(*) from community_taskdeed d where d.task_id = t.id and d.state = 'counted') as deeds,
    (select count(*) from community_taskdeed d where d.task_id = t.id and d.state = 'waiting') as waiting,
    (select count(*) from community_taskreward r where r.task_id = t.id) as rewarded
from community_grouptask t order by is_on desc, t.id desc limit 100
"""


def tasks(*, today: date) -> list[dict[str, Any]]:
    """Those that are on first: who took part, what waits, who has done it."""
    return rows(_TASKS, today=today)
