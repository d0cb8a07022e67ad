"""Who stands on which tier: one set of statements for one member, for some, for all. The rules in words: docs/tiers.md.

An assessment locks the standings it looks at before it reads what counts, so that none decides by what another has overtaken. Values
are points of the ladder's currency, or 分 where it counts spending.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Subquery

from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.events import services as events
from apps.points import tier_sql as sql
from apps.points.errors import TierUnknown
from apps.points.models import Currency, Ladder, Standing, Tier, TierChange
from apps.points.tier_sql import Course, Rung

CHUNK = 20_000  # members whose standings are locked at a time
MANY = 500  # from here on a set is planned as one
Gates = Mapping[str, Collection[int]]


@dataclass(frozen=True)
class Figures:
    looked_at: int = 0
    rose: int = 0
    fell: int = 0

    @property
    def moved(self) -> int:
        return self.rose + self.fell

    def plus(self, other: "Figures") -> "Figures":
        return Figures(self.looked_at + other.looked_at, self.rose + other.rose, self.fell + other.fell)


def reassess(
    *,
    member_ids: Sequence[int] | None,
    moment: datetime | None = None,
    cause: str = "reached",
    segments: Gates | None = None,
    tell: bool = True,
    report: Callable[[int], None] = lambda looked_at: None,
) -> Figures:
    """Let these members, or all, stand where `moment` wants them. Moves are kept and told (`member.tier_changed`); again: a no-op.

    `cause` ("rules", "merged", "brought", "refund") explains moves that time or a new value do not. `segments`: key → members in it,
    as frozen by the caller; nobody enters a tier whose gate is not among them, or leaves one for it. `tell` False: history, no facts.
    All members are taken in chunks that commit on their own; `report` hears how many were looked at. No ladder: nothing happens.
    """
    moment = moment or clock.now()
    course = current_course(moment=moment, known_gates=segments or {})
    if course is None:
        return Figures()
    assess = _Assessment(course, cause=cause, gates=segments or {}, tell=tell)
    if member_ids is not None:
        return assess.chunk(sql.NAME_GIVEN, members=list(member_ids))[0]
    total = Figures()
    for figures in assess.chunks():
        total = total.plus(figures)
        report(total.looked_at)
    return total


def reassess_due(*, moment: datetime | None = None, segments: Gates | None = None) -> Figures:
    """Whom time alone may have moved: ends of validity and grace, waiting tiers, values leaving their period."""
    moment = moment or clock.now()
    course = current_course(moment=moment, known_gates=segments or {})
    if course is None:
        return Figures()
    assess = _Assessment(course, cause="reached", gates=segments or {}, tell=True)
    total = Figures()
    while (figures := assess.chunk(sql.NAME_DUE)[0]).looked_at:
        total = total.plus(figures)
    return total


def reassess_at_gates(*, segments: Gates, moment: datetime | None = None) -> Figures:
    """Whom a segment alone may have moved: a gate has opened before a tier that their value covered when last seen, or, where tiers
    follow the value, shut behind them."""
    moment = moment or clock.now()
    course = current_course(moment=moment, known_gates=segments)
    if course is None or not segments:
        return Figures()
    inside = {key: frozenset(member_ids) for key, member_ids in segments.items()}
    with connection.cursor() as cursor:
        cursor.execute(sql.AT_GATES, course.values | {"keys": list(inside)})
        moved = sorted({one for one, key, is_before in cursor.fetchall() if is_before == (one in inside[key])})
    total = Figures()
    for first in range(0, len(moved), CHUNK):
        total = total.plus(reassess(member_ids=moved[first : first + CHUNK], moment=moment, segments=segments))
    return total


@transaction.atomic
def set_by_hand(
    *, member_id: int, tier_key: str, reason: str, is_locked: bool, moment: datetime | None = None
) -> Standing:  # fmt: skip
    """Put a member on a tier, validity anew; `is_locked` keeps every assessment away until it is taken off. Raises TierUnknown."""
    moment = moment or clock.now()
    audit.sign()
    tier = Tier.objects.filter(key=tier_key).first()
    ladder = Ladder.objects.order_by("pk").first()
    if tier is None or ladder is None:
        raise TierUnknown(key=tier_key)
    base = Tier.objects.get(ladder=ladder, rank=0)
    Standing.objects.get_or_create(member_id=member_id, defaults={"tier": base, "since": moment, "assessed_at": moment})
    standing = Standing.objects.select_for_update(of=("self",)).select_related("tier").get(member_id=member_id)
    before = standing.tier
    standing.tier, standing.is_locked, standing.assessed_at = tier, is_locked, moment
    if before != tier:
        standing.since, standing.needed, standing.beneath = moment, None, []
        standing.basis_from = standing.basis_until = standing.coming = standing.coming_at = standing.grace_until = None
        standing.valid_until = _valid_until(ladder, tier, member_id=member_id, moment=moment)
    standing.next_check_at = None if is_locked else moment
    standing.save()
    facts = {"before": before.key, "after": tier.key, "locked": is_locked, "reason": reason}
    audit.record("member.tier_set", object_type="member", object_id=member_id, after=facts)
    if before != tier:
        _keep_move(
            member_id, before=before, after=tier, cause=TierChange.Cause.BY_HAND, value=standing.value, moment=moment
        )
    return standing


def tier_of(*, member_ids: Sequence[int]) -> dict[int, Tier]:
    """Where these members stand; who was never assessed stands on the lowest rung. Empty without a ladder."""
    tiers = {tier.pk: tier for tier in Tier.objects.all()}
    base = next((tier for tier in tiers.values() if tier.rank == 0), None)
    if base is None:
        return {}
    standing = dict(Standing.objects.filter(member_id__in=member_ids).values_list("member_id", "tier_id"))
    return {member_id: tiers.get(standing.get(member_id, 0), base) for member_id in member_ids}


def current_course(*, moment: datetime, known_gates: Collection[str] = ()) -> Course | None:
    """The ladder as it stands. None: the brand has none."""
    return course_on(rungs, moment=moment, known_gates=known_gates) if (rungs := steps()) else None


def steps() -> list[Tier]:
    """The ladder's tiers, lowest first, each with its `ladder`, in one statement."""
    ladder = Ladder.objects.order_by("pk").values("pk")[:1]
    return list(Tier.objects.filter(ladder=Subquery(ladder)).select_related("ladder").order_by("rank"))


