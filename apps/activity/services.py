"""Behaviour events come in, and find out whose they are. Codes and short links stand in `codes`.

Each event is stored once, however often and in whatever order it is sent: an event is at most seven days old, and what came in
is remembered for eight.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from prometheus_client import Counter

from apps.activity import batches
from apps.activity.errors import BatchMalformed
from apps.core import clock
from apps.members import consents, minors

REMEMBERED = timedelta(days=8)
STITCHED_BACK = timedelta(days=30)
TOUCH_KEPT = timedelta(days=30)  # how long a code that was opened may claim a registration
FORGOTTEN = timedelta(days=400)  # an anonymous id that was not seen for so long
AT_ONCE = 20_000
_ANONYMOUS = re.compile(r"[A-Za-z0-9_-]{8,64}").fullmatch
TAKEN = Counter("siyu_events_total", "Behaviour events by what became of them", ["outcome"])


@dataclass(frozen=True)
class IngestResult:
    """`rejected` has an entry (index in the batch, code, sentence) per event that was refused; all others were counted."""

    accepted: int
    duplicates: int
    rejected: list[tuple[int, str, str]] = field(default_factory=list)


# Order matters against a log-in or an erasure at the same moment: the anonymous id and the member are locked before anything is
# written, and a lock that had to wait reads what the other transaction left.
_INGEST = f"""
with visitor as materialized (
    insert into activity_visitor as v (anonymous_id, first_seen_at, seen_at)
    select %(anonymous)s, %(now)s, %(now)s where %(anonymous)s <> ''
    on conflict (anonymous_id) do update set seen_at = greatest(v.seen_at, excluded.seen_at)
    returning v.member_id, v.linked_at, v.shared_at
), known as materialized (
    select m.id, not {consents.PROFILED} as is_quiet from members_member m
    where m.id = coalesce(%(member)s, (select member_id from visitor where shared_at is null))
      and m.status <> 'erased'
    for key share
), person as materialized (
    select k.id as member_id, v.linked_at,
           coalesce(k.is_quiet, %(member)s::bigint is not null) as is_quiet
    from (select count(*) from visitor) locked
    left join visitor v on true
    left join known k on true
), incoming as (
    select * from json_to_recordset(%(payload)s::json) as i (e uuid, n text, o timestamptz, l boolean, p jsonb)
), fresh as (
    insert into activity_receipt (event_id, received_at)
    select i.e, %(now)s from person cross join incoming i order by i.e
    on conflict (event_id) do nothing
    returning event_id
), written as (
    insert into activity_event
        (occurred_at, received_at, event_id, name, member_id, anonymous_id, source, properties, is_late, is_stitched)
    select i.o, %(now)s, i.e, i.n, w.member_id, case when p.is_quiet then '' else %(anonymous)s end, %(source)s, i.p, i.l,
           w.member_id is not null and %(member)s::bigint is null
    from fresh f join incoming i on i.e = f.event_id cross join person p
    cross join lateral (
        select case when not p.is_quiet and (%(member)s::bigint is not null or i.o <= p.linked_at) then p.member_id end as member_id
    ) w
    returning 1
)
select count(*) from written
"""


def ingest(
    *,
    batch: Sequence[Any],
    member_id: int | None,
    anonymous_id: str,
    source: str,
    sent_at: datetime | str | None = None,
) -> IngestResult:
    """Take up to 500 events of one person or device, in one statement. Repeats are counted and change nothing.

    `sent_at` is the sender's clock when it sent: times of a clock that is wrong are corrected by it. An event of an anonymous id
    that a member has logged in with meanwhile goes to that member when it happened before. Somebody who has switched
    personalisation off, and a child whom no guardian answers for, is counted without their id. Raises BatchTooLarge, BatchMalformed.
    """
    if anonymous_id and not _ANONYMOUS(anonymous_id):
        raise BatchMalformed(part="anonymous_id")
    moment = clock.now()
    sorted_out = batches.sort_out(batch, received_at=moment, sent_at=sent_at)
    accepted = 0
    if sorted_out.rows:
        values = {
            "anonymous": anonymous_id,
            "member": member_id,
            "now": moment,
            "payload": sorted_out.payload,
            "source": source[:40],
        }
        with connection.cursor() as cursor:
            cursor.execute(_INGEST, values | minors.as_of(moment))
            accepted = int(cursor.fetchone()[0])
    duplicates = sorted_out.duplicates + len(sorted_out.rows) - accepted
    for outcome, count in (("accepted", accepted), ("duplicate", duplicates), ("rejected", len(sorted_out.rejected))):
        if count:
            TAKEN.labels(outcome).inc(count)
    return IngestResult(accepted=accepted, duplicates=duplicates, rejected=sorted_out.rejected)


@transaction.atomic
def stitch(*, anonymous_id: str, member_id: int) -> int:
    """A member has logged in where this anonymous id was: what it did in the 30 days before becomes theirs. Returns how many events.

    Repeatable. The id belongs to the first member who logs in with it; when a second one does, it is shared, and from then on
    nobody gets anything by it. Events that have a member keep that member. Of somebody who has just registered, the code named in
    their source, else the one opened last, gets its arrival.
    """
    if not _ANONYMOUS(anonymous_id):
        return 0
    moment = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_LINK, {"anonymous": anonymous_id, "member": member_id, "now": moment})
        owner, is_shared = cursor.fetchone() or (None, False)
        touched = moment - TOUCH_KEPT
        cursor.execute(_ARRIVE, {"anonymous": anonymous_id, "member": member_id, "now": moment, "since": touched})
        if owner != member_id or is_shared:
            return 0
        reach: dict[str, Any] = {
            "anonymous": anonymous_id,
            "member": member_id,
            "now": moment,
            "since": moment - STITCHED_BACK,
        }
        cursor.execute(_ATTRIBUTE, reach | minors.as_of(moment))
        return int(cursor.rowcount)


_LINK = """
with member as materialized (
    select id from members_member where id = %(member)s and status <> 'erased' for key share
)
insert into activity_visitor as v (anonymous_id, member_id, linked_at, first_seen_at, seen_at)
select %(anonymous)s, id, %(now)s, %(now)s, %(now)s from member
on conflict (anonymous_id) do update set
    member_id = coalesce(v.member_id, excluded.member_id),
    linked_at = case when coalesce(v.member_id, excluded.member_id) = excluded.member_id and v.shared_at is null
                     then greatest(v.linked_at, excluded.linked_at) else v.linked_at end,
    shared_at = case when v.member_id <> excluded.member_id then coalesce(v.shared_at, excluded.seen_at) else v.shared_at end,
    seen_at = greatest(v.seen_at, excluded.seen_at)
