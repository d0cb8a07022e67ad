"""Random histories, assessed by the statements and by a slow evaluator of docs/tiers.md: no difference in standing, ends or moves."""

import random
from datetime import date, datetime, timedelta

import pytest
from django.db import connection

from apps.core.clock import day_start
from apps.members.models import Member
from apps.points import ladders, tiers
from apps.points import services as points
from apps.points.models import Ladder, Standing, Tier, TierChange
from tests.points import slow_tiers
from tests.points.slow_tiers import Lot, Person, Rules

WINDOWS = (
    {"kind": "rolling", "months": 1}, {"kind": "rolling", "months": 3}, {"kind": "rolling", "months": 12},
    {"kind": "calendar", "starts": "01-01"}, {"kind": "calendar", "starts": "02-29"}, {"kind": "life"},
)  # fmt: skip
VALIDITIES = (
    {"kind": "none"}, {"kind": "months", "months": 1}, {"kind": "months", "months": 6}, {"kind": "months", "months": 12},
    {"kind": "calendar", "date": "12-31", "years": 0}, {"kind": "calendar", "date": "02-29", "years": 1},
    {"kind": "joined"}, {"kind": "joined", "years": 1},
)  # fmt: skip
DAYS = (date(2026, 1, 31), date(2026, 2, 28), date(2027, 12, 31), date(2028, 2, 29), date(2028, 3, 31))
HOURS = (timedelta(0), timedelta(hours=23, minutes=59, seconds=59), timedelta(hours=12))


def drawn_rules(dice: random.Random) -> Rules:
    return Rules(
        window=dice.choice(WINDOWS),
        validity=dice.choice(VALIDITIES),
        downgrade=dice.choice(("one_down", "by_value", "one_down", "by_value", "never")),
        grace_days=dice.choice((0, 0, 1, 30)),
        starts_next_period=dice.random() < 0.3,
        for_life=frozenset({3}) if dice.random() < 0.2 else frozenset(),
        gated=frozenset({2}) if dice.random() < 0.2 else frozenset(),
    )


def install(rules: Rules) -> None:
    Ladder.objects.update(
        window=rules.window, validity=rules.validity, downgrade=rules.downgrade, grace_days=rules.grace_days,
        starts_next_period=rules.starts_next_period,
    )  # fmt: skip
    for rank in range(4):
        gate = "stars" if rank in rules.gated else ""
        Tier.objects.filter(rank=rank).update(is_for_life=rank in rules.for_life, segment_key=gate)


def live(seed: int, *, members: int, steps: int) -> list[str]:
    """Some members through the same days under one ladder; half are assessed one by one, half together. Returns differences."""
    dice = random.Random(seed)
    rules = drawn_rules(dice)
    install(rules)
    people: dict[int, Person] = {}
    lots: dict[int, list[tuple[Lot, int]]] = {}
    now = day_start(dice.choice(DAYS)) + dice.choice(HOURS)
    for number in range(members):
        joined = day_start(dice.choice(DAYS)) - timedelta(days=dice.choice((0, 365, 1461)))
        member = Member.objects.create(member_no=f"H{seed}-{number}", joined_at=min(joined, now))
        people[member.pk], lots[member.pk] = Person(joined=member.joined_at), []
    ids = list(people)
    for step in range(steps):
        now = later(dice, now, people)
        for member_id in dice.sample(ids, k=max(1, len(ids) // 2)):
            act(dice, member_id, lots[member_id], f"{seed}:{step}", now)
        inside = set(dice.sample(ids, k=len(ids) // 2)) if dice.random() < 0.7 else None
        gates = None if inside is None else {"stars": inside}
        if dice.random() < 0.5:
            tiers.reassess(member_ids=ids, moment=now, segments=gates)
        elif dice.random() < 0.5:
            tiers.reassess(member_ids=None, moment=now, segments=gates)
        else:
            for member_id in ids:
                tiers.reassess(member_ids=[member_id], moment=now, segments=gates)
        for member_id, person in people.items():
            if lots[member_id]:
                opened = None if inside is None else frozenset({2} if member_id in inside else ())
                slow_tiers.look(rules, person, [lot for lot, _entry in lots[member_id]], now, opened)
        if found := differences(people, lots):
            return [f"seed {seed} step {step} {rules} {now}", *found]
    return []


def later(dice: random.Random, now: datetime, people: dict[int, Person]) -> datetime:
    """A little later, or just at or before an end that somebody waits for."""
    ends = [
        end for person in people.values() for end in (person.until, person.grace, person.coming_at) if end and end > now
    ]
    if ends and dice.random() < 0.5:
        at = min(ends) - dice.choice((timedelta(0), timedelta(microseconds=1)))
        return at if at > now else now + timedelta(microseconds=1)
    jump = dice.choice(
        (timedelta(hours=1), timedelta(days=1), timedelta(days=29), timedelta(days=31), timedelta(days=200))
    )
    return now + jump


def act(dice: random.Random, member_id: int, lots: list[tuple[Lot, int]], source: str, now: datetime) -> None:
    open_lots = [(lot, entry) for lot, entry in lots if lot.amount > lot.reversed]
    if open_lots and dice.random() < 0.45:
        lot, entry = dice.choice(open_lots)
        amount = lot.amount - lot.reversed if dice.random() < 0.7 else dice.randint(1, lot.amount - lot.reversed)
        points.reverse(entry_id=entry, amount=amount, source=f"r{source}", moment=now)
        lot.reversed += amount
        return
    amount = dice.choice((1, 999, 1000, 1001, 4000, 5000, 15_000, 20_000))
    entry = points.earn(member_id=member_id, amount=amount, source=f"e{source}", currency="growth", moment=now)
    lots.append((Lot(at=now, amount=amount), entry.entry_id))


def differences(people: dict[int, Person], lots: dict[int, list]) -> list[str]:
    found = []
    ranks = dict(Tier.objects.values_list("pk", "rank"))
    rows = {row.member_id: row for row in Standing.objects.filter(member_id__in=people)}
    for member_id, person in people.items():
        if not lots[member_id]:
            continue
        row = rows[member_id]
        mine = (
            person.rank, person.value, person.since, person.until, person.grace, person.coming, person.coming_at,
            person.ground and person.ground.needed,
            [(low, high, cause) for low, high, cause in person.moves],
        )  # fmt: skip
        theirs = (
            ranks[row.tier_id], row.value, row.since, row.valid_until, row.grace_until, ranks.get(row.coming_id or 0),
            row.coming_at, row.needed,
            list(TierChange.objects.filter(member_id=member_id).order_by("pk").values_list("before__rank", "after__rank", "cause")),
        )  # fmt: skip
        if mine != theirs:
            found.append(f"member {member_id}\n  slow {mine}\n  fast {theirs}")
    return found


@pytest.fixture
def ladder(db: None) -> None:
    ladders.install_defaults()
    with connection.cursor() as cursor:
        cursor.execute("set synchronous_commit = off")


@pytest.mark.parametrize("seed", range(6))
def test_random_histories_stand_as_the_rules_say(ladder: None, seed: int):
    assert live(seed, members=4, steps=12) == []


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1000, 1060))
def test_many_random_histories_stand_as_the_rules_say(ladder: None, seed: int):
    assert live(seed, members=8, steps=30) == []
