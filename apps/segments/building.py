"""Who is in each segment: worked out whole when its rule is new or time has moved it, else of those alone about whom something changed.

Every build answers one statement a segment: who comes in, who goes out, and the passages that tell of it. One builder works at a time.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction

from apps.core import clock
from apps.events import services as events
from apps.segments import defining, language
from apps.segments.models import Build, Segment, StirMark
from apps.segments.traits import defining as traits_of
from apps.segments.traits import working as traits

LOCK = 7_490_037  # advisory lock of the one builder
EVERY = {"hours": timedelta(hours=1)}  # how old a whole build of a segment that moves at any moment may become
_STIRRED = "select member_id from segments_stirred"
# Orders come sorted from their covering index, which the planner thinks dear at the default page cost.
_SETTINGS = "set local work_mem = '128MB'; set local jit = off; set local random_page_cost = 1.1"


@dataclass
class Figures:
    """What one run did. `stirred`: members looked at because something about them changed. `failed`: keys of segments."""

    whole: int = 0
    partly: int = 0
    stirred: int = 0
    entered: int = 0
    left: int = 0
    failed: list[str] = field(default_factory=list)

    def count(self, *, is_full: bool, came: int, went: int) -> None:
        self.whole, self.partly = self.whole + is_full, self.partly + (not is_full)
        self.entered, self.left = self.entered + came, self.left + went

    def counts(self) -> dict[str, Any]:
        return dict(self.__dict__)


def build(moment: datetime, *, full: bool = False) -> Figures:
    """Bring every segment up to `moment`. `full`: all of them from the beginning. A second builder waits for the first."""
    figures = Figures()
    with _alone():
        segments = defining.in_order(Segment.objects.filter(kind=Segment.Kind.RULE, archived_at=None))
        counted, renewed = _traits(moment, full=full, figures=figures), set[int]()
        known = language.Known()
        for segment in segments:
            is_due = full or _is_due(segment, moment) or bool(renewed & set(segment.asks))
            is_due = is_due or bool(counted and counted & traits_of.asked_by(segment.rule))
            if is_due and _whole(segment, moment=moment, known=known, figures=figures):
                renewed.add(segment.pk)
        _changed(segments, moment=moment, known=known, figures=figures)
    return figures


def _traits(moment: datetime, *, full: bool, figures: Figures) -> set[str]:
    """Traits that are new or that time has moved, for everybody; keys of those of which a value changed."""
    changed: set[str] = set()
    for trait in traits.live():
        if full or traits.is_due(trait, moment):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_SETTINGS)
                found, failed = traits.refresh([trait], moment=moment)
            changed |= found
            figures.failed += failed
    return changed


def _is_due(segment: Segment, moment: datetime) -> bool:
    if segment.is_due or segment.full_at is None:
        return True
    if segment.moves == Segment.Moves.DAYS:
        return clock.local_date(segment.full_at) < clock.local_date(moment)
    return segment.moves == Segment.Moves.HOURS and moment - segment.full_at >= EVERY["hours"]


def _whole(segment: Segment, *, moment: datetime, known: language.Known, figures: Figures) -> bool:
    """In a transaction of its own, so that a slow segment holds none of the others."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SETTINGS)
        return _built(segment, moment=moment, known=known, only="", figures=figures)


def _changed(segments: Iterable[Segment], *, moment: datetime, known: language.Known, figures: Figures) -> None:
    """All notes are taken in the transaction that answers them: a crash leaves them."""
    with transaction.atomic(), connection.cursor() as cursor:
        figures.stirred = _take_stirred()
        if figures.stirred:
            cursor.execute(f"analyze segments_stirred; {_SETTINGS}")
            figures.failed += traits.refresh(traits.live(), moment=moment, only=_STIRRED)[1]
            for segment in segments:
                _built(segment, moment=moment, known=known, only=_STIRRED, figures=figures)


def _built(segment: Segment, *, moment: datetime, known: language.Known, only: str, figures: Figures) -> bool:
    """One segment, of everybody or of `only`; whether anybody moved. What goes wrong is written down, and the segment is built whole
    the next time."""
    begun = time.perf_counter()
    try:
        with transaction.atomic():
            rule = language.compiled(segment.rule, moment=moment, only=only, known=known)
            came, went, build_id = _moved(segment, rule, moment=moment, only=only)
            segment.size += came - went
            segment.is_due, segment.built_at = False, moment
            segment.full_at = segment.full_at if only else moment
            segment.save(update_fields=["size", "is_due", "built_at", "full_at"])
            if came or went:
                events.publish("segment.changed", key=str(build_id), segment=segment.key, entered=came, left=went)
    except (DatabaseError, language.BadRule) as wrong:
        _failed(segment, wrong, moment=moment, is_full=not only, seconds=time.perf_counter() - begun)
        figures.failed.append(segment.key)
        return False
    if build_id is not None:
        Build.objects.filter(pk=build_id).update(seconds=time.perf_counter() - begun)
    figures.count(is_full=not only, came=came, went=went)
    return bool(came or went)


