"""What the community's pages show: reads only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from apps.core import clock

_CONTACTS = """
select c.id, c.name, c.member_id, m.nickname, c.first_at, f.userid, f.since_at, f.left_at, f.ending, l.name as code,
    coalesce(s.name, f.userid) as colleague, cardinality(f.wecom_tags) as tags, f.id as follow_id,
    case when f.locked_until >= %(day)s then f.locked_until end as locked_until, p.state as pool
from community_follow f
join community_contact c on c.id = f.contact_id
left join members_member m on m.id = c.member_id
left join community_livecode l on l.id = f.code_id
left join community_account a on a.userid = f.userid
left join stores_staff s on s.id = a.staff_id
left join community_poolcase p on p.contact_id = c.id and p.userid = f.userid and p.settled_at is null
where (%(userid)s = '' or f.userid = %(userid)s) and f.id < %(before)s
  and case %(show)s when 'left' then f.left_at is not null when 'unknown' then f.left_at is null and c.member_id is null
      else f.left_at is null end
order by f.id desc limit %(limit)s
"""
_FIGURES = """
select
    (select count(distinct contact_id) from community_follow where left_at is null) as customers,
    (select count(distinct f.contact_id) from community_follow f join community_contact c on c.id = f.contact_id
        where f.left_at is null and c.member_id is not null) as members,
    (select count(*) from community_follow where since_at >= %(today)s) as came,
    (select count(*) from community_follow where left_at >= %(today)s and ending <> 'handed_over') as gone
"""
_CODES = """
select l.id, l.name, l.qr_url, l.daily_limit, l.is_active, l.trouble, t.name as tag,
    array(select coalesce(s.name, u) from unnest(l.users) u left join community_account a on a.userid = u
        left join stores_staff s on s.id = a.staff_id) as people,
    count(f.id) as customers, count(f.id) filter (where f.since_at >= %(today)s) as today,
    count(f.id) filter (where f.left_at is null) as kept
from community_livecode l left join members_tag t on t.id = l.tag_id left join community_follow f on f.code_id = l.id
group by l.id, t.name order by l.is_active desc, l.id desc
"""
_GROUPS = """
select g.id, g.name, coalesce(s.name, g.owner) as owner, g.people, g.made_at, g.seen_at, g.key, g.dismissed_at,
    coalesce(d.joined, 0) as joined, coalesce(d."left", 0) as "left",
    array(select k.name from community_groupcode k where g.chat_id = any(k.chats) order by k.id) as codes
from community_group g left join community_account a on a.userid = g.owner left join stores_staff s on s.id = a.staff_id
left join community_groupday d on d.group_id = g.id and d.day = %(day)s
where %(id)s::bigint is null and g.dismissed_at is null or g.id = %(id)s
order by g.id desc limit 200
"""
_THERE = """
select m.who, m.joined_at, m.way, m.is_staff, c.name, c.member_id, coalesce(s.name, b.name, nullif(m.invited_by, '')) as inviter,
    k.name as code
from community_groupmember m left join community_contact c on c.id = m.contact_id
left join community_account a on a.userid = m.invited_by left join stores_staff s on s.id = a.staff_id
left join community_contact b on b.external_userid = m.invited_by
left join community_groupcode k on k.id = m.code_id
where m.group_id = %(id)s and m.left_at is null order by m.joined_at desc, m.id desc limit 100
"""
_GONE = """
select m.who, m.joined_at, m.left_at, m.way, c.name, c.member_id from community_groupmember m
left join community_contact c on c.id = m.contact_id
where m.group_id = %(id)s and m.left_at is not null and not m.is_staff order by m.left_at desc, m.id desc limit 50
"""
_SENDS = """
select s.id, s.text, s.state, s.code, s.made_at, s.until, s.settled_at, cardinality(s.reminded) as reminders,
    coalesce(p.name, s.userid) as colleague, count(i.id) as customers,
    count(i.id) filter (where i.state = 'delivered') as delivered, count(i.id) filter (where i.state = 'failed') as failed
from community_send s left join community_account a on a.userid = s.userid left join stores_staff p on p.id = a.staff_id
left join community_senditem i on i.send_id = s.id
group by s.id, p.name order by s.id desc limit 100
"""
FIRST = 2**62


def contacts(*, userid: str = "", show: str = "", before: int = FIRST, limit: int = 50) -> list[dict[str, Any]]:
    """Customers with who has them, the newest first. `show`: "" open, "left", "unknown" without a member. One more than `limit`."""
    day = clock.local_date(clock.now())
    return rows(_CONTACTS, userid=userid, show=show, before=before, limit=limit + 1, day=day)


def figures(*, moment: datetime) -> dict[str, int]:
    """Customers, how many of them are members, who came and who left on the shop day."""
    return rows(_FIGURES, today=_today(moment))[0]


def codes(*, moment: datetime) -> list[dict[str, Any]]:
    return rows(_CODES, today=_today(moment))


def groups(*, moment: datetime, group_id: int | None = None) -> list[dict[str, Any]]:
    """Living groups, the newest first; or this one."""
    return rows(_GROUPS, day=clock.local_date(moment), id=group_id)


def there_in(group_id: int) -> list[dict[str, Any]]:
    """Who is in a group, the last hundred who came first: the way they came, and whose invitation it was."""
    return rows(_THERE, id=group_id)


def gone_from(group_id: int) -> list[dict[str, Any]]:
    """The last fifty who left a group."""
    return rows(_GONE, id=group_id)


def sends() -> list[dict[str, Any]]:
    """The newest hundred group sends."""
    return rows(_SENDS)


def colleagues() -> Sequence[tuple[str, str]]:
    """(userid, name) of who may have customers."""
    found = rows(
        "select a.userid, coalesce(s.name, a.userid) as name from community_account a left join stores_staff s on s.id = a.staff_id"
        " where a.is_active order by 2, 1"
    )
    return [(row["userid"], row["name"]) for row in found]


def _today(moment: datetime) -> datetime:
    return clock.day_start(clock.local_date(moment))


def rows(statement: str, **values: Any) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
