"""The books once more, as a plain list of lots: slow, obvious, and written without a look at the SQL."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from apps.core import clock

NEVER = datetime.max.replace(tzinfo=clock.SHOP_ZONE) - timedelta(days=2)


@dataclass(eq=False)
class Lot:
    amount: int
    left: int
    number: int
    ends: datetime = NEVER
    waits_until: datetime | None = None
    lapses: datetime | None = None
    days: int | None = None
    is_waiting: bool = False
    expired: int = 0
    undone: int = 0


@dataclass
class Taking:
    kind: str
    parts: list[list] = field(default_factory=list)  # [lot, points] in the order they were taken
    until: datetime | None = None
    state: str = ""

    @property
    def left(self) -> int:
        return sum(points for _, points in self.parts)


class Book:
    def __init__(self, policy: str) -> None:
        self.policy, self.lots, self.debt, self.held, self.forgiven = policy, [], 0, 0, 0
        self.takings: list[Taking] = []

    @property
    def balance(self) -> int:
        return sum(lot.left for lot in self.lots if not lot.is_waiting)

    @property
    def pending(self) -> int:
        return sum(lot.left for lot in self.lots if lot.is_waiting)

    def totals(self) -> tuple[int, int, int, int]:
        return self.balance, self.pending, self.held, self.debt

    def settle(self, now: datetime) -> None:
        due = [
            lot for lot in self.lots
            if lot.is_waiting and lot.left and lot.waits_until and lot.waits_until <= now
            and (lot.lapses is None or lot.waits_until <= lot.lapses)
        ]  # fmt: skip
        for lot in sorted(due, key=lambda lot: (lot.waits_until, lot.number)):
            lot.is_waiting = False
            lot.left -= self.pay(lot.left)
            if lot.days is not None:
                lot.ends = clock.day_end(clock.local_date(lot.waits_until) + timedelta(days=lot.days))
        for lot in self.lots:
            lapsed = lot.is_waiting and lot.lapses is not None and lot.lapses <= now
            if lapsed or (not lot.is_waiting and lot.ends <= now):
                lot.expired, lot.left = lot.expired + lot.left, 0

    def pay(self, points: int) -> int:
        paid = min(self.debt, points)
        self.debt -= paid
        return paid

    def earn(self, now: datetime, points: int, **terms: object) -> Lot:
        self.settle(now)
        lot = Lot(points, points, len(self.lots), **terms)
        self.lots.append(lot)
        if not lot.is_waiting:
            lot.left -= self.pay(points)
        return lot

    def take(self, now: datetime, points: int, kind: str, until: datetime | None = None) -> Taking | None:
        self.settle(now)
        if self.balance < points:
            return None
        taking = Taking(kind, until=until, state="held" if until else "")
        self.consume(points, taking)
        self.held += points if until else 0
        self.takings.append(taking)
        return taking

    def consume(self, points: int, taking: Taking) -> None:
        for lot in sorted(self.lots, key=lambda lot: (lot.ends, lot.number)):
            n = 0 if lot.is_waiting else min(lot.left, points)
            if n:
                lot.left, points = lot.left - n, points - n
                taking.parts.append([lot, n])

    def back(self, now: datetime, taking: Taking, points: int) -> bool:
        """Points of a taking come back, those that would have lived longest first."""
        self.settle(now)
        if points > taking.left:
            return False
        returned = []
        for part in sorted(taking.parts, key=lambda part: (part[0].ends, part[0].number), reverse=True):
            n = min(part[1], points)
            part[1], points = part[1] - n, points - n
            returned.append((part[0], n))
        for lot, n in sorted(returned, key=lambda part: (part[0].ends, part[0].number)):
            wiped = min(self.forgiven, n)
            self.forgiven -= wiped
            lot.left += n - wiped - self.pay(n - wiped)
        self.relieve([lot for lot, _ in returned])
        self.settle(now)
        return True

    def relieve(self, returned: list[Lot]) -> None:
        """Point by point: what is more than a refund left of a lot goes to those that were short for it."""
        for lot in sorted(returned, key=lambda lot: (lot.ends, lot.number)):
            short = [other for other in self.lots if self.rest(other) > self.spent(other)]
            for other in sorted(short, key=lambda other: (other.ends, other.number), reverse=True):
                while lot.left and self.rest(lot) < 0 and self.rest(other) > self.spent(other):
                    lot.left, other.left = lot.left - 1, other.left + 1

    def rest(self, lot: Lot) -> int:
        return lot.amount - lot.undone - lot.left - lot.expired

    def spent(self, lot: Lot) -> int:
        return sum(n for taking in self.takings for taken, n in taking.parts if taken is lot)

    def give_back(self, now: datetime, taking: Taking, points: int) -> bool:
        return taking.state != "held" and self.back(now, taking, points)

    def let_go(self, now: datetime, taking: Taking) -> bool:
        if taking.state != "held":
            return False
        taking.state = "over"
        self.held -= taking.left
        return self.back(now, taking, taking.left)

    def capture(self, now: datetime, taking: Taking, points: int) -> bool:
        if taking.state != "held" or taking.until <= now or points > taking.left:
            return False
        taking.state = "captured"
        self.held -= taking.left
        return self.back(now, taking, taking.left - points)

    def reverse(self, now: datetime, lot: Lot, points: int) -> bool:
        self.settle(now)
        if points > lot.amount - lot.undone:
            return False
        lot.undone += points
        if self.policy == "only_pending" and not lot.is_waiting:
            lot.expired -= min(points, lot.expired)
            return True
        own = min(points, lot.left)
        unused = min(points - own, lot.expired)
        lot.left, lot.expired = lot.left - own, lot.expired - unused
        rest = 0 if self.policy == "only_pending" else points - own - unused
        others = min(rest, self.balance)
        self.consume(others, Taking("reverse"))
        if self.policy == "debt":
            self.debt += rest - others
        else:
            self.forgiven += rest - others
        return True
