"""Computed traits and scores: exact values, windows, who has none, moved by changes and by time; a failure holds up nothing."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from apps.activity.models import Event
from apps.core.errors import ValidationFailed
from apps.flows import personalisation_off
from apps.members.models import Consent, Member
from apps.orders.models import Order
from apps.segments import building, defining, refresh
from apps.segments.models import Membership, Trait, TraitRun, TraitValue
from apps.segments.traits import defining as traits
from apps.segments.traits import shape, working
from tests.segments import trait_reference
from tests.segments.rule_reference import World
from tests.segments.rule_world import NOW, TRAITS, Brand

pytestmark = pytest.mark.django_db
SCORE: dict[str, Any] = {
    "kind": "score", "days": 30, "half_life_days": 10, "entries": [{"event": "product_viewed", "points": 5, "most_a_day": 2}]
}  # fmt: skip
_number = iter(range(1, 10**6))


def somebody(number: int = 1) -> Member:
    return Member.objects.create(member_no=f"V{number}", joined_at=NOW - timedelta(days=99))


def see(member: Member, at: datetime, name: str = "product_viewed", **properties: Any) -> None:
    Event.objects.create(
        occurred_at=at, received_at=at, event_id=UUID(int=next(_number)), name=name, member=member, source="test",
        properties=properties or {"sku": "P0"},
    )  # fmt: skip


def buy(member: Member, at: datetime, cents: int, **more: Any) -> Order:
    number = f"o{next(_number)}"
    return Order.objects.create(
        source="test", order_no=number, member=member, total_cents=cents, status="paid", paid_at=at, **more
    )


def trait(key: str, definition: dict[str, Any]) -> Trait:
    return traits.create(key=key, name=key, definition=definition)


def values(key: str, column: str = "number") -> dict[int, Any]:
    return dict(TraitValue.objects.filter(trait__key=key).values_list("member_id", column))


def worked(moment: datetime = NOW) -> None:
    working.refresh(working.live(), moment=moment)


def test_points_have_a_half_life_a_most_a_day_a_cap_and_a_floor() -> None:
    one, two = somebody(1), somebody(2)
    for _ in range(3):
        see(one, NOW)
        see(one, NOW - timedelta(days=10))
    see(one, NOW - timedelta(days=30))
    see(two, NOW - timedelta(days=29))
    trait("warm", SCORE)
    trait("capped", SCORE | {"cap": 12})
    trait("lifted", SCORE | {"floor": 3, "half_life_days": 1})
    trait("plain", {name: value for name, value in SCORE.items() if name != "half_life_days"})
    worked()
    assert values("warm") == {one.pk: 15, two.pk: 0.6699}, "10 now + 10 × ½; 5 × ½^2.9"
    assert values("capped") == {one.pk: 12, two.pk: 0.6699}
    assert values("lifted") == {one.pk: 10.0098, two.pk: 3}
    assert values("plain") == {one.pk: 20, two.pk: 5}, "thirty days ago is outside of thirty days"
    assert [shape.nothing(SCORE), shape.nothing(SCORE | {"floor": 3}), shape.nothing(SCORE | {"cap": -1})] == [0, 3, -1]


@pytest.mark.parametrize("seed", [1])
def test_scores_equal_a_loop_over_days_and_events(seed: int) -> None:
    dice, members = random.Random(seed), [somebody(n) for n in range(12)]
    for member in members:
        for _ in range(dice.randint(0, 25)):
            at = NOW - timedelta(
                days=dice.randint(0, 12), hours=dice.choice([0, 12, 13]), minutes=dice.choice([0, 30, 31])
            )
            see(
                member,
                at,
                name=dice.choice(["product_viewed", "searched"]),
                results=dice.choice([0, 3]),
                query="q",
                sku="P1",
            )
    for number in range(15):
        entries = [
            {"event": name, "points": dice.choice([-9, -1, 1, 5]), "most_a_day": dice.choice([1, 2, 9])}
            for name in ("product_viewed", "searched") if dice.random() < 0.8
        ] or SCORE["entries"]  # fmt: skip
        more = {"half_life_days": dice.choice([1, 7, 30])} if dice.random() < 0.8 else {}
        more |= {"cap": dice.choice([0, 3, 20])} if dice.random() < 0.5 else {}
        more |= {"floor": dice.choice([-20, -3, 0])} if dice.random() < 0.5 else {}
        trait(f"s{number}", {"kind": "score", "days": dice.choice([1, 5, 12, 13]), "entries": entries} | more)
    worked()
    world = World(NOW)
    for key, definition in Trait.objects.values_list("key", "definition"):
        found = values(key)
        for member in members:
            wanted = trait_reference.score(world, member.pk, definition)
            got = found.get(member.pk, shape.nothing(definition))
            assert got == pytest.approx(wanted, abs=0.000_11), (key, definition)


def test_first_last_and_top_go_by_time_and_count_and_of_nothing_there_is_none() -> None:
    one, two, child = somebody(1), somebody(2), somebody(3)
    Member.objects.filter(pk=child.pk).update(birth_year=2016)
    for sku, days in (("B", 3), ("B", 2), ("A", 2), ("A", 1), ("C", 1)):
        see(one, NOW - timedelta(days=days), sku=sku)
        see(child, NOW - timedelta(days=days), sku=sku)
    over = {"over": "events", "event": "product_viewed", "of": "property:sku"}
    trait("first", {"kind": "first"} | over)
    trait("last", {"kind": "last"} | over)
    trait("top", {"kind": "top", "n": 2} | over)
    trait("one", {"kind": "top", "n": 1} | over)
    trait("seen", {"kind": "max", "over": "events", "event": "product_viewed", "of": "occurred_at"})
    worked()
    assert (values("first", "text"), values("last", "text")) == ({one.pk: "B"}, {one.pk: "C"})
    assert values("one", "words") == {one.pk: ["A"]}
    assert values("top", "words") == {one.pk: ["A", "B"]}
    assert values("seen", "at") == {one.pk: NOW - timedelta(days=1)}
    assert two.pk not in values("first", "text")


def test_a_window_ends_at_midnight_or_after_so_many_hours() -> None:
    one = somebody()
    edge = NOW.replace(hour=0, minute=0) - timedelta(days=6)
    for at, cents in ((edge, 100), (edge - timedelta(seconds=1), 1_000), (NOW - timedelta(days=7), 10_000)):
        buy(one, at, cents)
    buy(one, NOW - timedelta(days=7) + timedelta(seconds=1), 100_000)
    buy(one, NOW + timedelta(seconds=1), 10**6)
    sums = {"kind": "sum", "over": "orders", "of": "net_cents"}
    trait("days", sums | {"within": {"last_days": 7}})
    trait("hours", sums | {"within": {"last_days": 7, "counted": "hours"}})
    worked()
    assert values("days") == {one.pk: 100}
    assert values("hours") == {one.pk: 101_100}


def test_segments_follow_traits_by_changes_and_by_time_alone() -> None:
    one, two = somebody(1), somebody(2)
    buy(one, NOW - timedelta(days=1), 500)
    refresh.refresh(NOW, full=True)
    spent = trait("spent", {"kind": "sum", "over": "orders", "of": "net_cents", "within": {"last_days": 2}})
    rule = {"field": "trait", "key": "spent", "op": "gte", "value": 500}
    rich = defining.create(key="rich", name="Rich", rule=rule)
    poor = defining.create(key="poor", name="Poor", rule={"field": "trait", "key": "spent", "op": "lte", "value": 0})

    def inside() -> list[set[int]]:
        return [set(Membership.objects.filter(segment=of).values_list("member_id", flat=True)) for of in (rich, poor)]

    building.build(NOW)
    assert inside() == [{one.pk}, {two.pk}]
    see(two, NOW, name="searched", query="q")
    buy(two, NOW, 600)
    figures = building.build(NOW + timedelta(minutes=1))
    assert (figures.whole, inside()) == (0, [{one.pk, two.pk}, set()]), "by changes alone"
    midnight = NOW.replace(hour=0, minute=0) + timedelta(days=1)
    building.build(midnight)
    assert inside() == [{two.pk}, {one.pk}]
    assert Trait.objects.get(pk=spent.pk).size == 1
    assert list(TraitRun.objects.values_list("changed", "size", "error")) == [(1, 1, ""), (1, 1, "")]
    with pytest.raises(ValidationFailed):
        traits.archive(trait_id=spent.pk)
    Consent.objects.create(
        member=two, purpose="profiling", channel="any", is_granted=False, source="t", text_version="1", at=NOW
    )
    personalisation_off._stop(two.pk)
    assert (values("spent"), Trait.objects.get(pk=spent.pk).size) == ({}, 0)


def test_a_trait_that_fails_says_so_once_and_holds_up_nothing() -> None:
    one = somebody()
    buy(one, NOW, 500)
    broken = trait("broken", {"kind": "count", "over": "events", "event": "product_viewed"})
    trait("whole", {"kind": "count", "over": "orders"})
    too_many = {"kind": "sum", "over": "orders", "of": "net_cents", "where": {"stores": ["x"] * 300}}
    Trait.objects.filter(pk=broken.pk).update(definition=too_many)
    for minute in range(3):
        figures = building.build(NOW + timedelta(minutes=minute))
    assert figures.failed == ["broken"]
    assert values("whole") == {one.pk: 1}
    [error] = TraitRun.objects.filter(trait=broken).values_list("error", flat=True)
    assert error == "not_a_list"


ODD = [None, 1, "x", [], {}, {"kind": "sum"}, {"kind": "sum", "over": "orders"}, {"kind": "median", "over": "orders"}]


def test_what_makes_no_trait_is_refused_with_its_place_and_nothing_is_written() -> None:
    good = TRAITS["sum"]
    wrong: list[tuple[Any, str, str]] = [
        (good | {"of": "channel"}, "/of", "not_to_be_taken"), (good | {"of": "brand"}, "/of", "unknown_value"),
        (good | {"event": "searched"}, "/event", "not_of_these"),
        (good | {"where": {"brands": ["x"]}}, "/where/brands", "not_of_these"),
        (TRAITS["count"] | {"event": "nobody"}, "/event", "unknown_event"), (TRAITS["tops"] | {"n": 0}, "/n", "out_of_bounds"),
        (TRAITS["score"] | {"cap": -6}, "/cap", "cap_below_floor"), (TRAITS["score"] | {"entries": []}, "/entries", "wrong_count"),
    ]  # fmt: skip
    for definition, pointer, code in wrong:
        with pytest.raises(ValidationFailed) as refusal:
            trait("wrong", definition)
        first = refusal.value.facts["errors"][0]  # type: ignore[index]
        assert (first["pointer"], first["code"]) == (pointer, code)
    for odd in ODD:
        with pytest.raises(ValidationFailed):
            trait("odd", odd)
    assert not Trait.objects.exists()


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1, 6))
def test_values_by_changes_equal_values_worked_out_whole(seed: int) -> None:
    brand = Brand(seed, 60)
    building.build(NOW)
    for _ in range(60):
        brand.change(brand.dice.choice(brand.members))
    refresh.refresh(NOW)
    building.build(NOW)
    kept = set(TraitValue.objects.values_list("trait__key", "member_id", "number", "text", "at"))
    TraitValue.objects.all().delete()
    worked()
    assert kept == set(TraitValue.objects.values_list("trait__key", "member_id", "number", "text", "at"))
