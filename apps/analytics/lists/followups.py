"""Tasks of staff: what is open, soonest first; what is settled, newest first; one with its life; how each of a team stands.

A store's people see the tasks of their store, whoever has them; tasks of head office are for whoever sees everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from apps.analytics import keyset
from apps.analytics.keyset import Page
from apps.analytics.lists import select
from apps.analytics.lists.select import Conditions
from apps.core import clock

SIZE = 50
TEAM_DAYS = 30
_DAY = "to_char(t.due_at at time zone 'Asia/Shanghai', 'YYYY-MM-DD')"
_COLUMNS = f"""
select t.id, t.kind, t.title, t.note, t.due_at, {_DAY} as due_day, t.expires_at, t.priority, t.state, t.outcome, t.evidence,
       t.created_at, t.escalated_at, t.settled_at, t.store_id, s.name as store, t.assignee_id, a.name as assignee,
       t.member_id, m.member_no, m.nickname, m.home_store_id, b.name as settled_by, c.name as created_by
from followups_task t
left join stores_store s on s.id = t.store_id
left join stores_staff a on a.id = t.assignee_id
left join stores_staff b on b.id = t.settled_by_id
left join stores_staff c on c.id = t.created_by_id
left join members_member m on m.id = t.member_id
"""
_TEAM = """
select c.id, c.name, c.is_active, s.name as store, s.id as store_id,
       count(*) filter (where t.state = 'open') as open,
       count(*) filter (where t.state = 'open' and t.due_at < %(moment)s) as overdue,
       count(*) filter (where t.state = 'done') as done,
       count(*) filter (where t.state = 'done' and t.outcome in ('reached', 'will_buy')) as reached,
       count(*) filter (where t.state = 'done' and t.outcome = 'will_buy') as will_buy,
       count(*) filter (where t.state = 'expired') as expired
from followups_task t
left join stores_staff c on c.id = t.assignee_id
left join stores_store s on s.id = t.store_id
where (t.state = 'open' or t.settled_at >= %(since)s) and {within}
group by c.id, c.name, c.is_active, s.id, s.name
order by overdue desc, open desc, c.name nulls first, s.name
"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """`stores`: the reach, None is all. `whose`: "mine" (of `staff_id`), "pool" (nobody's) or "all"."""

    stores: Sequence[int] | None = None
    store_id: int | None = None
    whose: str = "mine"
    staff_id: int | None = None


def to_do(*, wanted: Wanted, cursor: str = "", size: int = SIZE) -> Page:
    """Open tasks by day, urgent ones of a day first; `older` leads on."""
    reached = keyset.read(cursor, kinds=(str, int, int))
    conditions = _conditions(wanted)
    conditions.add("t.state = 'open'")
    if reached:
        conditions.add(f"({_DAY}, t.priority, t.id) > (%s, %s, %s)", *reached.key)
    found = select.rows(
        f"{_COLUMNS} where {conditions.text} order by due_day, t.priority, t.id limit {size + 1:d}", conditions.values
    )
    older = keyset.write([found[size - 1][name] for name in ("due_day", "priority", "id")]) if len(found) > size else ""
    return Page(rows=tuple(found[:size]), older=older)


def settled(*, wanted: Wanted, cursor: str = "", size: int = SIZE) -> Page:
    conditions = _conditions(wanted)
    conditions.add("t.state <> 'open'")
    sort = [("t.settled_at", "settled_at", datetime), ("t.id", "id", int)]
    return select.page(_COLUMNS, conditions=conditions, sort=sort, cursor=cursor, size=size)


def counts(*, wanted: Wanted) -> dict[str, int]:
    """Open ones by what a page shows first: `mine`, `pool`, `all`, and of mine `overdue` and `today`."""
    conditions = _conditions(Wanted(stores=wanted.stores, store_id=wanted.store_id, whose="all"))
    conditions.add("t.state = 'open'")
    moment = clock.now()
    mine = "t.assignee_id = %s"
    [row] = select.rows(
        f"""select count(*) as all, count(*) filter (where t.assignee_id is null) as pool,
            count(*) filter (where {mine}) as mine, count(*) filter (where {mine} and t.due_at < %s) as overdue,
            count(*) filter (where {mine} and t.due_at >= %s and t.due_at < %s) as today
            from followups_task t where {conditions.text}""",
        [*[wanted.staff_id] * 2, moment, wanted.staff_id, moment, clock.day_end(clock.local_date(moment)), *conditions.values],
    )  # fmt: skip
    return row


def one(*, task_id: int, stores: Sequence[int] | None) -> dict[str, Any] | None:
    """The row of one task within the reach; None outside it."""
    conditions = _conditions(Wanted(stores=stores, whose="all"))
    conditions.add("t.id = %s", task_id)
    found = select.rows(f"{_COLUMNS} where {conditions.text}", conditions.values)
    return found[0] if found else None


def life(*, task_id: int) -> list[dict[str, Any]]:
    """What happened to it, oldest first."""
    return select.rows(
        """select e.kind, e.at, e.due_at, b.name as by, o.name as to from followups_entry e
           left join stores_staff b on b.id = e.by_id left join stores_staff o on o.id = e.to_id
           where e.task_id = %s order by e.id""",
        [task_id],
    )


def team(*, stores: Sequence[int] | None) -> list[dict[str, Any]]:
    """Per person and store: open and overdue now; done, reached, will buy and expired in the last `TEAM_DAYS` days.

    A row without a name is the pool of that store.
    """
    within = "true" if stores is None else "t.store_id = any(%(stores)s)"
    moment = clock.now()
    values = {"moment": moment, "since": moment - timedelta(days=TEAM_DAYS), "stores": list(stores or ())}
    return select.rows(_TEAM.format(within=within), values)


def _conditions(wanted: Wanted) -> Conditions:
    conditions = Conditions()
    if wanted.stores is not None:
        conditions.add("t.store_id = any(%s)", list(wanted.stores))
    conditions.only("t.store_id = %s", wanted.store_id)
    if wanted.whose == "mine":
        conditions.add("t.assignee_id = %s", wanted.staff_id)
    elif wanted.whose == "pool":
        conditions.add("t.assignee_id is null")
    return conditions
