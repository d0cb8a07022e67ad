"""Exchanges of the points mall, newest first. A store sees what waits for it, what it handed over, and what its own members may
pick up anywhere.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from apps.analytics.keyset import Page
from apps.analytics.lists import select
from apps.analytics.lists.select import Conditions
from apps.core import clock

_COLUMNS = """
select x.id, x.state, x.points, x.cash_cents, x.at, x.expires_at, x.paid_at, x.settled_at, x.why, x.note, x.paid_ref,
       x.reward_id, r.name as reward, r.name_en as reward_en, r.kind, r.forfeits_points,
       x.member_id, m.member_no, m.nickname, x.store_id, s.name as store,
       h.name as handed_store, c.name as handed_by, b.name as closed_by
from points_exchange x
join points_reward r on r.id = x.reward_id
join members_member m on m.id = x.member_id
left join stores_store s on s.id = x.store_id
left join stores_store h on h.id = x.handed_store_id
left join stores_staff c on c.id = x.handed_by_id
left join stores_staff b on b.id = x.closed_by_id
"""
WITHIN = """(x.store_id = any(%s) or x.handed_store_id = any(%s) or (
    x.store_id is null and x.handed_store_id is null and m.home_store_id = any(%s)))"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Filters as chosen. `stores`: the reach, None is all. `first` and `last`: days on which it was taken."""

    stores: Sequence[int] | None = None
    store_id: int | None = None
    state: str = ""
    reward_id: int | None = None
    member_ids: Sequence[int] | None = None
    first: date | None = None
    last: date | None = None

    @property
    def is_narrowed(self) -> bool:
        asked = (self.store_id, self.state, self.reward_id, self.first, self.last)
        return any(asked) or self.member_ids is not None

    def params(self) -> dict[str, Any]:
        """For a job: everything but the reach, which is asked again when the job runs."""
        days = {name: day.isoformat() if day else None for name, day in (("first", self.first), ("last", self.last))}
        return {name: value for name, value in asdict(self).items() if name != "stores"} | days

    @classmethod
    def of_params(cls, params: dict[str, Any], *, stores: Sequence[int] | None) -> "Wanted":
        days = {name: date.fromisoformat(params[name]) if params[name] else None for name in ("first", "last")}
        return cls(**{**params, **days}, stores=stores)


def find(*, wanted: Wanted, cursor: str = "", size: int = select.keyset.SIZE) -> Page:
    sort = [("x.at", "at", datetime), ("x.id", "id", int)]
    return select.page(_COLUMNS, conditions=_conditions(wanted), sort=sort, cursor=cursor, size=size)


def one(*, exchange_id: int, stores: Sequence[int] | None) -> dict[str, Any] | None:
    """The row of one exchange within the reach; None outside it."""
    conditions = _conditions(Wanted(stores=stores))
    conditions.add("x.id = %s", exchange_id)
    found = select.rows(f"{_COLUMNS} where {conditions.text}", conditions.values)
    return found[0] if found else None


def about(*, wanted: Wanted) -> int:
    conditions = _conditions(wanted)
    return select.about(f"{_COLUMNS} where {conditions.text}", conditions.values)


def counts(*, wanted: Wanted) -> dict[str, int]:
    """How many in each state."""
    conditions = _conditions(wanted)
    joined = "from points_exchange x join members_member m on m.id = x.member_id"
    rows = select.rows(
        f"select x.state, count(*) as n {joined} where {conditions.text} group by x.state", conditions.values
    )
    return {row["state"]: row["n"] for row in rows}


def _conditions(wanted: Wanted) -> Conditions:
    conditions = Conditions()
    for stores in (wanted.stores, None if wanted.store_id is None else [wanted.store_id]):
        if stores is not None:
            conditions.add(WITHIN, *([list(stores)] * 3))
    conditions.only("x.state = %s", wanted.state)
    conditions.only("x.reward_id = %s", wanted.reward_id)
    if wanted.member_ids is not None:
        conditions.add("x.member_id = any(%s)", list(wanted.member_ids))
    if wanted.first:
        conditions.add("x.at >= %s", clock.day_start(wanted.first))
    if wanted.last:
        conditions.add("x.at < %s", clock.day_end(wanted.last))
    return conditions
