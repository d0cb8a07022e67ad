"""Who watched: from what members' own apps told while it was on, and from the platform's file. Repeatable; nothing is counted twice.

What only the file knows becomes a behaviour event of the member, too: segments and the member's page need not ask who told it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.db import connection, transaction

from apps.activity import recorded
from apps.core import audit, clock, ids
from apps.core.errors import NotFound
from apps.livestream.models import Stream, Tally
from apps.members import minors

PREFIX = "liv"
BEFORE, AFTER = timedelta(minutes=15), timedelta(hours=1)
READ_FOR = timedelta(hours=24)  # events that come late are still taken
STILL_THERE = timedelta(minutes=3)  # an app tells of every piece that was watched
FILE = "live-file"  # source of the events that a platform's file brought
_TOLD = f"e.name in ('live_entered', 'live_watched') and e.properties ->> 'live' = %(live)s and e.source <> '{FILE}'"
_READ = f"""
insert into livestream_viewer as v (stream_id, member_id, seconds, said_seconds, comments, first_at, last_at)
select %(stream)s, coalesce(m.merged_into_id, m.id),
       least(coalesce(sum((e.properties ->> 'seconds')::bigint), 0), 86400), 0, 0, min(e.occurred_at), max(e.occurred_at)
from activity_event e join members_member m on m.id = e.member_id and m.status <> 'erased'
where {_TOLD} and e.occurred_at between %(since)s and %(until)s
  and coalesce((e.properties ->> 'is_replay')::boolean, false) = false
group by 2
on conflict (stream_id, member_id) do update set seconds = greatest(v.seconds, excluded.seconds),
    first_at = least(v.first_at, excluded.first_at), last_at = greatest(v.last_at, excluded.last_at)
"""
_NOW = f"""
select count(distinct coalesce(e.member_id::text, e.anonymous_id)) from activity_event e
where {_TOLD} and e.occurred_at > %(since)s and e.occurred_at <= %(until)s
"""
_TAKE = f"""
insert into livestream_viewer as v (stream_id, member_id, seconds, said_seconds, comments, first_at, last_at)
select %(stream)s, w.member_id, 0, max(w.seconds), max(w.comments), %(began)s, %(ended)s
from unnest(%(members)s::bigint[], %(seconds)s::int[], %(comments)s::int[]) w (member_id, seconds, comments)
join members_member m on m.id = w.member_id and {recorded.ALLOWED}
group by w.member_id
on conflict (stream_id, member_id) do update set said_seconds = excluded.said_seconds, comments = excluded.comments
"""
# Seconds of this stream that a member's events tell already, whoever told them.
_KNOWN = """
select e.member_id, sum((e.properties ->> 'seconds')::bigint) from activity_event e
where e.member_id = any(%(members)s) and e.name = 'live_watched' and e.properties ->> 'live' = %(live)s
  and e.occurred_at between %(since)s and %(until)s and coalesce((e.properties ->> 'is_replay')::boolean, false) = false
group by 1
"""


def read_events(row: Stream, *, moment: datetime) -> int:
    """Members who told that they watched, so far. Returns how many. Of a stream that has not begun: nobody."""
    if row.began_at is None:
        return 0
    values: dict[str, Any] = {
        "stream": row.pk, "live": ids.encode(PREFIX, row.pk), "since": row.began_at - BEFORE,
        "until": min(moment, (row.finished_at or moment) + AFTER),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_READ, values)
        return cursor.rowcount


def now(stream_id: int, *, moment: datetime) -> int:
    """People who watch at the moment, known or not."""
    values: dict[str, Any] = {"live": ids.encode(PREFIX, stream_id), "since": moment - STILL_THERE, "until": moment}
    with connection.cursor() as cursor:
        cursor.execute(_NOW, values)
        return int(cursor.fetchone()[0])


@transaction.atomic
def take_viewers(*, stream_id: int, viewers: Mapping[int, tuple[int, int]]) -> int:
    """Of the platform's file: member → seconds watched, comments. A file again replaces what the last one said, but an event that was
    told stays: what a later file takes away is taken from the figures only. Nothing is kept of who switched personalisation off, is
    erased, or is a child without a guardian. Returns of how many something is. Raises NotFound."""
    row = Stream.objects.select_for_update().filter(pk=stream_id).first()
    if row is None:
        raise NotFound
    ordered = sorted(viewers.items())
    began = row.began_at or row.starts_at
    ended = max(row.finished_at or row.ends_at, began)
    values: dict[str, Any] = {
        "stream": stream_id, "members": [key for key, _said in ordered], "began": began, "ended": ended,
        "seconds": [said[0] for _key, said in ordered], "comments": [said[1] for _key, said in ordered],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values | minors.as_of(clock.now()))
        kept = cursor.rowcount
    _tell(stream_id, ordered, began=began, ended=min(ended, clock.now()))
    audit.record("livestream.viewers", object_type="livestream_stream", object_id=stream_id, after={"rows": kept})
    return kept


def _tell(stream_id: int, viewers: Sequence[tuple[int, tuple[int, int]]], *, began: datetime, ended: datetime) -> None:
    """One event for each member of whom the file says more than their events do; with those it is what the file says."""
    live = ids.encode(PREFIX, stream_id)
    asked: dict[str, Any] = {
        "members": [key for key, _said in viewers], "live": live, "since": began - BEFORE, "until": max(ended, began) + AFTER,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, asked)
        known = dict(cursor.fetchall())
    facts = [
        recorded.Fact(
            uuid5(NAMESPACE_URL, f"{live}:{key}:{seconds}"), key, ended, {"live": live, "seconds": seconds - told}
        )
        for key, (seconds, _comments) in viewers
        if seconds > (told := int(known.get(key, 0)))
    ]
    recorded.record(name="live_watched", source=FILE, facts=facts)


@transaction.atomic
def say_totals(*, stream_id: int, viewers: int, peak: int, comments: int, followers: int, speakers: int = 0) -> Tally:
    """What the platform counted in all. Said again it replaces. `peak` is at most `viewers`."""
    facts = {
        "viewers": viewers,
        "peak": min(peak, viewers),
        "comments": comments,
        "followers": followers,
        "speakers": speakers,
    }
    row, _is_new = Tally.objects.update_or_create(stream_id=stream_id, defaults={**facts, "said_at": clock.now()})
    audit.record("livestream.totals", object_type="livestream_stream", object_id=stream_id, after=facts)
    return row


def read_lately(*, moment: datetime) -> int:
    """Streams that are on, or were within a day. Returns how many were read."""
    rows = Stream.objects.filter(state=Stream.State.LIVE) | Stream.objects.filter(
        state=Stream.State.ENDED, finished_at__gt=moment - READ_FOR
    )
    return sum(read_events(row, moment=moment) >= 0 for row in rows)
