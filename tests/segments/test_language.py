"""Rules as data: what they mean, against a plain reading of the same words; and that nothing odd gets through."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from jsonschema import Draft202012Validator

from apps.segments import language
from apps.segments.language import schema
from apps.segments.language.fields import FIELDS
from tests.segments.rule_reference import World
from tests.segments.rule_world import NOW, Brand
from tests.segments.rules_drawn import LEAVES, Rules

pytestmark = pytest.mark.django_db


def found(rule: object, only: str = "") -> set[int]:
    read = language.compiled(rule, moment=NOW, only=only)
    with connection.cursor() as cursor:
        cursor.execute(read.members(more=f"and m.id in ({only})" if only else ""), read.params)
        return {row[0] for row in cursor.fetchall()}


def _compare(*, seed: int, members: int, rules: int) -> int:
    """Differences raise; returns how many rules chose some and not all."""
    brand = Brand(seed, members)
    world = World(NOW)
    made = Rules(seed, [tier.key for tier in brand.tiers], brand.currency.key)
    drawn = [made.leaf(name) for name in sorted(LEAVES)] + [made.rule() for _ in range(rules)]
    telling = 0
    some = sorted(world.members)[::3]
    only = f"select unnest(array{some})::bigint"
    for rule in drawn:
        wanted = world.matching(rule)
        assert found(rule) == wanted, rule
        assert found(rule, only) == wanted & set(some), rule
        telling += 0 < len(wanted) < members
    return telling


def test_rules_find_whom_a_plain_reading_finds() -> None:
    assert _compare(seed=1, members=40, rules=60) > 60


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2, 12))
def test_two_hundred_rules_find_whom_a_plain_reading_finds(seed: int) -> None:
    assert _compare(seed=seed, members=120, rules=200) > 100


def test_every_field_is_drawn_in_these_tests() -> None:
    assert LEAVES.keys() == FIELDS.keys()


ODD = [
    None, True, 0, -1, 10**30, 1.5, float("nan"), float("inf"), "", "stage", "in", "'; drop table care_touch; --", "\0", "\ud800",
    "%s", "%(r_1)s", "a" * 100, [], {}, ["lapsing"], [None], ["%"], [["x"]], {"all": []}, "gte", "any_of", "tags", [1, 2], [2, 1],
    "0001-01-01", "9999-12-31", {"last_days": 10**9}, {"from": "0001-01-01"}, {"from": "2026-02-30"}, {"to": "2200-12-31T23:59:59Z"},
    {"days_ago": [0, 3650]}, {"next_days": True}, {"properties": {"sku": [""]}}, {"stores": []}, {"at_least_cents": -(10**15)},
    {"from": "2026-01-02", "to": "2026-01-01"}, {"properties": {"'": ["x"]}}, "marketing:any", "custom.x",
]  # fmt: skip


def _odd(made: Rules, depth: int = 0) -> object:
    """Mostly rules with one thing wrong, some right, some nothing of the kind."""
    dice, roll = made.dice, made.dice.random()
    if roll < 0.1 or depth > 7:
        return dice.choice(ODD)
    if roll < 0.3:
        return {dice.choice(["all", "any"]): [_odd(made, depth + 1) for _ in range(dice.randint(0, 3))]}
    if roll < 0.35:
        return {"not": _odd(made, depth + 1)}
    leaf = made.leaf(dice.choice(sorted(LEAVES)))
    if dice.random() < 0.6:
        leaf[dice.choice(["field", "op", "value", "key", "within", "where"])] = dice.choice(ODD)
    return leaf


def _throw(seed: int, times: int) -> tuple[int, int]:
    """How many odd rules ran and how many were refused; anything else raises."""
    brand = Brand(seed, 5)
    made = Rules(seed, [tier.key for tier in brand.tiers], brand.currency.key)
    known, ran, refused = language.Known(), 0, 0
    with connection.cursor() as cursor:
        for _ in range(times):
            try:
                read = language.compiled(_odd(made), moment=NOW, at="/rule", known=known)
            except language.BadRule as refusal:
                refused += refusal.pointer.startswith("/rule") and bool(str(refusal.text))
            else:
                cursor.execute("set local statement_timeout = 1000")
                cursor.execute(read.members(), read.params)
                ran += 1
    assert ran + refused == times
    return ran, refused


def test_an_odd_rule_is_refused_with_a_pointer_or_runs() -> None:
    ran, refused = _throw(20_260_310, 600)
    assert ran > 100
    assert refused > 300


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_odd_rules(seed: int) -> None:
    ran, refused = _throw(seed, 10_000)
    assert ran > 1_500
    assert refused > 5_000


def test_the_published_schema_is_that_of_the_fields_and_takes_every_rule() -> None:
    published = Path(settings.BASE_DIR) / "docs" / "segment-rule.schema.json"
    assert json.loads(published.read_text()) == schema.published()
    Draft202012Validator.check_schema(schema.published())
    foreign, made = Draft202012Validator(schema.published()), Rules(4, ["gold", "plain"], "points")
    for rule in [{}, *(made.leaf(name) for name in sorted(LEAVES)), *(made.rule() for _ in range(40))]:
        assert foreign.is_valid(rule), rule
    for odd in (
        {"all": []},
        {"field": "stage"},
        {"field": "gone", "op": "in", "value": ["x"]},
        {"not": {}},
        {"all": [{}], "any": []},
    ):
        assert not foreign.is_valid(odd), odd
