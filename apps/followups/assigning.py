"""Giving tasks out, one or many thousand in one statement.

Where a task goes, unless it says so itself: to the member's home store; where that is closed or unknown, to the store of their newest
order; else to head office. There to the guide of their newest kept order who still works in that store and can log in; else it lies in
the store's pool. So nobody gets a task about a member whom they may not see.

Texts may name `{store}`, the store it lies in, and `{days}` since the member's newest kept order. Names of members are no part of them:
pages show those half hidden beside.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.core import clock
from apps.followups.models import Task

VARIABLES = ("store", "days")
_GIVE = """
with given as materialized (
    select * from jsonb_to_recordset(%(rows)s::jsonb) g(
        member_id bigint, kind text, title text, note text, due_at timestamptz, expires_at timestamptz, priority smallint,
        source text, store_id bigint, assignee_id bigint, is_for_pool boolean
    )
),
placed as materialized (
    select g.*, m.id as who, coalesce(g.store_id, home.id, last.store_id) as place
    from given g
    left join members_member asked on asked.id = g.member_id
    left join members_member m on m.id = coalesce(asked.merged_into_id, asked.id)
    left join stores_store home on home.id = m.home_store_id and home.is_open
    left join lateral (
        select o.store_id from orders_order o join stores_store s on s.id = o.store_id and s.is_open
        where o.member_id = m.id and o.paid_at is not null and o.status <> 'cancelled'
        order by o.paid_at desc limit 1
    ) last on g.store_id is null and home.id is null
    where g.member_id is null or m.status = 'active'
),
staffed as materialized (
    select p.*, case when not p.is_for_pool then coalesce(named.id, guide.id) end as person
    from placed p
    left join stores_staff named on named.id = p.assignee_id and named.is_active
        and (named.store_id is not distinct from p.place or named.store_id is null)
    left join lateral (
        select c.id from orders_order o join stores_staff c on c.id = o.guide_id
        where o.member_id = p.who and o.paid_at is not null and o.status <> 'cancelled' and o.refunded_cents < o.total_cents
          and c.is_active and c.user_id is not null and c.store_id = p.place
        order by o.paid_at desc limit 1
    ) guide on p.assignee_id is null and not p.is_for_pool
),
told_of as materialized (
    select p.*, coalesce(s.name, '') as store_name, coalesce((%(today)s - newest.day)::text, '') as days
    from staffed p
    left join stores_store s on s.id = p.place
    left join lateral (
        select (o.paid_at at time zone 'Asia/Shanghai')::date as day from orders_order o
        where o.member_id = p.who and o.paid_at is not null and o.status <> 'cancelled' and o.refunded_cents < o.total_cents
        order by o.paid_at desc limit 1
    ) newest on p.title || p.note like '%%{days}%%'
),
made as (
    insert into followups_task (
        member_id, store_id, assignee_id, kind, title, note, due_at, expires_at, priority, source, state, outcome, evidence,
        created_at, created_by_id, pooled_at
    )
    select who, place, person, kind, left(replace(replace(title, '{days}', days), '{store}', store_name), 120),
        left(replace(replace(note, '{days}', days), '{store}', store_name), 500), due_at, expires_at, priority, source, 'open', '', '',
        %(moment)s, %(by)s::bigint, case when person is null then %(moment)s::timestamptz end
    from told_of
    on conflict (source) do nothing returning id, assignee_id
),
told as (
    insert into followups_entry (task_id, kind, at, by_id, to_id)
    select id, 'given', %(moment)s, %(by)s::bigint, assignee_id from made
)
select (select count(*) from made), (select count(*) from staffed)
"""


@dataclass(frozen=True, kw_only=True)
class NewTask:
    """`source` makes it once ("journey:lapsing.call:81"). Texts are plain, with the few values filled in already.

    `store_id` and `assignee_id` (of that store, or of none) override the rule; `is_for_pool` leaves it to whoever takes it first.
    """

    source: str
    kind: str
    title: str
    due_at: datetime
    member_id: int | None = None
    note: str = ""
    expires_at: datetime | None = None
    priority: int = Task.Priority.NORMAL
    store_id: int | None = None
    assignee_id: int | None = None
    is_for_pool: bool = False


@dataclass(frozen=True)
class Assigned:
    """`repeated` were there already; `left_out` are of members who are not active (any more)."""

    given: int
    repeated: int
    left_out: int


def unknown_variables(text: str) -> list[str]:
    """What a text asks for in braces and no task knows; for whoever edits it."""
    return sorted(set(re.findall(r"\{([^{}]*)\}", text)) - set(VARIABLES))


@transaction.atomic
def assign_many(rows: Sequence[NewTask], *, by_staff_id: int | None = None) -> Assigned:
    """Give every task out that its source has not given out before; records merged away stand for their members."""
    packed = json.dumps([asdict(row) for row in rows], default=datetime.isoformat, ensure_ascii=False)
    moment = clock.now()
    values: dict[str, Any] = {"rows": packed, "moment": moment, "by": by_staff_id, "today": clock.local_date(moment)}
    with connection.cursor() as cursor:
        cursor.execute(_GIVE, values)
        given, possible = cursor.fetchone()
    return Assigned(given=given, repeated=possible - given, left_out=len(rows) - possible)
