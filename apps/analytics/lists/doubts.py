"""Pairs of records that may be one person, the likeliest first; both of them within the reader's stores."""

from collections.abc import Sequence
from typing import Any

from apps.analytics.keyset import Page
from apps.analytics.lists import select
from apps.analytics.lists.select import Conditions

SIZE = 20
_SIDE = """{0}.member_no as {0}_no, {0}.nickname as {0}_nickname, {0}.gender as {0}_gender, {0}.birth_year as {0}_year,
       {0}.birth_month as {0}_month, {0}.birth_day as {0}_day, {0}.joined_at as {0}_joined, {0}.status as {0}_status,
       {0}.tags as {0}_tags, h{0}.name as {0}_store, s{0}.orders as {0}_orders, s{0}.net_cents as {0}_net,
       s{0}.last_order_at as {0}_last"""
_COLUMNS = f"""
select d.id, d.cause, d.score, d.reasons, d.at, d.first_id as a_id, d.second_id as b_id, {_SIDE.format("a")}, {_SIDE.format("b")}
from members_doubt d
join members_member a on a.id = d.first_id join members_member b on b.id = d.second_id
left join stores_store ha on ha.id = a.home_store_id left join stores_store hb on hb.id = b.home_store_id
left join segments_memberstats sa on sa.member_id = a.id left join segments_memberstats sb on sb.member_id = b.id
"""


def find(*, stores: Sequence[int] | None, cursor: str = "") -> Page:
    """Rows carry both sides, as `a_…` and `b_…`."""
    sort = [("d.score", "score", int), ("d.id", "id", int)]
    return select.page(_COLUMNS, conditions=_conditions(stores), sort=sort, cursor=cursor, size=SIZE)


def one(*, doubt_id: int, stores: Sequence[int] | None) -> dict[str, Any] | None:
    """An open pair within the reach."""
    conditions = _conditions(stores)
    conditions.add("d.id = %s", doubt_id)
    rows = select.rows(f"{_COLUMNS} where {conditions.text}", conditions.values)
    return rows[0] if rows else None


def count(*, stores: Sequence[int] | None) -> int:
    conditions = _conditions(stores)
    [row] = select.rows(f"select count(*) as n from ({_COLUMNS} where {conditions.text}) pairs", conditions.values)
    return int(row["n"])


def _conditions(stores: Sequence[int] | None) -> Conditions:
    conditions = Conditions()
    conditions.add("d.state = 'open' and a.merged_into_id is null and b.merged_into_id is null")
    if stores is not None:
        conditions.add("a.home_store_id = any(%s) and b.home_store_id = any(%s)", list(stores), list(stores))
    return conditions
