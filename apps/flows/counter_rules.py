"""What a till may take in: bounds of amounts and times, and caps per shift. One brand setting, `counter.rules`.

`hours_back`: how old a sale may be that a till kept while its network was away. `receipts_by`: who numbers the receipts, each "till" or
the whole "store". `receipt_has_store`: a receipt begins with the code of its store. Caps count what was not undone: `orders`,
`redemptions` and `points` (granted) of one shift, `per_member` purchases of one member with one clerk in a shop day.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

from apps.core import brand

SETTING = "counter.rules"


@dataclass(frozen=True)
class Rules:
    least_cents: int = 1
    most_cents: int = 5_000_000
    hours_back: int = 2
    orders: int = 300
    redemptions: int = 100
    points: int = 200_000
    per_member: int = 6
    receipts_by: str = "till"
    receipt_has_store: bool = False


def read() -> Rules:
    return Rules(**asdict(Rules()) | brand.read(SETTING))


def check(value: Any) -> None:
    if not isinstance(value, dict) or not set(value) <= {field.name for field in fields(Rules)}:
        raise ValueError(f"an object is expected, with some of: {', '.join(field.name for field in fields(Rules))}")
    for name, given in value.items():
        if name == "receipts_by":
            if given not in {"till", "store"}:
                raise ValueError("receipts are numbered by till or by store")
        elif name == "receipt_has_store":
            if not isinstance(given, bool):
                raise ValueError("yes or no is expected")
        elif isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= 10**9:
            raise ValueError(f"{name}: a whole number from 0 to 1,000,000,000 is expected")


brand.declare(SETTING, default={}, check=check)
