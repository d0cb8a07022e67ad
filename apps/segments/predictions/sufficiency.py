"""Whether there is enough to learn from. If not, nothing is predicted for anybody, and every page says so."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db.backends.utils import CursorWrapper

NEEDED = {"buyers": 500, "history_days": 180, "recent_orders": 1, "regulars": 1}


@dataclass(frozen=True)
class Sufficiency:
    """`history_days` from the first kept order; `recent_orders` of the last 30 days; `regulars` have three orders or more."""

    buyers: int
    history_days: int
    recent_orders: int
    regulars: int

    @property
    def is_enough(self) -> bool:
        return all(getattr(self, name) >= needed for name, needed in NEEDED.items())

    def counts(self) -> dict[str, Any]:
        return asdict(self)


class NotEnough(ValueError):
    """`found` says what is missing; None: enough by the gate, and still nothing that parameters could be fitted to."""

    def __init__(self, found: Sufficiency | None = None) -> None:
        super().__init__("not enough data")
        self.found = found


_COUNT = """
select count(*), coalesce(max(age), 0), coalesce(sum(recent_orders), 0), count(*) filter (where orders >= 3) from {table}
"""


def counted(cursor: CursorWrapper, table: str) -> Sufficiency:
    """Of a table made by `history.take`, as of its moment."""
    cursor.execute(_COUNT.format(table=table))
    return Sufficiency(*map(int, cursor.fetchone()))
