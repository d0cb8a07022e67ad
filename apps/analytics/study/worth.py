"""What members are worth, by life stage and by RFM cell: what they spent so far, and what is expected of them. Counted each night.

Money in 分. `store_ids` is the reader's reach, by home store; None is everything. Who never bought stands in no cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum

from apps.analytics.models import Spread, StudyMark
from apps.analytics.reach import Stores, within
from apps.core import clock
from apps.segments.models import Cell, Stage

NAME = "worth"
LOCK = 7_490_321
NAMES = ("stage", "clv_stage", "cell", "clv_cell")  # of `Spread`; `x` is the place among the stages or cells
_COUNT = """
insert into analytics_spread (name, "on", store_id, x, y, count, cents)
select v.name, %(on)s, coalesce(m.home_store_id, 0), v.x - 1, 0, sum(v.n), sum(v.cents)
from segments_memberstats s join members_member m on m.id = s.member_id and m.status = 'active'
left join segments_prediction p on p.member_id = s.member_id
cross join lateral (
    select array_position(%(stages)s::text[], s.stage::text), array_position(%(cells)s::text[], s.cell::text),
           (p.member_id is not null)::int
) k (stage, cell, is_foreseen)
cross join lateral (values
    ('stage', k.stage, 1, s.net_cents), ('clv_stage', k.stage, k.is_foreseen, coalesce(p.clv_cents, 0)),
    ('cell', k.cell, 1, s.net_cents), ('clv_cell', k.cell, k.is_foreseen, coalesce(p.clv_cents, 0))
) v (name, x, n, cents)
where v.x is not null group by v.name, 3, v.x
"""


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


@transaction.atomic
def refresh(*, moment: datetime) -> int:
    """Everything anew. Returns rows written."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute("delete from analytics_spread where name = any(%s)", [list(NAMES)])
        values: dict[str, Any] = {
            "on": clock.local_date(moment),
            "stages": list(Stage.values),
            "cells": list(Cell.values),
        }
        cursor.execute(_COUNT, values)
        written = int(cursor.rowcount)
    StudyMark.objects.update_or_create(pk=NAME, defaults={"as_of": moment})
    return written


def by_stage(*, store_ids: Stores) -> list[Worth]:
    """Every stage, in the order of a member's life."""
    return _counted("stage", Stage.values, store_ids)


def by_cell(*, store_ids: Stores) -> list[Worth]:
    return _counted("cell", Cell.values, store_ids)


def _counted(name: str, keys: Sequence[str], store_ids: Stores) -> list[Worth]:
    rows = within(Spread.objects.filter(name__in=[name, f"clv_{name}"]), store_ids)
    sums = rows.values_list("name", "x").annotate(n=Sum("count"), c=Sum("cents"))
    found = {(of, x): (count, cents) for of, x, count, cents in sums}
    return [
        Worth(key, *found.get((name, place), (0, 0)), *found.get((f"clv_{name}", place), (0, 0)))
        for place, key in enumerate(keys)
    ]
