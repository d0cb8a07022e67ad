import random
from datetime import datetime, timedelta
from itertools import combinations

import pytest

from apps.catalog import bundling, pricing
from apps.catalog.models import whole_week
from apps.catalog.pricing import Buyer, Hint, Offer, Rule, Sheet, Special, Wanted, When
from apps.core import clock

AT = datetime(2026, 11, 27, 15, 0, tzinfo=clock.SHOP_ZONE)  # a Friday
MEMBER = Buyer(AT, is_member=True, tier="gold", store="S1", channel="store")


def when(audience: str = "", *, store: str = "", channel: str = "", days: int | None = None, week=None) -> When:
    ends = AT + timedelta(days=days) if days is not None else None
    return When(audience, store, channel, AT - timedelta(days=1), ends, week or whole_week())


def bundle(kind: str, *skus: str, number: int = 1, **said) -> Offer:
    items = said.pop("items", dict.fromkeys(skus, 1))
    return Offer(number, kind, f"套{number}", items, said.pop("when", when()), **said)


def cents(priced: pricing.Priced) -> list[list[int]]:
    return [[line.cents for line in way] for way in priced.ways]


def test_of_the_prices_that_count_here_and_now_for_the_shopper_the_lowest_does():
    specials = [
        Special(1, 900, when("*")), Special(2, 850, when("gold")), Special(3, 800, when("black")),
        Special(4, 700, when(store="S2")), Special(5, 600, when(channel="online")), Special(6, 990, when(days=1)),
        Special(7, 100, when(week=pricing.week_of([6], []))), Special(8, 1_200, when()),
    ]  # fmt: skip
    sheet = Sheet({"A": 1_000}, {"A": specials})
    asked = [Wanted(1, "A", 2), Wanted(2, "A", unit_cents=1_500)]
    found = pricing.price(asked, sheet, MEMBER)
    assert cents(found) == [[1_700, 1_500], [2_000, 1_500]]
    assert [line.rules for line in found.ways[0]] == [(Rule("tier", 2),), (Rule("given"),)]
    stranger = pricing.price(asked, sheet, Buyer(AT, store="S1"))
    assert cents(stranger)[0] == [1_980, 1_500]
    assert stranger.ways[0][0].rules == (Rule("timed", 6, "", AT + timedelta(days=1)),)
    assert pricing.price([Wanted(1, "B"), Wanted(2, "A")], sheet, MEMBER).missing == ("B",)


@pytest.mark.parametrize(
    ("asked", "offer", "lines"),
    [
        ({"A": 2}, bundle("for", "A", count=2, cents=9_900), [9_900]),
        ({"A": 5}, bundle("for", "A", count=2, cents=9_900), [9_900 * 2 + 6_000]),
        ({"A": 1, "B": 2}, bundle("for", "A", "B", count=2, cents=9_900), [5_400, 4_500 + 5_000]),
        ({"A": 2, "B": 1}, bundle("set", items={"A": 1, "B": 1}, cents=8_000), [4_364 + 6_000, 3_636]),
        ({"A": 2, "B": 1}, bundle("nth", "A", "B", count=2, percent=50), [9_000, 5_000]),
        ({"B": 3}, bundle("nth", "B", count=3, percent=0), [10_000]),
        ({"B": 2}, bundle("for", "B", count=2, cents=10_000), [10_000]),  # saves nothing
        ({"B": 1}, bundle("for", "B", count=2, cents=1), [5_000]),
    ],
)
def test_bundles_take_the_dearest_units_and_are_split_to_the_last_cent(asked, offer, lines):
    sheet = Sheet({"A": 6_000, "B": 5_000}, bundles=[offer])
    wanted = [Wanted(number, sku, count) for number, (sku, count) in enumerate(asked.items(), start=1)]
    assert cents(pricing.price(wanted, sheet, MEMBER))[0] == lines


def test_a_unit_has_one_price_the_member_price_or_its_part_of_a_bundle():
    lists, member = {"A": 6_000, "B": 5_000}, {"A": [Special(1, 4_000, when("*"))]}
    half = Sheet(lists, member, [bundle("nth", "A", count=2, percent=50)])
    assert cents(pricing.price([Wanted(1, "A", 2)], half, MEMBER)) == [[8_000], [12_000]]  # 9,000 for two is dearer
    assert cents(pricing.price([Wanted(1, "A", 2)], half, Buyer(AT))) == [[9_000], [12_000]]
    two = Sheet(lists, member, [bundle("for", "A", "B", count=2, cents=7_500)])
    found = pricing.price([Wanted(1, "A"), Wanted(2, "B"), Wanted(3, "A")], two, MEMBER)
    assert cents(found) == [[3_333, 4_167, 4_000], [4_000, 5_000, 4_000], [6_000, 5_000, 6_000]]
    assert [[rule.kind for rule in line.rules] for line in found.ways[0]] == [["bundle"], ["bundle"], ["member"]]


