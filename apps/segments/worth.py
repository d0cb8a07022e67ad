"""What members are worth, by life stage and by RFM cell: what they spent so far, what is expected of them, who moved from cell to cell.

Money in 分. `store_ids` is the reader's reach (see `Access.store_ids`); None is every store.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection

from apps.segments import seen
from apps.segments.models import Cell, Stage
from apps.segments.selectors import Move


@dataclass(frozen=True)
class Worth:
    """Of active members. `net_cents`: kept orders after refunds. `clv_cents` is expected of the `foreseen` of them alone."""

    key: str
    members: int
    net_cents: int
    foreseen: int
    clv_cents: int

    @property
    def net_each(self) -> int | None:
        return round(self.net_cents / self.members) if self.members else None

    @property
    def clv_each(self) -> int | None:
        return round(self.clv_cents / self.foreseen) if self.foreseen else None


def by_stage(*, store_ids: Sequence[int] | None) -> list[Worth]:
    """Every stage, in the order of a member's life."""
    return _counted("s.stage", Stage.values, store_ids)


def by_cell(*, store_ids: Sequence[int] | None) -> list[Worth]:
    """Every one of the eleven cells; who never bought stands in none."""
    return _counted("s.cell", Cell.values, store_ids)


def cell_moves(*, first: date, last: date, store_ids: Sequence[int] | None) -> list[Move]:
    """The migration matrix: buyers by their RFM cell at the end of either day; `before` empty: none yet on `first`."""
    with connection.cursor() as cursor:
        cursor.execute(_CELL_MOVES, {"first": first, "last": last} | seen.reach(store_ids))
        return [Move(*row) for row in cursor.fetchall()]


def _counted(column: str, keys: Sequence[str], store_ids: Sequence[int] | None) -> list[Worth]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {column}, count(*), sum(s.net_cents)::bigint, count(p.member_id), coalesce(sum(p.clv_cents), 0)::bigint"
            " from segments_memberstats s join members_member m on m.id = s.member_id and m.status = 'active'"
            f" left join segments_prediction p on p.member_id = s.member_id where {seen.WITHIN} group by 1",
            seen.reach(store_ids),
        )
        found = {key: (members, net, foreseen, clv) for key, members, net, foreseen, clv in cursor.fetchall()}
    return [Worth(str(key), *found.get(key, (0, 0, 0, 0))) for key in keys]


# The scores of a day are the newest ones up to it: only changes are kept.
_CELL_MOVES = f"""
with scored as (
    select c.member_id, c.cell, c."on" from segments_scorechange c join members_member m on m.id = c.member_id
    where c."on" <= %(last)s and {seen.WITHIN}
), closing as (
    select distinct on (member_id) member_id, cell from scored order by member_id, "on" desc
), opening as (
    select distinct on (member_id) member_id, cell from scored where "on" <= %(first)s order by member_id, "on" desc
)
select coalesce(o.cell, '') as before, c.cell as after, count(*) from closing c left join opening o using (member_id)
group by 1, 2 order by 1, 2
"""
