"""Races on the books: many writers at once, answers lost on the way, and afterwards everything counted again.

For tests at a small scale and for `bin/manage prove_value` at full scale. Writes made-up postings of the members it is given: never
on the brand's own data.
"""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate
from threading import Barrier
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from apps.core import clock
from apps.core.errors import DomainError
from apps.points import checking, services
from apps.points.services import Posting, Terms

SPEED = 60  # a second of the race is a minute of the shop, so that points run out while it lasts
CALLS: dict[str, Callable[..., Posting]] = {
    "earn": services.earn,
    "spend": services.spend,
    "hold": services.hold,
    "capture": services.capture,
    "let_go": services.let_go,
    "give_back": services.give_back,
    "reverse": services.reverse,
    "transfer": services.transfer,
}
Zeros = dict[str, int]


@dataclass
class Told:
    """One call as its caller knows it: `outcome` is "done", the code of a refusal, or "" while nobody has answered."""

    name: str
    facts: dict[str, Any]
    outcome: str = ""
    entry_id: int = 0


@dataclass
class Writer:
    """Invents calls, remembers what it was told, asks again where an answer was lost, and repeats old calls on purpose."""

    number: int
    members: Sequence[int]
    start: datetime
    skew: float = 0.0
    told: list[Told] = field(default_factory=list)
    open: dict[str, list[int]] = field(default_factory=lambda: {"earn": [], "spend": [], "hold": []})
    doubled: int = 0
    lost_answers: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.number)  # noqa: S311 - made-up postings
        self.began = time.monotonic()
        self.weights = list(accumulate(1 / (rank + 1) ** self.skew for rank in range(len(self.members))))

    def go_on(self, *, until: float | None = None, calls: int | None = None) -> "Writer":
        try:
            while (until is None or time.monotonic() < until) and (calls is None or len(self.told) < calls):
                self.step()
        finally:
            connection.close()
        return self

    def step(self) -> None:
        dice = self.chance.random()
        if dice < 0.05 and self.told:
            self.repeat(self.chance.choice(self.told[-50:]))
        elif dice < 0.07:
            self._patiently(lambda: services.settle_due(moment=self.moment(), at_most=20))
        else:
            told = Told(*self.invent())
            self.told.append(told)
            self.ask(told)

    def invent(self) -> tuple[str, dict[str, Any]]:
        name = self.chance.choices(list(CALLS), [30, 25, 8, 5, 4, 8, 8, 6])[0]
        moment, amount = self.moment(), self.chance.randint(1, 60)
        facts: dict[str, Any] = {"source": f"race:{self.number}:{len(self.told)}", "moment": moment}
        line = {"capture": "hold", "let_go": "hold", "give_back": "spend", "reverse": "earn"}.get(name)
        if line and not self.open[line]:
            name, line = "earn", None
        if line:
            facts["entry_id"] = self.chance.choice(self.open[line])
        elif name == "transfer":
            facts |= {"from_id": self.member(), "to_id": self.member()}
        else:
            facts["member_id"] = self.member()
        if name == "earn":
            facts["terms"] = self.terms(moment)
            amount *= 2
        return name, facts if name == "let_go" else facts | {"amount": amount}

    def terms(self, moment: datetime) -> Terms:
        dice, ends = self.chance.random(), moment + timedelta(minutes=self.chance.randint(1, 20))
        if dice < 0.2:
            return Terms(is_pending=True, due_at=ends, expiry={"kind": "never"})
        return Terms(expires_at=ends) if dice < 0.7 else Terms(expiry={"kind": "never"})

    def ask(self, told: Told) -> Posting | None:
        try:
            posting = self._patiently(lambda: CALLS[told.name](**told.facts))
        except DomainError as refusal:
            told.outcome = refusal.code
            return None
        told.outcome, told.entry_id = "done", posting.entry_id
        if told.name in self.open:
            self.open[told.name].append(posting.entry_id)
        return posting

    def repeat(self, told: Told) -> None:
        """What was done must not be done again; what was refused is not asked again, for it may be right by now."""
        if told.outcome == "done" and CALLS[told.name] is not services.let_go:
            posting = self._patiently(lambda: CALLS[told.name](**told.facts))
            self.doubled += posting.is_new or posting.entry_id != told.entry_id

    def member(self) -> int:
        return self.chance.choices(self.members, cum_weights=self.weights)[0]

    def moment(self) -> datetime:
        return self.start + timedelta(seconds=(time.monotonic() - self.began) * SPEED)

    def _patiently(self, call: Callable[[], Any]) -> Any:
        """Asks the same again, under the same source, until somebody answers."""
        while True:
            try:
                return call()
            except (OperationalError, InterfaceError):
                self.lost_answers += 1
                connection.close()


