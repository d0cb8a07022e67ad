"""What a reader may see of a segment: members of their stores alone are counted, listed and found.

`store_ids` is the reader's reach (see `Access.store_ids`); None is every store. Days are shop days (Asia/Shanghai).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from apps.core import clock
from apps.core.errors import NotFound
from apps.members import selectors as members
from apps.members.models import Member
from apps.segments.models import Build, Membership, Passage, Segment

HISTORY = 30  # days
# Within a reader's stores: a condition on member m.
WITHIN = "(%(stores)s::bigint[] is null or m.home_store_id = any(%(stores)s::bigint[]))"


@dataclass(frozen=True)
class Day:
    """`size` at its end; None before the segment was first worked out."""

    on: date
    size: int | None
    came: int
    went: int


def reach(store_ids: Sequence[int] | None) -> dict[str, Any]:
    """The parameter of WITHIN."""
    return {"stores": None if store_ids is None else list(store_ids)}


def sizes(segments: Collection[Segment], *, store_ids: Sequence[int] | None) -> dict[int, int]:
    """Members of each segment within the reach."""
    if store_ids is None:
        return {one.pk: one.size for one in segments}
    with connection.cursor() as cursor:
        cursor.execute(
            "select b.segment_id, count(*) from segments_membership b join members_member m on m.id = b.member_id"
            f" where b.segment_id = any(%(segments)s) and {WITHIN} group by 1",
            {"segments": [one.pk for one in segments], **reach(store_ids)},
        )
        counted = dict(cursor.fetchall())
    return {one.pk: counted.get(one.pk, 0) for one in segments}


def since(*, segment_id: int, member_id: int, store_ids: Sequence[int] | None) -> datetime | None:
    """When the member came in; None for who is not in it. Raises NotFound for members of other stores."""
    if not members.within(Member.objects.filter(pk=member_id), store_ids).exists():
        raise NotFound
    found = Membership.objects.filter(segment_id=segment_id, member_id=member_id).values_list("since", flat=True)
    return found.first()


def passages(*, segment_id: int, store_ids: Sequence[int] | None, limit: int) -> list[Passage]:
    """Newest first."""
    found = Passage.objects.filter(segment_id=segment_id).select_related("member").order_by("-id")
    if store_ids is not None:
        found = found.filter(member__home_store_id__in=store_ids)
    return list(found[:limit])


def of_member(member_id: int) -> list[Segment]:
    """The segments that somebody is in, by name."""
    inside = Membership.objects.filter(member_id=member_id).values("segment_id")
    return list(Segment.objects.filter(pk__in=inside, archived_at=None).order_by("name", "pk"))


def last_builds(segments: Collection[Segment]) -> dict[int, Build]:
    """The newest build of each segment that has one."""
    newest = Build.objects.filter(segment__in=segments).order_by("segment_id", "-id").distinct("segment_id")
    return {one.segment_id: one for one in newest}


def history(segment: Segment, *, moment: datetime, store_ids: Sequence[int] | None, days: int = HISTORY) -> list[Day]:
    """Size, entries and exits of the last days, today (so far) included.

    Of every store as the builds wrote it down; of some stores counted back from who is in it now.
    """
    last = clock.local_date(moment)
    first = last - timedelta(days=days - 1)
    asked = {"segment": segment.pk, "first": first, "start": clock.day_start(first), **reach(store_ids)}
    if store_ids is None:
        return _of_builds(asked, last)
    now = sizes([segment], store_ids=store_ids)[segment.pk]
    return _of_passages(asked, last, size=now, is_built=segment.built_at is not None)


def _of_builds(asked: dict[str, Any], last: date) -> list[Day]:
    with connection.cursor() as cursor:
        cursor.execute(_BUILDS, asked)
        found = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(_BEFORE, asked)
        size = (cursor.fetchone() or (None,))[0]
    days = []
    for on in _days(asked["first"], last):
        came, went, closing = found.get(on, (0, 0, size))
        size = closing
        days.append(Day(on=on, size=size, came=came, went=went))
    return days


def _of_passages(asked: dict[str, Any], last: date, *, size: int, is_built: bool) -> list[Day]:
    with connection.cursor() as cursor:
        cursor.execute(_PASSAGES, asked)
        found = {row[0]: row[1:] for row in cursor.fetchall()}
    days = []
    for on in reversed(_days(asked["first"], last)):
        came, went = found.get(on, (0, 0))
        days.append(Day(on=on, size=size if is_built else None, came=came, went=went))
        size = max(size - came + went, 0)
    return days[::-1]


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


_ON = "({} at time zone 'Asia/Shanghai')::date"
_BUILDS = f"""
select {_ON.format("as_of")} as "on", sum(entered), sum("left"), (array_agg(size order by id desc))[1]
from segments_build where segment_id = %(segment)s and as_of >= %(start)s and error = '' group by 1
"""
_BEFORE = """
select size from segments_build where segment_id = %(segment)s and as_of < %(start)s and error = '' order by id desc limit 1
"""
_PASSAGES = f"""
select {_ON.format("p.at")} as "on", count(*) filter (where p.is_entry), count(*) filter (where not p.is_entry)
from segments_passage p join members_member m on m.id = p.member_id
where p.segment_id = %(segment)s and p.at >= %(start)s and {WITHIN} group by 1
"""