returning v.member_id, v.shared_at is not null
"""
_ATTRIBUTE = f"""
update activity_event set member_id = %(member)s, is_stitched = true
where anonymous_id = %(anonymous)s and member_id is null and anonymous_id <> ''
  and occurred_at > %(since)s and occurred_at <= %(now)s
  and not exists (select from members_member m where m.id = %(member)s and not {consents.PROFILED})
"""
_ARRIVE = """
insert into activity_arrival (member_id, code_id, at)
select m.id, coalesce(c.id, v.last_code_id), m.joined_at from members_member m
left join activity_code c on m.source = 'code:' || c.slug
left join activity_visitor v on v.anonymous_id = %(anonymous)s and v.member_id = m.id and v.shared_at is null
    and m.joined_at > %(now)s - interval '10 minutes' and v.last_touch_at between %(since)s and m.joined_at
where m.id = %(member)s and coalesce(c.id, v.last_code_id) is not null
on conflict (member_id) do nothing
"""


def purge() -> dict[str, int]:
    """Forget receipts older than eight days and anonymous ids that nobody has used for 400, in pieces. Returns counts."""
    moment = clock.now()
    return {
        "receipts": _purged(_FORGET_RECEIPTS, moment - REMEMBERED),
        "visitors": _purged(_FORGET_VISITORS, moment - FORGOTTEN),
    }


_FORGET_RECEIPTS = f"""
delete from activity_receipt where event_id in
    (select event_id from activity_receipt where received_at < %s limit {AT_ONCE})
"""
_FORGET_VISITORS = f"""
with gone as materialized (select id from activity_visitor where seen_at < %s limit {AT_ONCE}),
codes as (delete from activity_codevisitor where visitor_id in (select id from gone))
delete from activity_visitor where id in (select id from gone)
"""


def _purged(statement: str, before: datetime) -> int:
    total = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(statement, [before])
            total += cursor.rowcount
            if cursor.rowcount < AT_ONCE:
                return total
