"""Figures of the dashboard: read from daily rollups and two indexed tables, never from a scan.

`store_ids` is the reader's reach: None is every row, also of members without a home store; a list is the sum of these stores.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import QuerySet, Sum

from apps.analytics.models import DailyFigure
from apps.analytics.reach import Stores, summed
from apps.analytics.rollup import ROLLED
from apps.segments.models import Stage


@dataclass(frozen=True)
class Move:
    """How many times members went from one stage to another; `before` "" is the first time they were looked at."""

    before: str
    after: str
    count: int


def as_of() -> datetime | None:
    """When the figures were last rolled up; None before the first time."""
    return DailyFigure.objects.filter(name=ROLLED, store_id=0).order_by("-on").values_list("as_of", flat=True).first()


def totals(*, prefix: str, first: date, last: date, store_ids: Stores = None) -> dict[str, int]:
    """Sum over the days, per rest of the name: `totals(prefix="skip.")` → {"no_consent": 148}. Zeros are absent."""
    rows = _of_stores(store_ids).filter(on__range=(first, last), name__gte=prefix, name__lt=prefix + "\uffff")
    return {
        name.removeprefix(prefix): value
        for name, value in rows.values_list("name").annotate(value=Sum("value")).order_by("name")
        if value
    }


def by_day(*, names: Iterable[str], first: date, last: date, store_ids: Stores = None) -> dict[date, int | None]:
    """The sum of `names` for each day; None for a day that was never rolled up."""
    rows = _of_stores(store_ids).filter(name__in=list(names), on__range=(first, last))
    found = dict(rows.values_list("on").annotate(value=Sum("value")).order_by("on"))
    known = set(
        DailyFigure.objects.filter(name=ROLLED, store_id=0, on__range=(first, last)).values_list("on", flat=True)
    )
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    return {day: found.get(day, 0) if day in known else None for day in days}


def stage_counts(*, on: date, store_ids: Stores = None) -> dict[str, int]:
    """Members by stage at the end of a shop day (today: now)."""
    rows = _of_stores(store_ids).filter(on=on, name__in=[f"stage.{stage}.members" for stage in Stage.values])
    found = {name.split(".")[1]: value for name, value in rows.values_list("name").annotate(value=Sum("value"))}
    return {stage: found.get(stage, 0) for stage in Stage.values}


def moves(*, first: date, last: date, store_ids: Stores = None) -> list[Move]:
    found = totals(prefix="move.", first=first, last=last, store_ids=store_ids)
    parts = [(name.partition("."), count) for name, count in found.items()]
    return [Move(before="" if before == "first" else before, after=after, count=n) for (before, _, after), n in parts]


def entered(*, stage: str, start: datetime, end: datetime, store_ids: Stores = None) -> int:
    """Moves into a stage in [start, end): for part of a day, from the index on stage and time."""
    scope, values = ("true", []) if store_ids is None else ("m.home_store_id = any(%s)", [list(store_ids)])
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from segments_stagechange c"
            + (" join members_member m on m.id = c.member_id" if store_ids is not None else "")
            + f" where c.after = %s and c.at >= %s and c.at < %s and {scope}",
            [stage, start, end, *values],
        )
        return int(cursor.fetchone()[0])


def entries_into(stage: str) -> list[str]:
    """The names of all figures that count moves into a stage."""
    return [f"move.{before}.{stage}" for before in ("first", *Stage.values)]


def _of_stores(store_ids: Stores) -> QuerySet[DailyFigure]:
    return summed(DailyFigure.objects.all(), store_ids)
