"""Who buys what, where and when, as the caller knows it. Coupons look nothing up: `flows/shopper.py` fills these."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    said that the line is units (`is_units`): an amount is none. Weighed goods are one unit.

    `units`: where units of the line cost differently (some are in a bundle), each of them, the dearest first; a coupon for some units
    takes those. `is_special`: the line costs less than the list price. `back_cents`: the list price of a unit to which it can go
    back, None where it cannot (the price of a bundle, or one that the caller said).
    """

    number: int
    unit_cents: int
    quantity: int = 1
    sku: str = ""
    category: str = ""
    brand: str = ""
    is_units: bool = False
    units: tuple[int, ...] = ()
    is_special: bool = False
    back_cents: int | None = None

    @property
    def cents(self) -> int:
        return sum(self.units) if self.units else self.unit_cents * self.quantity

    def dearest(self, count: int) -> tuple[int, ...]:
        """Of a line whose units cost differently."""
        return self.units[:count]

    def at_list(self) -> "Line":
        """The line without its special price. Raises ValueError for one that cannot go back."""
        if self.back_cents is None:
            raise ValueError("this line cannot go back to its list price")
        return replace(self, unit_cents=self.back_cents, units=(), is_special=False, back_cents=None)


@dataclass(frozen=True)
class Basket:
    """`store`: its code, "" online. `is_vouched`: the clerk says that the goods fit what a coupon asks. `ways`: other prices that the
    same lines can be had for (without bundles, at list prices); `lines` are the cheapest. `prices_proven` False: there may be a better
    choice of bundles. `list_cents`: by line number, what it costs by the list, where known."""

    lines: tuple[Line, ...]
    at: datetime
    store: str = ""
    channel: str = ""
    shipping_cents: int = 0
    is_vouched: bool = False
    ways: tuple[tuple[Line, ...], ...] = ()
    prices_proven: bool = True
    list_cents: Mapping[int, int] = field(default_factory=dict)

    @property
    def cents(self) -> int:
        return sum(line.cents for line in self.lines)

    def every_way(self) -> "list[Basket]":
        return [self, *(replace(self, lines=lines, ways=()) for lines in self.ways)]


@dataclass(frozen=True)
class Held:
    """A coupon of the member's wallet as a quote reads it. `state` as stored; `is_stopped`: its template is. `facts`: what the text of
    its state names (when and where it was used, until when it is reserved). `room_cents`: what its budgets still let one use save,
    below zero where no use is left; None: no budget speaks against it."""

    id: int
    template_id: int
    name: str
    terms: Terms
    state: str
    starts_at: datetime
    ends_at: datetime
    is_stopped: bool = False
    facts: Mapping[str, object] = field(default_factory=dict)
    room_cents: int | None = None


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
        name=row.template.shown_name,
        terms=terms,
        state=row.state,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        is_stopped=row.template.state == Template.State.STOPPED,
        facts=facts or {},
    )
