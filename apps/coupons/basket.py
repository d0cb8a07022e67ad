"""Who buys what, where and when, as the caller knows it. Coupons look nothing up: `flows/shopper.py` fills these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from apps.coupons.models import Coupon, Template
from apps.coupons.terms import Terms


@dataclass(frozen=True)
class Shopper:
    """A member as far as conditions ask. `tier`, `segments`, `groups`: keys. `orders`: paid and kept so far."""

    member_id: int
    tier: str = ""
    segments: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    orders: int = 0


@dataclass(frozen=True)
class Line:
    """`unit_cents`: the price of a unit before coupons, after member, bundle and time-limited prices. `sku` "": not known, a till that
    only says the amount; conditions on goods fit it only where the basket `is_vouched`, and what counts units only where the clerk
    said that the line is units (`is_units`): an amount is none. Weighed goods are one unit."""

    number: int
    unit_cents: int
    quantity: int = 1
    sku: str = ""
    category: str = ""
    brand: str = ""
    is_units: bool = False

    @property
    def cents(self) -> int:
        return self.unit_cents * self.quantity


@dataclass(frozen=True)
class Basket:
    """`store`: its code, "" online. `is_vouched`: the clerk says that the goods fit what a coupon asks."""

    lines: tuple[Line, ...]
    at: datetime
    store: str = ""
    channel: str = ""
    shipping_cents: int = 0
    is_vouched: bool = False

    @property
    def cents(self) -> int:
        return sum(line.cents for line in self.lines)


@dataclass(frozen=True)
class Held:
    """A coupon of the member's wallet as a quote reads it. `state` as stored; `is_stopped`: its template is. `facts`: what the text of
    its state names (when and where it was used, until when it is reserved)."""

    id: int
    template_id: int
    name: str
    terms: Terms
    state: str
    starts_at: datetime
    ends_at: datetime
    is_stopped: bool = False
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Reason:
    """Why a coupon does not count: `code` is a key of `errors.REASONS`; `facts` for its text (`missing_cents`, `at`, `stores` …)."""

    code: str
    facts: Mapping[str, object] = field(default_factory=dict)


def held(row: Coupon, terms: Terms, *, facts: Mapping[str, object] | None = None) -> Held:
    """The frozen form of a row that was read with its template. Raises ValueError for one that nobody owns."""
    if row.starts_at is None or row.ends_at is None:
        raise ValueError("a coupon nobody has claimed has no days yet")
    return Held(
        id=row.pk,
        template_id=row.template_id,
        name=row.template.name,
        terms=terms,
        state=row.state,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        is_stopped=row.template.state == Template.State.STOPPED,
        facts=facts or {},
    )
