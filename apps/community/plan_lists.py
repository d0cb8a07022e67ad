"""What the pages of group plans show: reads only."""

from datetime import datetime
from typing import Any

from apps.community.selectors import rows

_PLANS = """
select p.id, p.name, p.kind, p.starts_on, p.ends_on, p.ended_at, jsonb_array_length(p.steps) as steps,
    p.ended_at is not null or p.ends_on < %(today)s or p.kind = 'festival' and p.starts_on + (
        select max((s ->> 'day')::int) from jsonb_array_elements(p.steps) s) < %(today)s as is_over,
    count(t.id) filter (where t.state = 'open') as open, count(t.id) filter (where t.state = 'done') as done,
    count(t.id) filter (where t.state = 'missed') as missed, count(distinct t.group_id) as groups
from community_groupplan p left join community_grouptodo t on t.plan_id = p.id
group by p.id order by is_over, p.id desc limit 200
"""
_TODOS = """
select t.id, t.group_id, g.name as group, coalesce(s.name, g.owner) as owner, t.from_at, t.until_at,
    t.kind, t.text, t.state, t.code
from community_grouptodo t join community_group g on g.id = t.group_id
left join community_account a on a.userid = g.owner left join stores_staff s on s.id = a.staff_id
where (%(plan)s::bigint is null or t.plan_id = %(plan)s) and (%(group)s::bigint is null or t.group_id = %(group)s)
order by t.from_at desc, t.id desc limit %(limit)s
"""
_GROUPS = """
select g.id, g.name from community_group g
where g.dismissed_at is null and (cardinality(%(ids)s::bigint[]) = 0 or g.id = any(%(ids)s)) order by g.name, g.id limit 200
"""


def plans(*, today: Any) -> list[dict[str, Any]]:
    """Those that hold first; with how their to-dos stand."""
    return rows(_PLANS, today=today)


def todos(*, plan_id: int | None = None, group_id: int | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Of a plan or a group, the newest first."""
    return rows(_TODOS, plan=plan_id, group=group_id, limit=limit)


def groups(*, group_ids: list[int]) -> list[dict[str, Any]]:
    """Living groups of these; of none: all."""
    return rows(_GROUPS, ids=group_ids)


def open_todos(*, moment: datetime) -> list[dict[str, Any]]:
    """What should be done in groups by now."""
    return [row for row in todos(limit=500) if row["state"] == "open" and row["from_at"] <= moment]
