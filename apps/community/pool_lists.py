"""What the pool's page shows: reads only."""

from collections.abc import Sequence
from typing import Any

from apps.community.selectors import rows

_CASES = """
select p.id, p.contact_id, c.name, c.member_id, m.nickname, p.state, p.why, p.due_at, p.pooled_at, p.taken_at, p.code, p.userid,
    coalesce(s.name, p.userid) as had, coalesce(t.name, p.taken_by) as taker, o.name as store, s.store_id
from community_poolcase p join community_contact c on c.id = p.contact_id left join members_member m on m.id = c.member_id
left join community_account a on a.userid = p.userid left join stores_staff s on s.id = a.staff_id
left join stores_store o on o.id = s.store_id
left join community_account b on b.userid = p.taken_by left join stores_staff t on t.id = b.staff_id
where p.state = any(%(states)s) and p.settled_at is null and (%(stores)s::bigint[] is null or s.store_id = any(%(stores)s))
order by p.due_at, p.id limit %(limit)s
"""
_COUNTS = """
select p.state, count(*) as n from community_poolcase p
left join community_account a on a.userid = p.userid left join stores_staff s on s.id = a.staff_id
where p.settled_at is null and (%(stores)s::bigint[] is null or s.store_id = any(%(stores)s)) group by p.state
"""
_IN = """
select p.id from community_poolcase p
left join community_account a on a.userid = p.userid left join stores_staff s on s.id = a.staff_id
where p.id = %(id)s and (%(stores)s::bigint[] is null or s.store_id = any(%(stores)s))
"""
_COLLEAGUES = """
select a.userid, s.name, s.id as staff_id from community_account a join stores_staff s on s.id = a.staff_id and s.is_active
where a.is_active and (%(stores)s::bigint[] is null or s.store_id = any(%(stores)s)) order by s.name, a.userid
"""
STATES = {"pooled": ["pooled"], "warned": ["warned"], "moving": ["taken", "moving"]}


def cases(*, show: str, store_ids: Sequence[int] | None, limit: int = 200) -> list[dict[str, Any]]:
    """Those in the pool, about to be, or on the way; of stores whose staff had the customer (None: all)."""
    return rows(_CASES, states=STATES[show], stores=_listed(store_ids), limit=limit)


def is_in(case_id: int, *, store_ids: Sequence[int] | None) -> bool:
    """Whether there is such a case of a customer whom somebody of these stores had."""
    return bool(rows(_IN, id=case_id, stores=_listed(store_ids)))


def counts(*, store_ids: Sequence[int] | None) -> dict[str, int]:
    found = {row["state"]: row["n"] for row in rows(_COUNTS, stores=_listed(store_ids))}
    return {show: sum(found.get(state, 0) for state in states) for show, states in STATES.items()}


def colleagues(*, store_ids: Sequence[int] | None) -> list[dict[str, Any]]:
    """Who may take customers: userid, name, staff_id."""
    return rows(_COLLEAGUES, stores=_listed(store_ids))


def _listed(ids: Sequence[int] | None) -> list[int] | None:
    return None if ids is None else list(ids)