def test_a_line_says_when_its_price_ends_and_what_a_bundle_lacks():
    evening = pricing.week_of([5], [(14 * 60, 17 * 60)])
    sheet = Sheet(
        {"A": 6_000, "B": 5_000},
        {"A": [Special(1, 4_000, when("*", week=evening))]},
        [bundle("for", "B", count=3, cents=9_000), bundle("set", items={"B": 1, "C": 2}, cents=1, number=2)],
    )
    found = pricing.price([Wanted(1, "A"), Wanted(2, "B", 2)], sheet, MEMBER)
    assert found.ways[0][0].rules[0].until == AT + timedelta(hours=2)
    assert found.hints == {
        1: (Hint("price_ends", {"hours": 2, "minutes": 0}),),
        2: (
            Hint("bundle_more", {"missing": 1, "name": "套1", "skus": ["B"]}),
            Hint("bundle_more", {"missing": 2, "name": "套2", "skus": ["C"]}),
        ),
    }


def test_a_week_is_cut_into_minutes_and_a_night_belongs_to_the_day_on_which_it_began():
    assert pricing.week_of([], []) == whole_week()
    assert pricing.week_of([7], [(22 * 60, 2 * 60)]) == ((0, 120), (6 * 1_440 + 1_320, 7 * 1_440))
    assert pricing.week_of([1, 2], []) == ((0, 2_880),)
    night = When("", "", "", AT, None, pricing.week_of([7], [(22 * 60, 2 * 60)]))
    sunday = datetime(2026, 11, 29, 23, 30, tzinfo=clock.SHOP_ZONE)
    assert (night.is_on(sunday), night.until(sunday)) == (True, sunday + timedelta(hours=2, minutes=30))
    assert night.is_on(sunday + timedelta(hours=3)) is False


def most_by_search(kinds, offers) -> int:
    """All ways to put units into groups, one unit after another."""
    units = [kind for kind in kinds for _ in range(kind.count)]

    def value(left: tuple[int, ...]) -> int:
        if not left:
            return 0
        best = value(left[1:])
        for offer in offers:
            size = sum(offer.items.values()) if offer.kind == "set" else offer.count
            for others in combinations(left[1:], size - 1):
                mine = [units[place] for place in (left[0], *others)]
                if fits(offer, mine):
                    rest = tuple(place for place in left[1:] if place not in others)
                    best = max(best, gain(offer, mine) + value(rest))
        return best

    return value(tuple(range(len(units))))


def fits(offer, mine) -> bool:
    skus = [unit.sku for unit in mine]
    if offer.kind == "set":
        return {sku: skus.count(sku) for sku in set(skus)} == dict(offer.items)
    return set(skus) <= set(offer.items)


def gain(offer, mine) -> int:
    alone = sum(unit.own for unit in mine)
    if offer.kind != "nth":
        return alone - offer.cents
    listed = sorted(unit.listed for unit in mine)
    return alone - sum(listed) + listed[0] * (100 - offer.percent) // 100


def compare(seeds: range, units: int) -> None:
    for seed in seeds:
        chance = random.Random(seed)
        kinds, left = [], units
        for sku in "ABCD"[: chance.randint(1, 4)]:
            count = chance.randint(1, max(left - 1, 1))
            left = max(left - count, 1)
            listed = chance.randint(1, 40)
            kinds.append(bundling.Kind(sku, listed, chance.choice([listed, chance.randint(0, listed)]), count))
        offers = []
        for number in range(1, chance.randint(1, 3) + 1):
            kind, skus = chance.choice(["for", "set", "nth"]), chance.sample("ABCD", chance.randint(1, 3))
            if kind == "set":
                items = {sku: chance.randint(1, 2) for sku in skus}
                items = items if sum(items.values()) > 1 else {skus[0]: 2}
                offers.append(bundle(kind, items=items, cents=chance.randint(0, 60), number=number))
            else:
                size, percent = chance.randint(2, 3), chance.choice([0, 33, 50])
                offers.append(
                    bundle(kind, *skus, count=size, cents=chance.randint(0, 60), percent=percent, number=number)
                )
        packed = bundling.pack(kinds, offers)
        assert packed.is_proven
        assert sum(group.saved for group in packed.groups) == most_by_search(kinds, offers), seed


def test_bundles_save_what_a_search_through_all_groups_finds():
    compare(range(400), 6)


@pytest.mark.nightly
def test_bundles_save_what_a_search_finds_in_greater_baskets():
    compare(range(10_000), 8)


def test_where_there_are_too_many_bundles_to_try_the_answer_says_that_it_is_not_proven():
    skus = [f"S{n}" for n in range(30)]
    offers = [bundle("for", *skus, count=3, cents=5_000), bundle("nth", *skus, count=2, percent=50, number=2)]
    kinds = [bundling.Kind(sku, 2_000 + 37 * n, 2_000 + 37 * n, 2) for n, sku in enumerate(skus)]
    packed = bundling.pack(kinds, offers)
    assert packed.is_proven is False
    assert sum(group.saved for group in packed.groups) > 0
    assert bundling.pack(kinds, offers[:1]).is_proven  # one bundle is exact however many goods there are
