"""What the house was told of many members at once, such as a platform's file, as their behaviour events: one statement, each once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from apps.core import clock
from apps.members import consents, minors

LATE = timedelta(hours=1)
# Of whom (`m`, a row of members) may be kept what they do; values: `minors.as_of`.
ALLOWED = f"m.status <> 'erased' and {consents.PROFILED}"
_RECORD = f"""
with incoming as materialized (
    select i.e, coalesce(m.merged_into_id, m.id) as member, i.o, i.p
    from json_to_recordset(%(payload)s::json) as i (e uuid, m bigint, o timestamptz, p jsonb) join members_member m on m.id = i.m
), known as materialized (
    select m.id from members_member m
    where m.id in (select member from incoming) and {ALLOWED}
    order by m.id for key share
), fresh as (
    insert into activity_receipt (event_id, received_at)
    select i.e, %(now)s from incoming i join known k on k.id = i.member order by i.e
    on conflict (event_id) do nothing
    returning event_id
)
insert into activity_event
    (occurred_at, received_at, event_id, name, member_id, anonymous_id, source, properties, is_late, is_stitched)
select i.o, %(now)s, i.e, %(name)s, i.member, '', %(source)s, i.p, i.o < %(late)s, false
from fresh f join incoming i on i.e = f.event_id
"""


@dataclass(frozen=True)
class Fact:
    """`event_id` makes it once, for the eight days that receipts are kept."""

    event_id: UUID
    member_id: int
    occurred_at: datetime
    properties: dict[str, Any]


def record(*, name: str, source: str, facts: Sequence[Fact]) -> int:
    """Returns how many are new. Who has switched personalisation off, who is erased and a child without a guardian get none."""
    moment = clock.now()
    rows = [
        {"e": str(one.event_id), "m": one.member_id, "o": one.occurred_at.isoformat(), "p": one.properties}
        for one in facts
    ]
    values: dict[str, Any] = {
        "payload": json.dumps(rows),
        "name": name,
        "source": source,
        "now": moment,
        "late": moment - LATE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, values | minors.as_of(moment))
        return int(cursor.rowcount)
