"""What happens to tasks by time: too late, taken by nobody, or left by somebody who is gone. Each rule one statement."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.core import brand, clock
from apps.events import services as events
from apps.followups.settings import ESCALATE

EXPIRED = "followup.expired"
CHUNK = 5_000
_EXPIRE = """
with late as materialized (
    select id from followups_task where state = 'open' and expires_at <= %(moment)s
    order by expires_at limit %(limit)s for update skip locked
),
gone as (
    update followups_task t set state = 'expired', settled_at = %(moment)s from late where t.id = late.id
    returning t.id
),
told as (insert into followups_entry (task_id, kind, at) select id, 'expired', %(moment)s from gone)
select id from gone order by id
"""
_ESCALATE = """
with waiting as materialized (
    select t.id, (
        select c.id from stores_staff c
        where c.store_id = t.store_id and c.role = 'manager' and c.is_active and c.user_id is not null order by c.id limit 1
    ) as manager
    from followups_task t
    where t.state = 'open' and t.assignee_id is null and t.escalated_at is null and t.pooled_at <= %(edge)s
    order by t.pooled_at limit %(limit)s for update of t skip locked
),
moved as (
    update followups_task t set escalated_at = %(moment)s, assignee_id = w.manager,
        pooled_at = case when w.manager is null then t.pooled_at end
    from waiting w where t.id = w.id returning t.id, t.assignee_id
)
insert into followups_entry (task_id, kind, at, to_id) select id, 'escalated', %(moment)s, assignee_id from moved order by id
"""
_RETURN = """
with left_behind as materialized (
    select t.id from followups_task t join stores_staff c on c.id = t.assignee_id
    where t.state = 'open' and (not c.is_active or (c.store_id is not null and c.store_id is distinct from t.store_id))
    limit %(limit)s for update of t skip locked
),
moved as (
    update followups_task t set assignee_id = null, pooled_at = %(moment)s from left_behind l where t.id = l.id
    returning t.id
)
insert into followups_entry (task_id, kind, at) select id, 'returned', %(moment)s from moved order by id
"""


def sweep() -> dict[str, int]:
    """All three rules until nothing is left. Returns how many of each."""
    moment = clock.now()
    figures = {"expired": 0, "returned": 0, "escalated": 0}
    while chunk := expire(moment=moment):
        figures["expired"] += chunk
    while chunk := return_left_behind(moment=moment):
        figures["returned"] += chunk
    while chunk := escalate(moment=moment):
        figures["escalated"] += chunk
    return figures


@transaction.atomic
def expire(*, moment: datetime) -> int:
    """Open ones after their own end; a fact `followup.expired` for each."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRE, {"moment": moment, "limit": CHUNK})
        keys = [row[0] for row in cursor.fetchall()]
    if keys:
        events.publish_many(
            EXPIRED,
            query=f"""select t.id::text as key, coalesce('member:' || t.member_id, '') as lane,
                jsonb_build_object('task_id', t.id, 'member_id', t.member_id, 'source', t.source, 'kind', t.kind) as payload
                from followups_task t where t.id in ({",".join(map(str, keys))}) order by t.id""",
        )
    return len(keys)


def escalate(*, moment: datetime) -> int:
    """What nobody in the store took within the brand's hours goes to the store's manager, once; without one it stays, marked."""
    hours = brand.read(ESCALATE)
    if not hours:
        return 0
    return _moved(_ESCALATE, moment=moment, edge=moment - timedelta(hours=hours))


def return_left_behind(*, moment: datetime) -> int:
    """Tasks of people who have left, or work in another store now, lie in the pool again."""
    return _moved(_RETURN, moment=moment)


@transaction.atomic
def _moved(statement: str, **values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, "limit": CHUNK})
        return cursor.rowcount
