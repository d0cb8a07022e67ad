"""What the tags of two records come to when they are found to be one person.

Rows move like those of any table (`flows.repointing`). Where a row of one excludes a row of the other, it is decided here which
of them counts: the same tag lasts as long as the longer of the two; of an exclusive group the tag that was given last stays, one
whose last day is over never does. The other row is put aside, on either record, so that nothing of it can come back by itself.
"""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from apps.core import clock

# `gone`: which of the two rows does not count.
_PAIRS = """
    select m.id, m.tag_id = t.tag_id as is_same, m.expires_on, t.expires_on as other_expires_on,
           case when m.tag_id <> t.tag_id and (t.expires_on is null or t.expires_on >= %(today)s)
                     and (m.expires_on < %(today)s or t.given_at > m.given_at)
                then m.id else t.id end as gone
      from members_membertag m join members_membertag t on t.member_id = %(loser)s
       and (t.tag_id = m.tag_id or t.exclusive_group_id = m.exclusive_group_id)
     where m.member_id = %(survivor)s
"""
_LONGER = f"""
with longer as materialized (
    select id, expires_on as before, other_expires_on as after from ({_PAIRS}) p
     where is_same and expires_on is not null and (other_expires_on is null or other_expires_on > expires_on)
), written as (
    update members_membertag m set expires_on = l.after from longer l where m.id = l.id returning m.id
)
select coalesce(jsonb_agg(to_jsonb(l)), '[]') from longer l
"""
_ASIDE = f"""
with gone as (delete from members_membertag m using ({_PAIRS}) p where m.id = p.gone returning m.*)
select coalesce(jsonb_agg(to_jsonb(g)), '[]') from gone g
"""
_SHORTER = """
update members_membertag m set expires_on = l.before
  from jsonb_to_recordset(%s) as l (id bigint, before date, after date)
 where m.id = l.id and m.expires_on is not distinct from l.after
"""
# Not the tags of an act that was undone since, nor of a tag or group that is no more.
_BACK = """
insert into members_membertag (id, member_id, tag_id, exclusive_group_id, source, given_by, given_at, expires_on, act_id)
select b.id, b.member_id, t.id, g.id, b.source, b.given_by, b.given_at, b.expires_on, a.id
  from jsonb_populate_recordset(null::members_membertag, %s) b
  join members_tag t on t.id = b.tag_id
  left join members_taggroup g on g.id = t.group_id and g.is_exclusive
  left join members_tagact a on a.id = b.act_id
 where a.undone_at is null
on conflict do nothing
"""
_AFTER = f"""
with pairs as ({_PAIRS})
select t.name, mt.member_id = %(loser)s, case when p.id is null then mt.expires_on
           when p.expires_on is null or p.other_expires_on is null then null
           else greatest(p.expires_on, p.other_expires_on) end
  from members_membertag mt join members_tag t on t.id = mt.tag_id left join pairs p on p.id = mt.id and p.is_same
 where mt.member_id in (%(survivor)s, %(loser)s) and mt.id not in (select gone from pairs)
 order by t.name
"""


@dataclass(frozen=True)
class After:
    """A tag that the survivor would have. `is_theirs`: it comes from the other record."""

    name: str
    is_theirs: bool
    expires_on: date | None


def join(*, survivor_id: int, loser_id: int) -> dict[str, Any]:
    """Put aside what does not count, before rows move. Returns the images that `part` needs."""
    values = _values(survivor_id, loser_id)
    return {"longer": _images(_LONGER, values), "aside": _images(_ASIDE, values)}


def part(images: dict[str, Any]) -> None:
    """Undo `join`, after the loser's rows went back; what somebody changed since stays."""
    with connection.cursor() as cursor:
        cursor.execute(_SHORTER, [json.dumps(images["longer"])])
        cursor.execute(_BACK, [json.dumps(images["aside"])])


def foresee(*, survivor_id: int, loser_id: int) -> list[After]:
    """The tags after the merge, by name, without a write."""
    with connection.cursor() as cursor:
        cursor.execute(_AFTER, _values(survivor_id, loser_id))
        return [After(*row) for row in cursor.fetchall()]


def _images(statement: str, values: dict[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        (rows,) = cursor.fetchone()
    return json.loads(rows) if isinstance(rows, str) else rows


def _values(survivor_id: int, loser_id: int) -> dict[str, Any]:
    return {"survivor": survivor_id, "loser": loser_id, "today": clock.local_date(clock.now())}