def _moved(segment: Segment, rule: language.Compiled, *, moment: datetime, only: str) -> tuple[int, int, int | None]:
    """Come, gone, and the build's id; none is kept of a build of some members that moved nobody."""
    answer = rule.members(more=f"and m.id in ({only})" if only else "")
    among = f"and b.member_id in ({only})" if only else ""
    values = rule.params | {"segment": segment.pk, "moment": moment, "is_full": not only, "size": segment.size}
    with connection.cursor() as cursor:
        cursor.execute(_MOVE.format(answer=answer, among=among), values)
        came, went, build_id = cursor.fetchone()
    return came, went, build_id


def _failed(segment: Segment, wrong: Exception, *, moment: datetime, is_full: bool, seconds: float) -> None:
    words = wrong.code if isinstance(wrong, language.BadRule) else type(wrong.__cause__ or wrong).__name__
    Build.objects.create(
        segment=segment, is_full=is_full, as_of=moment, size=segment.size, seconds=seconds, error=words[:200]
    )
    Segment.objects.filter(pk=segment.pk).update(is_due=True)


@contextmanager
def _alone() -> Iterator[None]:
    """One builder at a time, over all its transactions; the lock goes with the connection."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [LOCK])
        try:
            yield
        finally:
            cursor.execute("select pg_advisory_unlock(%s)", [LOCK])


_MOVE = """
with answer as materialized ({answer}),
gone as (
    delete from segments_membership b where b.segment_id = %(segment)s {among}
        and not exists (select from answer a where a.id = b.member_id)
    returning b.member_id
), come as (
    insert into segments_membership (segment_id, member_id, since)
    select %(segment)s, a.id, %(moment)s from answer a
    where not exists (select from segments_membership b where b.segment_id = %(segment)s {among} and b.member_id = a.id)
    order by a.id on conflict do nothing returning member_id
), figures as (
    select (select count(*) from answer) as found, (select count(*) from come) as came, (select count(*) from gone) as went
), made as (
    insert into segments_build (segment_id, is_full, as_of, looked_at, entered, "left", size, seconds, error)
    select %(segment)s, %(is_full)s, %(moment)s, found, came, went, %(size)s + came - went, 0, '' from figures
    where %(is_full)s or came > 0 or went > 0 returning id
), told as (
    insert into segments_passage (segment_id, member_id, build_id, is_entry, at)
    select %(segment)s, p.member_id, made.id, p.is_entry, %(moment)s
    from made, (select member_id, true as is_entry from come union all select member_id, false from gone) p
)
select came, went, (select id from made) from figures
"""

# Notes of triggers are taken by deleting them. Ledgers that are only ever added to are read from where the run before the last one
# stood: a line whose transaction ended late has come by then, and a member looked at twice costs a little and changes nothing.
_SOURCES = {
    "points_entry": "select a.member_id from points_entry x join points_account a on a.id = x.account_id where x.id > {before}",
    "coupons_coupon": "select x.member_id from coupons_coupon x where x.id > {before} and x.member_id is not null",
    "coupons_entry": "select c.member_id from coupons_entry x join coupons_coupon c on c.id = x.coupon_id"
    " where x.id > {before} and c.member_id is not null",
    "tickets_entry": "select t.member_id from tickets_entry x join tickets_ticket t on t.id = x.ticket_id where x.id > {before}",
    "tickets_vote": "select t.member_id from tickets_vote x join tickets_ticket t on t.id = x.ticket_id where x.id > {before}",
}


def _take_stirred() -> int:
    """Fill `segments_stirred`, a temporary table emptied at commit. Returns how many members are in it."""
    marks = {mark.name: mark for mark in StirMark.objects.all()}
    with connection.cursor() as cursor:
        cursor.execute(_TABLE)
        for name, source in _SOURCES.items():
            mark = marks.get(name) or StirMark(name=name)
            cursor.execute(_NOTE + source.format(before=mark.before) + " on conflict do nothing")
            cursor.execute(f"select coalesce(max(id), 0) from {name}")
            mark.before, mark.last = mark.last, cursor.fetchone()[0]
            mark.save()
        cursor.execute(_TAKE)
        cursor.execute("select count(*) from segments_stirred")
        return int(cursor.fetchone()[0])


_TABLE = """
create temp table if not exists segments_stirred (member_id bigint primary key) on commit delete rows;
delete from segments_stirred
"""
_NOTE = "insert into segments_stirred "
_TAKE = """
with taken as (delete from segments_stir returning member_id)
insert into segments_stirred select distinct member_id from taken on conflict do nothing
"""