def course_on(rungs: Sequence[Tier], *, moment: datetime, known_gates: Collection[str] = ()) -> Course:
    """What `steps` has read, as a course."""
    known = [
        Rung(rank=tier.rank, threshold=tier.threshold, id=tier.pk, gate=tier.segment_key, is_for_life=tier.is_for_life)
        for tier in rungs
    ]
    return course_of(rungs[0].ladder, known, moment=moment, known_gates=known_gates)


def course_of(
    ladder: Ladder, rungs: Sequence[Rung], *, moment: datetime, known_gates: Collection[str] = ()
) -> Course:  # fmt: skip
    """`ladder` may be a draft that is not saved."""
    is_balance = ladder.basis == Ladder.Basis.BALANCE
    window = json.dumps({"kind": "life"} if is_balance else ladder.window)
    currency = ladder.currency_id or Currency.objects.values_list("pk", flat=True).get(key="growth")
    with connection.cursor() as cursor:
        cursor.execute(
            "select points_window_start(%s::jsonb, %s), points_valid_until(%s::jsonb, %s, null)",
            [window, moment, json.dumps(ladder.validity), moment],
        )
        start, until = cursor.fetchone()
    values = {
        "moment": moment,
        "start": start,
        "until": until,  # None: nobody has an end, or everybody their own
        "window": window,
        "validity": json.dumps(ladder.validity),
        "currency": currency,
        "never": ladder.downgrade == Ladder.Downgrade.NEVER,
        "one_down": ladder.downgrade == Ladder.Downgrade.ONE_DOWN,
        "follows": ladder.validity.get("kind") == "none",
        "postpones": ladder.starts_next_period,
        "grace": timedelta(days=ladder.grace_days),
        "counts_balance": is_balance,
        "counts_points": ladder.basis != Ladder.Basis.SPEND,
        "known_gates": list(known_gates),
        "chunk": CHUNK,
    }
    return Course(basis=ladder.basis, rungs=tuple(rungs), values=values)


def foresee(
    course: Course, *, segments: Gates | None = None, chunk: int = CHUNK
) -> Iterator[tuple[int, int, int]]:  # fmt: skip
    """Where all members would stand by a course: (rank before, rank after, members), chunk by chunk; nothing is written."""
    after, gates = 0, _quick(segments or {})
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            prepare(cursor, course)
            cursor.execute(sql.NAME_NEXT, course.values | {"after": after, "chunk": chunk})
            if not cursor.rowcount:
                return
            _open_gates(cursor, gates)
            _decide(cursor, course, many=True, everybody=True)
            after = last_named(cursor)
            cursor.execute("select before, rank, count(*) from points_fresh group by 1, 2")
            rows = cursor.fetchall()
        yield from rows


