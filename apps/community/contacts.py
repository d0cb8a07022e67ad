"""Contacts as WeCom tells them, written in one statement for one or a page of them, and bound to members.

`asked_at` is the time before WeCom was asked: what is older than what stands here changes nothing, so callbacks and a full sync
may come in any order.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from apps.members import identities
from apps.members.errors import PhoneInvalid
from apps.members.models import Identity

_TAKE = """
with given as materialized (
    select * from jsonb_to_recordset(%(rows)s::jsonb) g(
        external_userid text, name text, union_hex text, userid text, state text, since_at timestamptz, tags jsonb, phones jsonb)
),
people as (
    insert into community_contact (external_userid, name, union_digest, agreed_tags, first_at, seen_at)
    select distinct on (external_userid) external_userid, left(name, 64), decode(union_hex, 'hex'), '{}', %(asked)s, %(asked)s
    from given order by external_userid
    on conflict (external_userid) do update set
        name = case when community_contact.seen_at <= excluded.seen_at then excluded.name else community_contact.name end,
        union_digest = coalesce(excluded.union_digest, community_contact.union_digest),
        seen_at = greatest(community_contact.seen_at, excluded.seen_at)
    returning id, external_userid
)
insert into community_follow (contact_id, userid, code_id, since_at, wecom_tags, phone_digests, ending, seen_at)
select p.id, g.userid, c.id, g.since_at, array(select jsonb_array_elements_text(g.tags)),
    array(select decode(d, 'hex') from jsonb_array_elements_text(g.phones) d), '', %(asked)s
from given g join people p using (external_userid) left join community_livecode c on c.state = g.state and g.state <> ''
order by p.id, g.userid
on conflict (contact_id, userid) do update set
    code_id = coalesce(excluded.code_id, community_follow.code_id), since_at = excluded.since_at, wecom_tags = excluded.wecom_tags,
    phone_digests = excluded.phone_digests, left_at = null, ending = '', seen_at = excluded.seen_at
where community_follow.seen_at <= excluded.seen_at
returning contact_id
"""
_IN_GROUPS = """
update community_groupmember m set contact_id = c.id from community_contact c
where c.id = any(%s) and m.who = c.external_userid and m.contact_id is null
"""
_END = """
update community_follow f set left_at = %(asked)s, ending = %(ending)s, seen_at = %(asked)s from community_contact c
where c.id = f.contact_id and c.external_userid = %(external)s and f.left_at is null and f.seen_at <= %(asked)s
  and not f.userid = any(%(kept)s)
"""
_END_UNSEEN = """
update community_follow set left_at = %(moment)s, ending = 'unseen'
where left_at is null and userid = any(%(userids)s) and seen_at < %(started)s
"""
# Whom an unbound contact certainly is: the owner of its union id; else the one owner of the phones that staff noted, unless that
# member is known to be somebody else in WeChat.
_OWNERS = """
select c.id, c.external_userid, coalesce(m.merged_into_id, m.id)
from community_contact c
cross join lateral (
    select i.member_id from members_identity i
    where i.kind = 'unionid' and i.namespace = '' and i.digest = c.union_digest
    union all
    select min(i.member_id) from community_follow f join members_identity i
        on i.kind = 'phone' and i.namespace = '' and i.digest = any(f.phone_digests)
    where f.contact_id = c.id and f.left_at is null
      and not exists (select from members_identity u where u.kind = 'unionid' and u.digest = c.union_digest)
      and not (c.union_digest is not null and exists (
          select from members_identity u where u.kind = 'unionid' and u.member_id = i.member_id))
    having count(distinct i.member_id) = 1
) owner
join members_member m on m.id = owner.member_id
join members_member s on s.id = coalesce(m.merged_into_id, m.id) and s.status = 'active'
where c.member_id is null and (%(ids)s::bigint[] is null or c.id = any(%(ids)s)) order by c.id limit %(limit)s
"""
CHUNK = 1000


def row_of(contact: dict[str, Any], follow: dict[str, Any]) -> dict[str, Any]:
    """What we keep of a customer and one who follows them; phones and union id as blind indexes only."""
    union = contact.get("unionid")
    tags = follow.get("tag_id") or [tag["tag_id"] for tag in follow.get("tags", []) if tag.get("tag_id")]
    return {
        "external_userid": contact["external_userid"],
        "name": contact.get("name", "").replace("\x00", ""),
        "union_hex": identities.digest(kind=Identity.Kind.UNIONID, value=union).hex() if union else None,
        "userid": follow["userid"],
        "state": follow.get("state", ""),
        "since_at": datetime.fromtimestamp(follow["createtime"], UTC).isoformat(),
        "tags": tags,
        "phones": [digest for phone in follow.get("remark_mobiles") or [] if (digest := _phone_hex(phone))],
    }


@transaction.atomic
def take(rows: Sequence[dict[str, Any]], *, asked_at: datetime) -> list[int]:
    """Write customers with who follows them. Returns the contacts that changed, each once."""
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"rows": json.dumps(rows, ensure_ascii=False), "asked": asked_at})
        changed = sorted({found[0] for found in cursor.fetchall()})
        cursor.execute(_IN_GROUPS, [changed])
    bind(changed)
    return changed


def keep_only(external_userid: str, userids: Sequence[str], *, ending: str, asked_at: datetime) -> int:
    """End every other follow of the customer."""
    values: dict[str, Any] = {"external": external_userid, "kept": list(userids), "ending": ending, "asked": asked_at}
    with connection.cursor() as cursor:
        cursor.execute(_END, values)
        return cursor.rowcount


def end_unseen(userids: Sequence[str], *, started_at: datetime, moment: datetime) -> int:
    """After a full sync: whoever it did not see any more."""
    with connection.cursor() as cursor:
        cursor.execute(_END_UNSEEN, {"userids": list(userids), "started": started_at, "moment": moment})
        return cursor.rowcount


def bind(contact_ids: Sequence[int] | None = None) -> int:
    """Give contacts without a member theirs (None: all of them). Returns how many were bound."""
    bound, wanted = 0, None if contact_ids is None else list(contact_ids)
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_OWNERS, {"ids": wanted, "limit": CHUNK})
            found = cursor.fetchall()
            identities.add_many(
                kind=Identity.Kind.EXTERNAL, entries=[(member_id, external) for _, external, member_id in found]
            )
            cursor.execute(
                "update community_contact c set member_id = n.member from unnest(%s::bigint[], %s::bigint[]) n(id, member)"
                " where c.id = n.id and c.member_id is null",
                [[row[0] for row in found], [row[2] for row in found]],
            )
            bound += cursor.rowcount
        if len(found) < CHUNK:
            return bound


def _phone_hex(phone: str) -> str:
    try:
        value = identities.normal(kind=Identity.Kind.PHONE, value=phone)
    except PhoneInvalid:
        return ""
    return identities.digest(kind=Identity.Kind.PHONE, value=value).hex()
