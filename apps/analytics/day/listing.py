"""The rows behind one figure of a day: the statement that the roll-up adds up, of a window, some stores, one person where asked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.analytics.day import sources
from apps.analytics.keyset import Page
from apps.analytics.lists import select
from apps.analytics.lists.select import Conditions

MOST_IN_FILE = 50_000
_CHUNK = 1_000
_COLUMNS = """
select r.id, r.at, r.ref_id, r.said, r.{measure} as n, r.member_id, m.member_no, m.nickname, r.store_id, h.name as store,
       g.name as staff
from ({rows}) r left join members_member m on m.id = r.member_id left join stores_store h on h.id = r.store_id
left join stores_staff g on g.id = r.staff_id
"""
_SORT = [("r.at", "at", datetime), ("r.id", "id", int)]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """[start, end) of the figure `name`. `store_ids` None: everything. `channel` None: every one, also where there is none.

    `is_nowhere`: what belongs to no store, alone.
    """

    name: str
    start: datetime
    end: datetime
    store_ids: Sequence[int] | None = None
    staff_id: int | None = None
    channel: str | None = None
    is_nowhere: bool = False


@dataclass(frozen=True)
class Sum:
    rows: int
    value: int


def find(*, wanted: Wanted, cursor: str = "", size: int = 50) -> Page:
    """Newest first."""
    return select.page(_statement(wanted), conditions=_conditions(wanted), sort=_SORT, cursor=cursor, size=size)


def total(*, wanted: Wanted) -> Sum:
    """Of all rows, as they are now."""
    source, figure = sources.LISTED[wanted.name]
    conditions = _conditions(wanted)
    found = select.rows(
        f"select count(*) as rows, coalesce(sum(r.{figure.measure}), 0)::bigint as value"
        f" from ({source.rows}) r where {conditions.text}",
        conditions.values,
    )[0]
    return Sum(found["rows"], found["value"])


def every(*, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """For a file: newest first, at most `MOST_IN_FILE`."""
    cursor, left = "", MOST_IN_FILE
    while left > 0:
        page = find(wanted=wanted, cursor=cursor, size=min(_CHUNK, left))
        yield from page.rows
        cursor, left = page.older, left - len(page.rows)
        if not cursor:
            return


def _statement(wanted: Wanted) -> str:
    source, figure = sources.LISTED[wanted.name]
    return _COLUMNS.format(measure=figure.measure, rows=source.rows)


def _conditions(wanted: Wanted) -> Conditions:
    source, figure = sources.LISTED[wanted.name]
    conditions = Conditions()
    conditions.add("r.at >= %s and r.at < %s", wanted.start, wanted.end)
    conditions.add(f"r.{figure.measure} <> 0")
    if wanted.is_nowhere:
        conditions.add("r.store_id is null")
    elif wanted.store_ids is not None:
        conditions.add("r.store_id = any(%s)", list(wanted.store_ids))
    conditions.only("r.staff_id = %s", wanted.staff_id)
    if wanted.channel is not None:
        conditions.add("r.channel = %s" if source.has_channels else "false and %s::text is null", wanted.channel)
    return conditions