class _Assessment:
    """What stays the same for all chunks of one call."""

    def __init__(self, course: Course, *, cause: str, gates: Gates, tell: bool) -> None:
        self.course, self.gates, self.tell = course, _quick(gates), tell
        self.values = course.values | {"cause": cause}

    def chunks(self) -> Iterator[Figures]:
        after = 0
        while True:
            figures, after = self.chunk(sql.NAME_NEXT, after=after)
            if not figures.looked_at:
                return
            yield figures

    def chunk(self, name: str, **more: Any) -> tuple[Figures, int]:
        """What was done, and the last member looked at. Where another was quicker to write somebody's first standing, all is asked
        once more: that one's row is there by now, and is locked before anything is read."""
        while True:
            with suppress(_Overtaken), transaction.atomic(), connection.cursor() as cursor:
                return self._run(cursor, name, **more), last_named(cursor)

    def _run(self, cursor: CursorWrapper, name: str, **more: Any) -> Figures:
        course, values = self.course, self.values
        prepare(cursor, course)
        cursor.execute(name, values | more)
        if not cursor.rowcount:
            return Figures()
        many = cursor.rowcount >= MANY
        _open_gates(cursor, self.gates)
        if course.basis != Ladder.Basis.SPEND:
            cursor.execute(sql.SETTLE, values)
        cursor.execute(sql.LOCK)
        _decide(cursor, course, many=many)
        cursor.execute(sql.COUNTS)
        *figures, new = cursor.fetchone()
        cursor.execute(sql.WRITE, values)
        cursor.execute(sql.WRITE_NEW, values)
        if cursor.rowcount < new:
            raise _Overtaken
        cursor.execute(sql.KEEP_MOVES, values)
        if cursor.rowcount and self.tell:
            events.publish_many("member.tier_changed", query=sql.MOVES)
        return Figures(*figures)


class _Overtaken(Exception):
    """Somebody else wrote the first standing of one of these members meanwhile."""


def prepare(cursor: CursorWrapper, course: Course) -> None:
    cursor.execute("set local client_min_messages = warning")  # the temporary tables exist already, mostly
    cursor.execute(sql.TABLES)
    cursor.executemany(
        "insert into points_rung values (%s, %s, %s, %s, %s)",
        [(rung.rank, rung.id, rung.threshold, rung.gate, rung.is_for_life) for rung in course.rungs],
    )


def _quick(gates: Gates) -> Gates:
    return {key: frozenset(member_ids) for key, member_ids in gates.items() if member_ids}


def _open_gates(cursor: CursorWrapper, gates: Gates) -> None:
    """Of each segment, those whom this chunk looks at."""
    if gates:
        cursor.execute("select member_id from points_named")
        named = [member_id for (member_id,) in cursor.fetchall()]
        for key, inside in gates.items():
            passing = [member_id for member_id in named if member_id in inside]
            cursor.execute("insert into points_gate select %s, unnest(%s::bigint[])", [key, passing])


def _decide(cursor: CursorWrapper, course: Course, *, many: bool, everybody: bool = False) -> None:
    """Fill `points_fresh`; nothing else is written."""
    if many:
        cursor.execute("set local work_mem = '64MB'; set local random_page_cost = 1.1; set local jit = off")
    cursor.execute(sql.fresh(course, everybody=everybody), course.values)


def last_named(cursor: CursorWrapper) -> int:
    cursor.execute("select coalesce(max(member_id), 0) from points_named")
    return int(cursor.fetchone()[0])


def _valid_until(ladder: Ladder, tier: Tier, *, member_id: int, moment: datetime) -> datetime | None:
    if tier.rank == 0 or tier.is_for_life or ladder.downgrade == Ladder.Downgrade.NEVER:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "select points_valid_until(%s::jsonb, %s, joined_at) from members_member where id = %s",
            [json.dumps(ladder.validity), moment, member_id],
        )
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    end: datetime | None = row[0]
    return end


def _keep_move(member_id: int, *, before: Tier, after: Tier, cause: str, value: int, moment: datetime) -> None:
    change = TierChange.objects.create(
        member_id=member_id, before=before, after=after, cause=cause, value=value, at=moment
    )
    events.publish(
        "member.tier_changed", key=str(change.pk), lane=f"member:{member_id}", member_id=member_id, before=before.key,
        after=after.key, is_rise=after.rank > before.rank, cause=str(cause), change_id=change.pk,
    )  # fmt: skip