def race(
    *, members: Sequence[int], writers: int, seconds: float | None = None, calls: int | None = None, skew: float = 0.0,
    first: int = 1,
) -> list[Writer]:  # fmt: skip
    """So many writers at once for so long, or for so many calls each. `skew`: 0 all members alike, 1 Zipf. `first` numbers them."""
    start, until = clock.now(), None if seconds is None else time.monotonic() + seconds
    crowd = [Writer(number, members, start, skew) for number in range(first, first + writers)]
    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(lambda writer: writer.go_on(until=until, calls=calls), crowd))


def count(told: Sequence[Told]) -> Zeros:
    """What must be zero after a race: faults of the books, balances below zero, answers without a line, lines without an answer."""
    done = {t.facts["source"] for t in told if t.outcome == "done" and t.name != "let_go"}
    refused = {t.facts["source"] for t in told if t.outcome not in ("", "done")}
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from points_entry where balance_after < 0")
        below = cursor.fetchone()[0]
        cursor.execute(
            "select source, count(*) from points_entry where source = any(%s) group by 1", [list(done | refused)]
        )
        lines = dict(cursor.fetchall())
    return {
        "faults": checking.check().faults,
        "below_zero": below,
        "lost": sum(source not in lines for source in done),
        "twice": sum(number > 1 for number in lines.values()),
        "not_refused": sum(source in lines for source in refused),
    }


def copies(*, member_id: int, keys: int, at_once: int) -> Zeros:
    """Each of `keys` grants sent `at_once` times in parallel. Answers what must be zero."""
    gate = Barrier(at_once)

    def send(_: int) -> list[bool]:
        fresh = []
        try:
            for key in range(keys):
                gate.wait()
                fresh.append(services.earn(member_id=member_id, amount=1, source=f"copy:{member_id}:{key}").is_new)
        except Exception:
            gate.abort()
            raise
        finally:
            connection.close()
        return fresh

    with ThreadPoolExecutor(at_once) as pool:
        sent = list(pool.map(send, range(at_once)))
    return {"keys_not_once": sum(sum(copies) != 1 for copies in zip(*sent, strict=True))}


def midnights(*, members: Sequence[int], day_end: datetime) -> list[tuple[bool, bool]]:
    """For each member: 10 points end at `day_end`; a spending just before, one just after and the sweep meet. What got through."""
    before, after = day_end - timedelta(milliseconds=500), day_end + timedelta(milliseconds=500)
    terms, source = Terms(expires_at=day_end), f"night:{day_end.isoformat()}"
    gate = Barrier(3)

    def spend(moment: datetime) -> list[bool]:
        through = []
        for member_id in members:
            if moment == before:
                services.earn(member_id=member_id, amount=10, source=source, terms=terms, moment=before)
            through.append(_meets(gate, partial(_spends, member_id, moment)))
        return through

    def sweep() -> list[bool]:
        return [_meets(gate, lambda: services.settle_due(moment=after) > 0) for _ in members]

    def alone(work: Callable[[], list[bool]]) -> list[bool]:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        early, late, swept = (pool.submit(alone, work) for work in (lambda: spend(before), lambda: spend(after), sweep))
        swept.result()
        return list(zip(early.result(), late.result(), strict=True))


def _meets(gate: Barrier, act: Callable[[], bool]) -> bool:
    gate.wait()
    try:
        return act()
    except Exception:
        gate.abort()
        raise


def _spends(member_id: int, moment: datetime) -> bool:
    try:
        services.spend(member_id=member_id, amount=10, source=f"midnight:{moment.isoformat()}", moment=moment)
    except DomainError:
        return False
    return True
