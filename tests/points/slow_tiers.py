"""Tiers by docs/tiers.md, one member at a time, in plain Python: slow, and of its own making."""

import calendar
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from apps.core.clock import day_start, local_date

LIFE = date(1900, 1, 2)


@dataclass(frozen=True)
class Rules:
    window: dict
    validity: dict
    downgrade: str = "one_down"
    grace_days: int = 0
    starts_next_period: bool = False
    thresholds: tuple[int, ...] = (0, 1000, 5000, 20000)
    for_life: frozenset[int] = frozenset()
    gated: frozenset[int] = frozenset()


@dataclass
class Lot:
    at: datetime
    amount: int
    reversed: int = 0


@dataclass(frozen=True)
class Ground:
    """What a tier rests on: (first moment, last moment, needed)."""

    start: datetime
    end: datetime
    needed: int


@dataclass(frozen=True)
class Step:
    rank: int
    since: datetime
    until: datetime | None
    ground: Ground | None


@dataclass
class Person:
    joined: datetime
    rank: int = 0
    since: datetime | None = None
    until: datetime | None = None
    grace: datetime | None = None
    coming: int | None = None
    coming_at: datetime | None = None
    ground: Ground | None = None
    locked: bool = False
    value: int = 0
    below: list[Step] = field(default_factory=list)
    moves: list[tuple[int, int, str]] = field(default_factory=list)


def months_later(day: date, months: int) -> date:
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def day_in(year: int, text: str) -> date:
    month, number = map(int, text.split("-"))
    return date(year, month, min(number, calendar.monthrange(year, month)[1]))


def first_day(window: dict, today: date) -> date:
    if window["kind"] == "life":
        return LIFE
    if window["kind"] == "rolling":
        return months_later(today, -window["months"]) + timedelta(days=1)
    this = day_in(today.year, window["starts"])
    return this if this <= today else day_in(today.year - 1, window["starts"])


def next_period(window: dict, today: date) -> date:
    if window["kind"] != "calendar":
        return months_later(today.replace(day=1), 1)
    this = day_in(today.year, window["starts"])
    return this if this > today else day_in(today.year + 1, window["starts"])


def last_day(validity: dict, today: date, joined: date) -> date:
    if validity["kind"] == "months":
        return months_later(today, validity["months"])
    years = validity.get("years", 0)
    if validity["kind"] == "calendar":
        this = day_in(today.year + years, validity["date"])
        return this if this >= today else day_in(today.year + years + 1, validity["date"])
    year = today.year
    while months_later(joined, 12 * (year - joined.year)) <= today:
        year += 1
    return months_later(joined, 12 * (year + years - joined.year)) - timedelta(days=1)


def end(rules: Rules, rank: int, start: datetime, joined: datetime) -> datetime | None:
    if rank == 0 or rules.validity["kind"] == "none" or rules.downgrade == "never" or rank in rules.for_life:
        return None
    return day_start(last_day(rules.validity, local_date(start), local_date(joined)) + timedelta(days=1))


def summed(lots: list[Lot], start: datetime, last: datetime) -> int:
    return sum(lot.amount - lot.reversed for lot in lots if start <= lot.at <= last)


@dataclass(frozen=True)
class Facts:
    """What one assessment goes by."""

    rules: Rules
    lots: list[Lot]
    now: datetime
    begin: datetime
    ended_begin: datetime
    value: int
    old: int
    kept: int
    is_over: bool
    arrives: bool
    is_shut: bool
    is_kept: bool
    enterable: frozenset[int]
    coming: int | None
    coming_at: datetime | None

    @property
    def follows(self) -> bool:
        return self.rules.validity["kind"] == "none"

    def best(self, amount: int) -> int:
        return max(rank for rank in self.enterable if self.rules.thresholds[rank] <= amount)


def look(rules: Rules, who: Person, lots: list[Lot], now: datetime, open_gates: frozenset[int] | None = None) -> None:
    """One assessment."""
    who.since = who.since or now
    seen = _facts(rules, who, lots, now, open_gates)
    who.value, who.coming, who.coming_at, who.grace = seen.value, None, None, None
    if who.locked:
        return
    next(act for fits, act in LINES if fits(seen, who))(seen, who)
    if rules.starts_next_period and seen.best(seen.value) > who.rank:
        who.coming = seen.best(seen.value)
        later = seen.coming_at if seen.coming_at and seen.coming_at > now else None
        who.coming_at = later or day_start(next_period(rules.window, local_date(now)))


def _facts(rules: Rules, who: Person, lots: list[Lot], now: datetime, open_gates: frozenset[int] | None) -> Facts:
    begin = ended_begin = day_start(first_day(rules.window, local_date(now)))
    is_over = who.until is not None and who.until <= now
    arrives = who.coming_at is not None and who.coming_at <= now
    if closed := [moment for moment in (who.until, who.coming_at) if moment and moment <= now]:
        ended_begin = day_start(first_day(rules.window, local_date(min(closed) - timedelta(microseconds=1))))
    return Facts(
        rules=rules, lots=lots, now=now, begin=begin, ended_begin=ended_begin, value=summed(lots, begin, now), old=who.value,
        kept=summed(lots, ended_begin, now), is_over=is_over, arrives=arrives,
        is_shut=who.rank in rules.gated and open_gates is not None and who.rank not in open_gates,
        is_kept=rules.downgrade == "never" or who.rank in rules.for_life,
        enterable=frozenset(range(len(rules.thresholds))) - (rules.gated - (open_gates or frozenset())),
        coming=who.coming, coming_at=who.coming_at,
    )  # fmt: skip


