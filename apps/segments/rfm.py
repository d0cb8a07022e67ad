"""RFM: scores 1–5 by the cut points of the shop day's snapshot, and the eleven named cells."""

from datetime import datetime
from typing import Any

from apps.core import clock
from apps.segments.models import Cell, Snapshot

CHANGED_SHARE = 0.05  # of the buyers: more changes since the snapshot, and it is taken anew

# Rows: R 1 to 5. Columns: (F + M) / 2 rounded half up, 1 to 5. Every pair has exactly one cell.
CELLS = (
    (Cell.LOST, Cell.LOST, Cell.AT_RISK, Cell.AT_RISK, Cell.CANNOT_LOSE),
    (Cell.HIBERNATING, Cell.HIBERNATING, Cell.AT_RISK, Cell.AT_RISK, Cell.CANNOT_LOSE),
    (Cell.ABOUT_TO_SLEEP, Cell.ABOUT_TO_SLEEP, Cell.ATTENTION, Cell.LOYAL, Cell.LOYAL),
    (Cell.PROMISING, Cell.POTENTIAL, Cell.POTENTIAL, Cell.LOYAL, Cell.LOYAL),
    (Cell.NEW, Cell.POTENTIAL, Cell.POTENTIAL, Cell.CHAMPIONS, Cell.CHAMPIONS),
)


def cell(*, r: int, f: int, m: int) -> Cell:
    return CELLS[r - 1][(f + m + 1) // 2 - 1]


def score(value: str, cuts: str) -> str:
    """SQL: 1 plus the number of cuts the value lies above; null for a null value or before any cuts."""
    above = " + ".join(f"({value} > ({cuts})[{n}])::int" for n in range(1, 5))
    return f"(1 + {above})::smallint"


def scored(rows: str) -> str:
    """SQL: the rows of a table of stats with `r`, `f`, `m` and `cell` by the given cuts; buyers only have scores."""
    return f"""
    select s.*, v.r, v.f, v.m, coalesce((%(cells)s::text[])[v.r][(v.f + v.m + 1) / 2], '') as cell
    from (select * from {rows}) s
    cross join lateral (
        select case when s.orders > 0 then {score("s.last_order_at", "%(r_cuts)s::timestamptz[]")} end as r,
               case when s.orders > 0 then {score("s.orders", "%(f_cuts)s::bigint[]")} end as f,
               case when s.orders > 0 then {score("s.net_cents", "%(m_cuts)s::bigint[]")} end as m
    ) v
    """


# Cut points are values that occur (percentile_disc), over the buyers as this refresh leaves them.
TAKE = """
insert into segments_snapshot ("on", taken_at, buyers, changed, r_cuts, f_cuts, m_cuts)
select %(on)s, %(moment)s, count(*), 0,
       coalesce(to_jsonb(percentile_disc(array[.2, .4, .6, .8]) within group (order by last_order_at)), '[]'),
       coalesce(to_jsonb(percentile_disc(array[.2, .4, .6, .8]) within group (order by orders)), '[]'),
       coalesce(to_jsonb(percentile_disc(array[.2, .4, .6, .8]) within group (order by net_cents)), '[]')
from (
    select last_order_at, orders, net_cents from segments_fresh where orders > 0
    union all
    select s.last_order_at, s.orders, s.net_cents from segments_memberstats s
    where s.orders > 0 and not exists (select from segments_fresh f where f.member_id = s.member_id)
) buyers
on conflict ("on") do update set taken_at = excluded.taken_at, buyers = excluded.buyers, changed = 0,
    r_cuts = excluded.r_cuts, f_cuts = excluded.f_cuts, m_cuts = excluded.m_cuts
"""

COUNT_CHANGED = """
select count(*) from segments_fresh f left join segments_memberstats s on s.member_id = f.member_id
where (f.last_order_at, f.orders, f.net_cents) is distinct from (s.last_order_at, coalesce(s.orders, 0), coalesce(s.net_cents, 0))
"""

_KEEP_SCORES = """
insert into segments_scorechange (member_id, "on", r, f, m, cell)
select member_id, %(on)s, r, f, m, cell from {moved}
on conflict (member_id, "on") do update set r = excluded.r, f = excluded.f, m = excluded.m, cell = excluded.cell
"""

# The scores this refresh gives to the members it looked at, where they differ from the stored ones.
KEEP_SCORES = _KEEP_SCORES.format(
    moved=f"""(
    select f.* from ({scored("segments_fresh")}) f left join segments_memberstats s on s.member_id = f.member_id
    where (f.r, f.f, f.m, f.cell) is distinct from (s.r, s.f, s.m, coalesce(s.cell, ''))
) moved"""
)

# New cut points move members whom nothing else has moved.
RESCORE_OTHERS = f"""
with moved as (
    update segments_memberstats s set r = v.r, f = v.f, m = v.m, cell = v.cell, as_of = %(moment)s
    from ({scored("(select member_id, orders, last_order_at, net_cents from segments_memberstats) b")}) v
    where v.member_id = s.member_id and s.orders > 0
      and (v.r, v.f, v.m, v.cell) is distinct from (s.r, s.f, s.m, s.cell)
      and not exists (select from segments_fresh f where f.member_id = s.member_id)
    returning s.member_id, s.r, s.f, s.m, s.cell
)
{_KEEP_SCORES.format(moved="moved")}
"""


def parameters(snapshot: Snapshot) -> dict[str, Any]:
    """Named values for the statements above."""
    cells = [[str(cell) for cell in row] for row in CELLS]
    return {"r_cuts": snapshot.r_cuts, "f_cuts": snapshot.f_cuts, "m_cuts": snapshot.m_cuts, "cells": cells}


def snapshot_for(*, moment: datetime, changed: int, may_take: bool) -> tuple[Snapshot, bool]:
    """The snapshot to score by, and whether the day's own has to be taken first.

    With `may_take` false (a single member at the till) the newest one serves, unless there is none at all.
    """
    on = clock.local_date(moment)
    newest = Snapshot.objects.filter(on__lte=on).order_by("-on").first()
    if newest is None:
        return Snapshot(on=on), True
    stale = newest.on != on or newest.changed + changed > CHANGED_SHARE * newest.buyers
    return newest, may_take and stale
