"""The member list: newest members first, narrowed by what the page asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.analytics.keyset import Page
from apps.analytics.lists import select
from apps.analytics.lists.select import Conditions
from apps.core import clock

_COLUMNS = """
select m.id, m.member_no, m.nickname, m.status, m.tags, m.joined_at, m.home_store_id, h.name as store,
       s.stage, s.stage_since, s.cell, s.orders, s.net_cents, s.last_order_at
from members_member m
left join segments_memberstats s on s.member_id = m.id
left join stores_store h on h.id = m.home_store_id
"""
TOP_TAGS = 40


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Filters as chosen; empty ones ask for nothing. `stores` is the reader's reach, None for all."""

    stores: Sequence[int] | None = None
    stage: str = ""
    cell: str = ""
    store_id: int | None = None
    tag: str = ""
    joined_first: date | None = None
    joined_last: date | None = None

    @property
    def is_narrowed(self) -> bool:
        return any((self.stage, self.cell, self.store_id, self.tag, self.joined_first, self.joined_last))


def find(*, wanted: Wanted, cursor: str = "") -> Page:
    """A stage reads the index on stage and member; the rest walks the members from the newest."""
    by_stage = bool(wanted.stage)
    return select.page(
        _COLUMNS,
        conditions=_conditions(wanted),
        sort=[("s.member_id" if by_stage else "m.id", "id", int)],
        cursor=cursor,
    )


def of_ids(*, member_ids: Sequence[int], stores: Sequence[int] | None) -> list[dict[str, Any]]:
    """The same rows for known members within the reach, in the given order (search results)."""
    conditions = _conditions(Wanted(stores=stores))
    conditions.add("m.id = any(%s)", list(member_ids))
    found = {row["id"]: row for row in select.rows(f"{_COLUMNS} where {conditions.text}", conditions.values)}
    return [found[key] for key in member_ids if key in found]


def about(*, wanted: Wanted) -> int:
    conditions = _conditions(wanted)
    return select.about(f"{_COLUMNS} where {conditions.text}", conditions.values)


def tags() -> list[str]:
    """The most frequent tags by the table's statistics: no scan, and as old as the last ANALYZE."""
    found = select.rows(
        """select tag from pg_stats, unnest(most_common_elems::text::text[], most_common_elem_freqs) as t (tag, share)
           where schemaname = 'public' and tablename = 'members_member' and attname = 'tags'
             and tag is not null order by share desc, tag limit %s""",
        [TOP_TAGS],
    )
    return [row["tag"] for row in found]


def _conditions(wanted: Wanted) -> Conditions:
    conditions = Conditions()
    conditions.add("m.merged_into_id is null")
    if wanted.stores is not None:
        conditions.add("m.home_store_id = any(%s)", list(wanted.stores))
    conditions.only("s.stage = %s", wanted.stage)
    conditions.only("s.cell = %s", wanted.cell)
    conditions.only("m.home_store_id = %s", wanted.store_id)
    if wanted.tag:
        conditions.add("m.tags @> array[%s]::varchar[]", wanted.tag)
    if wanted.joined_first:
        conditions.add("m.joined_at >= %s", clock.day_start(wanted.joined_first))
    if wanted.joined_last:
        conditions.add("m.joined_at < %s", clock.day_end(wanted.joined_last))
    return conditions
