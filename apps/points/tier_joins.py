"""Tiers of records that became one, and of those that came apart again. The rules in words: docs/tiers.md."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from apps.core import clock
from apps.events import services as events
from apps.points import tier_sql as sql
from apps.points import tiers
from apps.points.tiers import Figures, Gates


@transaction.atomic
def join(
    *, survivor_id: int, loser_id: int, source: str = "", moment: datetime | None = None, segments: Gates | None = None
) -> Figures:
    """Two records became one: the higher tier counts with its own validity, then the joined value. The loser's row stays; the
    survivor's own tier is kept beneath, under `source`, for `part`. Repeatable. `segments` as in `tiers.reassess`."""
    moment = moment or clock.now()
    course = tiers.current_course(moment=moment)
    if course is None:
        return Figures()
    with connection.cursor() as cursor:
        tiers.prepare(cursor, course)
        cursor.execute(sql.NAME_GIVEN, {"members": [survivor_id]})
        if not cursor.rowcount:
            return Figures()
        cursor.execute(sql.ENSURE, course.values)
        _change(cursor, sql.JOIN, survivor=survivor_id, loser=loser_id, source=source, moment=moment)
    return tiers.reassess(member_ids=[survivor_id], moment=moment, cause="merged", segments=segments)


@transaction.atomic
def part(
    *, survivor_id: int, loser_id: int, source: str, moment: datetime | None = None, segments: Gates | None = None
) -> Figures:
    """The merge was a mistake: a survivor who still stands on what the loser brought stands where they stood before; then each record
    is assessed by what is its own. The loser's row was kept as it was. Repeatable."""
    moment = moment or clock.now()
    course = tiers.current_course(moment=moment)
    if course is None:
        return Figures()
    with connection.cursor() as cursor:
        tiers.prepare(cursor, course)
        _change(cursor, sql.PART, survivor=survivor_id, loser=loser_id, source=source, moment=moment)
    both = [survivor_id, loser_id]
    return tiers.reassess(member_ids=both, moment=moment, cause="merged", segments=segments)


def _change(cursor: CursorWrapper, statement: str, **both: Any) -> None:
    """Let the survivor stand elsewhere by `statement`; a move is kept and told."""
    cursor.execute("select tier_id from points_standing where member_id = %s for no key update", [both["survivor"]])
    row = cursor.fetchone()
    cursor.execute(statement, both)
    if row and cursor.rowcount:
        cursor.execute(sql.MOVES_OF_JOIN, both | {"before": row[0]})
        events.publish_many("member.tier_changed", query=sql.MOVES)
