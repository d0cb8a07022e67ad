"""What a community manager has to do today: one read for each line of the page."""

from datetime import datetime
from typing import Any

from apps.community import deeds, pool_lists, quality
from apps.community.selectors import rows
from apps.core import clock
from apps.gateways import limits

NEAR = 0.9  # of the room: such groups need a successor soon
_FULL = """
select g.id, g.name, g.people, coalesce(s.name, g.owner) as owner,
    exists (select from community_groupcode k where g.chat_id = any(k.chats)) as is_behind_code
from community_group g left join community_account a on a.userid = g.owner left join stores_staff s on s.id = a.staff_id
where g.dismissed_at is null and g.people >= %(near)s order by g.people desc, g.id limit 50
"""
_SENDS = """
select s.id, s.text, s.made_at, s.until, coalesce(p.name, s.userid) as colleague, cardinality(s.reminded) as reminded, s.is_group,
    count(i.id) as targets
from community_send s left join community_senditem i on i.send_id = s.id
left join community_account a on a.userid = s.userid left join stores_staff p on p.id = a.staff_id
where s.state = 'pending' group by s.id, p.name order by s.until, s.id limit 50
"""
_TODOS = """
select t.id, t.plan_id, t.text, t.until_at, g.id as group_id, g.name as group, coalesce(s.name, g.owner) as owner, t.kind
from community_grouptodo t join community_group g on g.id = t.group_id
left join community_account a on a.userid = g.owner left join stores_staff s on s.id = a.staff_id
where t.state = 'open' order by t.until_at, t.id limit 50
"""
_CODES = """
select k.name, k.trouble, 'group' as kind, null::bigint as id from community_groupcode k where k.trouble <> ''
union all
select l.name, l.trouble, 'live', l.id from community_livecode l where l.is_active and l.trouble <> '' order by 1 limit 50
"""


def board(*, moment: datetime) -> dict[str, Any]:
    """Groups near full, open to-dos, group sends nobody confirmed, things handed in, codes in trouble, the pool, who was slow."""
    room = limits.current("wecom", "group_size", clock.local_date(moment))
    return {
        "full": rows(_FULL, near=int(room * NEAR)),
        "room": room,
        "todos": rows(_TODOS),
        "sends": rows(_SENDS),
        "deeds": deeds.waiting(limit=50),
        "codes": rows(_CODES),
        "pool": pool_lists.counts(store_ids=None),
        "slow": quality.slow_yesterday(moment=moment),
    }
