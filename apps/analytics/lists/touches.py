"""Care decisions and stage moves as lists: what the dashboard's figures lead to, row for row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from apps.analytics.keyset import Page
from apps.analytics.lists import select
from apps.analytics.lists.select import Conditions
from apps.core import clock
from apps.segments.models import Stage

_TOUCHES = """
select t.id, t.decided_at, t.send_at, t.settled_at, t.state, t.reason, t.channel, t.tries, t.is_treated,
       t.member_id, m.member_no, m.nickname, h.name as store, p.name as policy, p.key as policy_key,
       a.text, a.code, a.provider_id, i.read_at
from care_touch t
join members_member m on m.id = t.member_id
join care_policy p on p.id = t.policy_id
left join stores_store h on h.id = m.home_store_id
left join lateral (select text, code, provider_id from care_attempt where touch_id = t.id
                   order by number desc limit 1) a on true
left join gateways_inboxmessage i on t.channel = 'inbox' and i.key = 'touch:' || t.id
"""
_MOVES = """
select c.id, c.at, c.before, c.after, c.cause, c.member_id, m.member_no, m.nickname, h.name as store,
       s.stage, s.last_order_at, s.net_cents
from segments_stagechange c
join members_member m on m.id = c.member_id
left join segments_memberstats s on s.member_id = c.member_id
left join stores_store h on h.id = m.home_store_id
"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    stores: Sequence[int] | None = None
    states: Sequence[str] = ()
    reason: str = ""
    policy_key: str = ""
    channel: str = ""
    first: date | None = None
    last: date | None = None

    @property
    def is_narrowed(self) -> bool:
        return any((self.states, self.reason, self.policy_key, self.channel, self.first, self.last))


@dataclass(frozen=True, kw_only=True)
class MovesWanted:
    """`after` "" is any stage; `before` None is any, "" the first look at a member."""

    first: date
    last: date
    stores: Sequence[int] | None = None
    before: str | None = None
    after: str = ""


def find(*, wanted: Wanted, cursor: str = "") -> Page:
    """Newest first, as they were written."""
    conditions = _of_stores(wanted.stores)
    if wanted.states:
        conditions.add("t.state = any(%s)", list(wanted.states))
    conditions.only("t.reason = %s", wanted.reason)
    conditions.only("p.key = %s", wanted.policy_key)
    conditions.only("t.channel = %s", wanted.channel)
    if wanted.first:
        conditions.add("t.decided_at >= %s", clock.day_start(wanted.first))
    if wanted.last:
        conditions.add("t.decided_at < %s", clock.day_end(wanted.last))
    return select.page(_TOUCHES, conditions=conditions, sort=[("t.id", "id", int)], cursor=cursor)


def find_moves(*, wanted: MovesWanted, cursor: str = "") -> Page:
    conditions = _of_stores(wanted.stores)
    conditions.add("c.after = any(%s)", [wanted.after] if wanted.after else list(Stage.values))
    if wanted.before is not None:
        conditions.add("c.before = %s", wanted.before)
    conditions.add("c.at >= %s and c.at < %s", clock.day_start(wanted.first), clock.day_end(wanted.last))
    sort = [("c.at", "at", datetime), ("c.id", "id", int)]
    return select.page(_MOVES, conditions=conditions, sort=sort, cursor=cursor)


def dearest(*, wanted: MovesWanted, limit: int = 5) -> list[dict[str, Any]]:
    """Of those who moved, still there, and spent most: whom to care for first. `can_sms`: consent for care by SMS."""
    conditions = _of_stores(wanted.stores)
    conditions.add("c.after = %s and s.stage = c.after", wanted.after)
    conditions.add("c.at >= %s and c.at < %s", clock.day_start(wanted.first), clock.day_end(wanted.last))
    return select.rows(
        f"""select distinct on (s.net_cents, c.member_id) c.member_id, m.member_no, m.nickname, s.net_cents,
                   s.last_order_at, s.orders, exists (
                     select from members_consentnow k where k.member_id = c.member_id and k.purpose = 'care'
                       and k.channel in ('sms', 'any') and k.is_granted) as can_sms
            from segments_stagechange c
            join members_member m on m.id = c.member_id
            join segments_memberstats s on s.member_id = c.member_id
            where {conditions.text} order by s.net_cents desc, c.member_id limit {limit:d}""",
        conditions.values,
    )


def of_member(*, member_id: int, limit: int = 10) -> list[dict[str, Any]]:
    return select.rows(f"{_TOUCHES} where t.member_id = %s order by t.id desc limit {limit:d}", [member_id])


def _of_stores(stores: Sequence[int] | None) -> Conditions:
    conditions = Conditions()
    if stores is not None:
        conditions.add("m.home_store_id = any(%s)", list(stores))
    return conditions
