"""How many fit a rule, who for instance, and why one member does or does not. Nothing is written.

`store_ids`: only members of these home stores are counted and shown (see `seen`); None is all.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.members import consents, minors
from apps.segments import language, seen

_SETTINGS = "set local jit = off; set local random_page_cost = 1.1; set local statement_timeout = '20s'"


@dataclass(frozen=True)
class Counted:
    """`by_leaf`: how many fit each condition alone, by its pointer. `seconds`: what the count took."""

    members: int
    by_leaf: dict[str, int]
    as_of: datetime
    seconds: float


@dataclass(frozen=True)
class Example:
    member_id: int
    member_no: str
    nickname: str
    last_order_at: datetime | None
    net_cents: int


@dataclass(frozen=True)
class Why:
    """`is_in`: the segment holds the member. `bars`: what keeps every rule of this kind from them. `leaves`: which conditions fit."""

    is_in: bool
    bars: tuple[str, ...]
    leaves: dict[str, bool]


def about(rule: Any, *, moment: datetime, store_ids: Sequence[int] | None = None) -> int:
    """The planner's guess, in a millisecond; often off by a factor of two. Raises BadRule."""
    read = language.compiled(rule, moment=moment)
    with connection.cursor() as cursor:
        cursor.execute(
            f"explain (format json) {read.members(more=f'and {seen.WITHIN}')}", read.params | seen.reach(store_ids)
        )
        plan = cursor.fetchone()[0]
    found = json.loads(plan) if isinstance(plan, str) else plan
    return int(found[0]["Plan"]["Plan Rows"])


@transaction.atomic
def count(rule: Any, *, moment: datetime, store_ids: Sequence[int] | None = None) -> Counted:
    """Exact, as a build at this moment would be. Raises BadRule, and OperationalError after 20 seconds."""
    begun = time.perf_counter()
    read = language.compiled(rule, moment=moment)
    counts = [f"count(*) filter (where {leaf.sql})" for leaf in read.leaves]
    columns = ", ".join([f"count(*) filter (where {read.condition})", *counts])
    with connection.cursor() as cursor:
        cursor.execute(_SETTINGS)
        cursor.execute(
            f"select {columns} from members_member m {read.joins} where {read.base} and {seen.WITHIN}",
            read.params | seen.reach(store_ids),
        )
        whole, *each = cursor.fetchone()
    by_leaf = {leaf.pointer: number for leaf, number in zip(read.leaves, each, strict=True)}
    return Counted(members=whole, by_leaf=by_leaf, as_of=moment, seconds=time.perf_counter() - begun)


@transaction.atomic
def examples(
    rule: Any, *, moment: datetime, limit: int = 20, draw: int = 0, store_ids: Sequence[int] | None = None
) -> list[Example]:
    """So many members who fit, by chance: another `draw` gives others. Raises BadRule."""
    read = language.compiled(rule, moment=moment)
    columns = "m.id, m.member_no, m.nickname, x.last_order_at, coalesce(x.net_cents, 0)"
    chosen = read.members("m.id", f"and {seen.WITHIN} order by hashint8(m.id + %(draw)s::bigint), m.id limit %(limit)s")
    with connection.cursor() as cursor:
        cursor.execute(_SETTINGS)
        cursor.execute(
            f"select {columns} from ({chosen}) c join members_member m using (id)"
            " left join segments_memberstats x on x.member_id = m.id",
            read.params | {"draw": draw, "limit": limit, **seen.reach(store_ids)},
        )
        return [Example(*row) for row in cursor.fetchall()]


def why(rule: Any, *, member_id: int, moment: datetime) -> Why | None:
    """None for a member that does not exist. Raises BadRule."""
    read = language.compiled(rule, moment=moment, only="select %(member)s::bigint")
    bars = {"not_active": "m.status <> 'active'"}
    if read.is_profiling:
        bars |= {"objects": consents.OBJECTED, "under_14": minors.UNGUARDED}
    columns = _flags([read.condition, *bars.values(), *(leaf.sql for leaf in read.leaves)])
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {columns} from members_member m {read.joins} where m.id = %(member)s",
            read.params | {"member": member_id},
        )
        row = cursor.fetchone()
    if row is None:
        return None
    stands = [name for name, is_true in zip(bars, row[1:], strict=False) if is_true]
    fits = {leaf.pointer: bool(one) for leaf, one in zip(read.leaves, row[1 + len(bars) :], strict=True)}
    return Why(is_in=bool(row[0]) and not stands, bars=tuple(stands), leaves=fits)


def _flags(conditions: Sequence[str]) -> str:
    return ", ".join(f"coalesce({condition}, false)" for condition in conditions)
