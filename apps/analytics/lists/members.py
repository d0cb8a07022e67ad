"""The member list: newest members first, narrowed by what the page asks."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from psycopg.types.json import Jsonb

from apps.analytics import quality
from apps.analytics.keyset import Page
from apps.analytics.lists import select
from apps.analytics.lists.select import Conditions
from apps.core import clock

_FROM = """
from members_member m
left join segments_memberstats s on s.member_id = m.id
left join stores_store h on h.id = m.home_store_id
"""
_COLUMNS = f"""
select m.id, m.member_no, m.nickname, m.status, m.tags, m.joined_at, m.home_store_id, h.name as store,
       s.stage, s.stage_since, s.cell, s.orders, s.net_cents, s.last_order_at
{_FROM}"""

_IN_SEGMENT = """m.id in (
    select b.member_id from segments_membership b join segments_segment g on g.id = b.segment_id where g.key = %s)"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Filters as chosen; empty ones ask for nothing. `stores` is the reader's reach, None for all."""

    stores: Sequence[int] | None = None
    stage: str = ""
    cell: str = ""
    store_id: int | None = None
    tag: str = ""
    status: str = ""
    source: str = ""  # where they registered: "code:7hKq2mA", or the door alone: "code"
    fields: tuple[str, ...] = ()  # keys and values of fields of the brand's own: "size=L"
    segment: str = ""  # key of a segment that they are in
    check: str = ""  # a key of `quality.CHECKS`
    joined_first: date | None = None
    joined_last: date | None = None

    @property
    def is_narrowed(self) -> bool:
        return bool(self.params())

    def params(self) -> dict[str, Any]:
        """The filters, without the reach, as a job keeps them."""
        chosen = {name: value for name, value in asdict(self).items() if value and name != "stores"}
        return {name: str(value) if isinstance(value, date) else value for name, value in chosen.items()}

    @classmethod
    def of_params(cls, params: dict[str, Any], *, stores: Sequence[int] | None) -> "Wanted":
        days: dict[str, Any] = {
            name: date.fromisoformat(params[name]) for name in ("joined_first", "joined_last") if name in params
        }
        return cls(stores=stores, **(params | days | {"fields": tuple(params.get("fields", ()))}))


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


def ids_after(*, wanted: Wanted, after: int, limit: int) -> list[int]:
    """The next members of the list by id, for work on all of it."""
    conditions = _conditions(wanted)
    conditions.add("m.id > %s", after)
    rows = select.rows(f"select m.id {_FROM} where {conditions.text} order by m.id limit {limit:d}", conditions.values)
    return [row["id"] for row in rows]


def _field(asked: str) -> dict[str, Any]:
    """`size=L` as the JSON that members with it contain; yes and no are values, too."""
    key, _, value = asked.partition("=")
    return {key: {"yes": True, "no": False}.get(value, value)}


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
    if wanted.fields:
        held = {key: value for asked in wanted.fields for key, value in _field(asked).items()}
        conditions.add("not (m.attributes = '{}'::jsonb) and m.attributes @> %s", Jsonb(held))
    conditions.only("m.status = %s", wanted.status)
    if wanted.source:
        below = wanted.source.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + ":%"
        conditions.add("(m.source = %s or m.source like %s)", wanted.source, below)
    conditions.only(_IN_SEGMENT, wanted.segment)
    if wanted.check:
        check = quality.CHECKS[wanted.check]
        conditions.add(check.condition, *check.values(clock.now()))
    if wanted.joined_first:
        conditions.add("m.joined_at >= %s", clock.day_start(wanted.joined_first))
    if wanted.joined_last:
        conditions.add("m.joined_at < %s", clock.day_end(wanted.joined_last))
    return conditions
