"""What pages and higher floors may ask about stats, scores and stages. Days are shop days (Asia/Shanghai)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Count

from apps.core import clock
from apps.segments.models import MemberStats, RefreshRun, Stage, StageChange

PAGE = 50


@dataclass(frozen=True)
class Refreshed:
    as_of: datetime
    is_full: bool
    finished_at: datetime | None


@dataclass(frozen=True)
class Move:
    """How many members went from one stage or cell to another; `before` is empty for a first one."""

    before: str
    after: str
    members: int


@dataclass(frozen=True)
class Standing:
    """One member's stats. Money in 分, gaps in days; without a kept order most is None."""

    member_id: int
    first_order_at: datetime | None
    last_order_at: datetime | None
    last_order_id: int | None
    orders: int
    net_cents: int
    gap_mean_days: float | None
    gap_median_days: float | None
    top_category_id: int | None
    top_store_id: int | None
    top_hour: int | None
    top_channel: str
    r: int | None
    f: int | None
    m: int | None
    cell: str
    stage: str
    stage_since: datetime | None
    next_stage_at: datetime | None
    revived_at: datetime | None
    as_of: datetime


@dataclass(frozen=True)
class StageMove:
    """One line of a member's stage history. `at` is when it became true, `recorded_at` the refresh that saw it."""

    id: int
    before: str
    after: str
    cause: str
    at: datetime
    recorded_at: datetime


def last_refresh() -> Refreshed | None:
    row = RefreshRun.objects.order_by("-id").values("as_of", "is_full", "finished_at").first()
    return Refreshed(**row) if row else None


def stage_counts(*, store_ids: Sequence[int] | None = None) -> dict[str, int]:
    """Members by stage, every stage named; of these home stores, or of all."""
    found = MemberStats.objects.all()
    if store_ids is not None:
        found = found.filter(member__home_store_id__in=store_ids)
    counted: dict[str, int] = dict(found.values_list("stage").annotate(Count("pk")))
    return {stage: counted.get(stage, 0) for stage in Stage.values}


def stage_moves(*, start: datetime, end: datetime) -> list[Move]:
    """Moves that became true in [start, end), corrections left out: they tell of another past, not of news."""
    moves = _moves(start, end).values_list("before", "after").annotate(Count("id")).order_by("before", "after")
    return [Move(*move) for move in moves]


def stage_entries(*, stage: str, first: date, last: date) -> dict[date, int]:
    """Members who entered the stage, per shop day from `first` to `last`; corrections left out. Days without any are absent."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select (at at time zone 'Asia/Shanghai')::date, count(*) from segments_stagechange"
            " where after = %s and at >= %s and at < %s and cause <> 'corrected' group by 1 order by 1",
            [stage, clock.day_start(first), clock.day_end(last)],
        )
        return dict(cursor.fetchall())


def standing(*, member_id: int) -> Standing | None:
    """None for a member whom no refresh has met yet."""
    row = MemberStats.objects.filter(member_id=member_id).values(*Standing.__dataclass_fields__).first()
    return Standing(**row) if row else None


def stage_history(*, member_id: int, limit: int = PAGE) -> list[StageMove]:
    """Newest first, corrections included."""
    rows = StageChange.objects.filter(member_id=member_id).order_by("-id").values(*StageMove.__dataclass_fields__)
    return [StageMove(**row) for row in rows[:limit]]


def members_of(*, stage: str = "", cell: str = "", after_id: int = 0, limit: int = PAGE) -> list[int]:
    """Ids of the members in a stage, a cell or both, ascending; `after_id` is the last one of the page before."""
    wanted: dict[str, Any] = {name: value for name, value in (("stage", stage), ("cell", cell)) if value}
    found = MemberStats.objects.filter(member_id__gt=after_id, **wanted).order_by("member_id")
    return list(found.values_list("member_id", flat=True)[:limit])


def _moves(start: datetime, end: datetime) -> Any:
    return StageChange.objects.filter(at__gte=start, at__lt=end).exclude(cause=StageChange.Cause.CORRECTED)