def _is_broken(seen: Facts, who: Person) -> bool:
    if who.ground is None or seen.is_over:
        return False
    bar = min(who.ground.needed, seen.rules.thresholds[who.rank])
    return seen.value < bar and summed(seen.lots, who.ground.start, who.ground.end) < bar


def _arrive(seen: Facts, who: Person) -> None:
    rank = min(seen.coming or 0, seen.best(seen.kept))
    _rise(seen, who, rank, seen.coming_at or seen.now, Ground(seen.ended_begin, seen.now, 0))


def _reach(seen: Facts, who: Person) -> None:
    _rise(seen, who, seen.best(seen.value), seen.now, Ground(seen.begin, seen.now, 0))


def _follow(seen: Facts, who: Person) -> None:
    _move(who, seen.best(seen.value), "fell")
    _stand(seen.rules, who, seen.now, Ground(seen.begin, seen.now, 0))
    who.below = []


def _stay(seen: Facts, who: Person) -> None:
    if who.rank and who.until is None:
        who.until = end(seen.rules, who.rank, seen.now, who.joined)
    if who.rank == 0 or seen.is_kept or seen.follows:
        who.until = None
    if who.ground and seen.value != seen.old and seen.value >= seen.rules.thresholds[who.rank]:
        who.ground = Ground(seen.begin, seen.now, seen.rules.thresholds[who.rank])


def _renew(seen: Facts, who: Person) -> None:
    renewed = end(seen.rules, who.rank, who.until - timedelta(microseconds=1), who.joined)
    who.until = renewed if renewed is None or renewed > seen.now else end(seen.rules, who.rank, seen.now, who.joined)
    who.ground, who.below = Ground(seen.ended_begin, seen.now, seen.rules.thresholds[who.rank]), []


def _wait(seen: Facts, who: Person) -> None:
    who.grace = who.until + timedelta(days=seen.rules.grace_days)


def _fall(seen: Facts, who: Person) -> None:
    lower = max(rank for rank in seen.enterable if rank < who.rank)
    _move(who, lower if seen.rules.downgrade == "one_down" else seen.best(seen.kept), "fell")
    _stand(seen.rules, who, seen.now, None)
    who.below = []


def _take_back(seen: Facts, who: Person) -> None:
    rest = seen.best(max(seen.value, summed(seen.lots, who.ground.start, who.ground.end)))

    def stands(step: Step) -> bool:
        if step.rank < rest or (step.until is not None and step.until <= seen.now):
            return False
        if step.ground is None:
            return True
        need = min(step.ground.needed, seen.rules.thresholds[step.rank])
        return max(seen.value, summed(seen.lots, step.ground.start, step.ground.end)) >= need

    back = max(filter(stands, who.below), key=lambda step: step.rank, default=None)
    old = who.ground
    _move(who, back.rank if back else rest, "refund")
    who.below = [step for step in who.below if step.rank < who.rank]
    if back:
        who.since, who.until, who.ground = back.since, back.until, back.ground
        return
    covers = seen.value >= seen.rules.thresholds[who.rank]
    _stand(seen.rules, who, seen.now, Ground(seen.begin, seen.now, 0) if covers else old)


# The first line that fits.
LINES = (
    (lambda seen, who: seen.arrives and min(seen.coming or 0, seen.best(seen.kept)) > who.rank, _arrive),
    (lambda seen, who: seen.best(seen.value) > who.rank and not seen.rules.starts_next_period, _reach),
    (
        lambda seen, who: (
            seen.follows and (seen.value < seen.rules.thresholds[who.rank] or seen.is_shut) and not seen.is_kept
        ),
        _follow,
    ),
    (_is_broken, _take_back),
    (lambda seen, who: who.rank == 0 or seen.is_kept or not seen.is_over, _stay),
    (lambda seen, who: seen.kept >= seen.rules.thresholds[who.rank] and not seen.is_shut, _renew),
    (lambda seen, who: who.until + timedelta(days=seen.rules.grace_days) > seen.now, _wait),
    (lambda seen, who: True, _fall),
)


def _move(who: Person, rank: int, cause: str) -> None:
    who.moves.append((who.rank, rank, cause))
    who.rank = rank


def _stand(rules: Rules, who: Person, start: datetime, ground: Ground | None) -> None:
    who.since, who.until = start, end(rules, who.rank, start, who.joined)
    who.ground = replace(ground, needed=rules.thresholds[who.rank]) if ground and who.rank else None


def _rise(seen: Facts, who: Person, rank: int, start: datetime, ground: Ground) -> None:
    may_return = who.rank > 0 and not seen.is_over and not seen.follows
    who.below = [*who.below, Step(who.rank, who.since, who.until, who.ground)] if may_return else []
    _move(who, rank, "reached")
    _stand(seen.rules, who, start, ground)
    if who.until is not None and who.until <= seen.now:
        who.until = end(seen.rules, rank, seen.now, who.joined)
