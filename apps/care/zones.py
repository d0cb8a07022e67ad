"""By whose clock: the time zone that a member lives in (H5).

It is the member's own, a choice field of members with the key `time_zone` whose choices are names like Asia/Tokyo; else that of the
place of their home store; else that of the journey; else the shop's (`clock.SHOP_ZONE`). Hours of sending, quiet hours, days of caps,
waits and birthdays go by it. A brand of which nobody lives elsewhere pays for none of it: `known` is empty then.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from apps.core import clock

FIELD = "time_zone"
SHOP = clock.SHOP_ZONE.key
EVERYBODY = "select id as member_id from members_member where status = 'active'"
_NAMED = """
select jsonb_array_elements_text(choices) from members_attribute where key = %s and type = 'choice'
union select time_zone from stores_storeplace where time_zone <> ''
"""
Names = tuple[str, ...]


def known() -> Names:
    """Zones that a member may live in by field or by store, as far as Python and the database know them."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, [FIELD])
        return _real(frozenset(row[0] for row in cursor.fetchall()))


def is_real(name: str) -> bool:
    """Whether there is a time zone of this name."""
    return bool(_real(frozenset((name,))))


def of(name: str) -> ZoneInfo:
    """ "" is the shop's."""
    return ZoneInfo(name) if name else clock.SHOP_ZONE


def noted(name: str) -> str:
    """The name as a touch keeps it: "" for the shop's own."""
    return "" if name == SHOP else name


def own(names: Names, member: str = "m") -> str:
    """SQL of the zone that a member or their store has among `names`; '' where neither has one."""
    if not names:
        return "''"
    told, listed = f"{member}.attributes ->> '{FIELD}'", ", ".join(f"'{name}'" for name in names)
    store = f"""(select p.time_zone from stores_storeplace p
        where p.store_id = {member}.home_store_id and p.time_zone in ({listed}))"""
    return f"coalesce(case when {told} in ({listed}) then {told} end, {store}, '')"


def lived_in(names: Names, *, otherwise: str = "", member: str = "m") -> str:
    """SQL of the zone whose clock a member's days go by. `otherwise`: the journey's."""
    last = f"'{otherwise or SHOP}'"
    return f"coalesce(nullif({own(names, member)}, ''), {last})" if names else last


@dataclass(frozen=True)
class Living:
    """`names`: the zones that there are; `zones`: those that somebody of these has, "" for those without one."""

    names: Names
    zones: tuple[str, ...]

    @classmethod
    def found(cls, *, among: str = EVERYBODY, params: dict[str, Any] | None = None) -> "Living":
        """`among`: a SELECT of `member_id`."""
        names = known()
        if not names:
            return cls(names, ("",))
        with connection.cursor() as cursor:
            cursor.execute(
                f"select distinct {own(names)} from ({among}) who join members_member m on m.id = who.member_id order by 1",
                params,
            )
            return cls(names, tuple(row[0] for row in cursor.fetchall()))

    def parts(self) -> list[tuple[str, str]]:
        """Each zone with the condition on member `m` of who lives in it: "true" where all do."""
        whole = len(self.zones) == 1
        return [(zone, "true" if whole else f"{own(self.names)} = '{zone}'") for zone in self.zones]


def of_member(member_id: int, *, otherwise: str = "") -> str:
    """The name of the zone that this member lives in."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {lived_in(known(), otherwise=otherwise)} from members_member m where m.id = %s", [member_id]
        )
        row = cursor.fetchone()
    return row[0] if row else otherwise or SHOP


@lru_cache(maxsize=256)
def _real(names: frozenset[str]) -> Names:
    listed = sorted(name for name in names if name in clock.zone_names())
    if not listed:
        return ()
    with connection.cursor() as cursor:
        cursor.execute("select name from pg_timezone_names where name = any(%s) order by name", [listed])
        return tuple(row[0] for row in cursor.fetchall())
