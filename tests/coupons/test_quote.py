import random
import time
from datetime import datetime

import pytest

from apps.core import clock
from apps.coupons import matching
from apps.coupons.basket import Reason
from apps.coupons.judging import Fit, judge
from apps.coupons.quote import Quote, quote, together
from tests.coupons.baskets import SHOPPER, basket, held, invented, knapsack, line, most_by_search, priced


def check_sums(found: Quote) -> None:
    """No line below zero, each coupon once, the sum is the sum of its parts."""
    left = {one.number: one.cents for one in found.lines}
    for offer in found.best:
        assert offer.best.cents > 0
        assert sum(offer.best.lines.values()) == (0 if offer.held.terms.level == "shipping" else offer.best.cents)
        for number, cents in offer.best.lines.items():
            left[number] -= cents
    assert min(left.values()) >= 0
    assert found.saved_cents == sum(offer.best.cents for offer in found.best)
    levels = [offer.held.terms.level for offer in found.best]
    assert levels.count("order") <= 1
    assert levels.count("shipping") <= 1


def compare(seeds: range, make=invented, **size: int) -> None:
    for seed in seeds:
        wallet, bought = make(random.Random(seed), **size)
        found = quote(wallet, SHOPPER, bought)
        check_sums(found)
        saved = bought.cents - (found.goods_cents - found.saved_cents)
        assert (saved, found.is_proven) == (most_by_search(wallet, bought), True), seed
        assert len(found.offers) == len(wallet)
        best = [offer.held for offer in found.best]
        again = together(best, SHOPPER, bought)
        assert not best or sum(one.cents for one in again.savings.values()) - sum(one.cents for one in again.lines) == (
            found.saved_cents - found.goods_cents
        ), seed


def test_the_best_is_that_of_a_search_through_all_combinations():
    compare(range(1_500))


def test_prices_and_bundles_take_part_in_the_search():
    compare(range(900), priced)


@pytest.mark.parametrize("seed", [5_430, 8_040, 9_602])  # found among 58,000: without branching 1 分 or more is missed
def test_where_two_sums_pull_apart_the_best_is_found_by_branching(seed):
    compare(range(seed, seed + 1), coupons=8)


@pytest.mark.nightly
def test_the_best_is_that_of_a_search_through_all_combinations_of_greater_baskets():
    compare(range(20_000))
    compare(range(400), coupons=9, lines=5, most=300)
    compare(range(20_000), priced)
    compare(range(1_000), priced, coupons=8, lines=4, most=300)


PERCENT = {"kind": "percent", "off": 10, "at_most_cents": 500}
STEPS = {
    "kind": "steps",
    "steps": [{"from_cents": 10_000, "off_cents": 1_000}, {"from_cents": 20_000, "off_cents": 3_000}],
}
FREE = {"kind": "free_item"}


@pytest.mark.parametrize(
    ("gives", "said", "saves"),
    [
        ({"kind": "amount", "cents": 3_000}, {}, 3_000),
        ({"kind": "amount", "cents": 99_999}, {}, 10_997),
        (PERCENT, {}, 500),
        ({"kind": "percent", "off": 10}, {}, 1_099),  # 10% of 109.97, rounded down
        ({"kind": "percent", "off": 10}, {"only": {"brands": ["Tea"]}}, 300),
        (STEPS, {}, 1_000),
        ({"kind": "amount", "cents": 700}, {"level": "item"}, 700),
        (FREE, {"level": "item"}, 7_997),
        (FREE, {"level": "item", "never": {"products": ["X"]}}, 3_000),
        (FREE, {"level": "item", "units": 2, "only": {"products": ["T"]}}, 2_000),
        ({"kind": "fixed_price", "cents": 990}, {"level": "item", "only": {"categories": ["茶"]}}, 30),
        ({"kind": "percent", "off": 50}, {"level": "item", "units": 1, "only": {"products": ["T"]}}, 500),
        ({"kind": "shipping"}, {"level": "shipping"}, 800),
        ({"kind": "shipping", "at_most_cents": 300}, {"level": "shipping"}, 300),
    ],
)
def test_what_a_coupon_saves_alone(gives, said, saves):
    bought = basket(line(1, 7_997, sku="X"), line(2, 1_000, 3, sku="T", category="茶", brand="Tea"), shipping_cents=800)
    fit = judge(held(1, gives, **said), SHOPPER, bought)
    assert isinstance(fit, Fit)
    assert fit.alone == saves


@pytest.mark.parametrize(
    ("said", "code", "facts"),
    [
        ({"state": "used"}, "coupon_already_redeemed", {}),
        ({"ends_in": 0}, "coupon_expired", {"ended_at": "2026-11-27"}),
        ({"stores": ["s2"]}, "coupon_wrong_store", {"stores": ["s2"]}),
        ({"channels": ["web"]}, "coupon_wrong_channel", {"channels": ["web"]}),
        ({"tiers": ["gold"]}, "coupon_wrong_tier", {"tiers": ["gold"]}),
        ({"segments": ["stage:new"]}, "coupon_wrong_segment", {}),
        ({"groups": ["g"]}, "coupon_wrong_group", {}),
        ({"weekdays": [4, 6]}, "coupon_wrong_time", {}),
        ({"hours": [{"from": "15:01", "until": "15:00"}]}, None, {}),
        ({"only": {"products": ["Z"]}}, "coupon_no_match", {}),
        ({"minimum_cents": 11_200}, "coupon_min_spend", {"missing_cents": 1_200, "missing": "¥12.00"}),
        ({"gives": STEPS, "only": {"products": ["B"]}}, "coupon_min_spend", {"missing_cents": 9_000, "missing": "¥90.00"}),
        ({"minimum_quantity": 4}, "coupon_min_quantity", {"missing": 2}),
        ({"gives": {"kind": "shipping"}, "level": "shipping"}, "coupon_no_effect", {}),
        ({"gives": {"kind": "fixed_price", "cents": 9_000}, "level": "item"}, "coupon_no_effect", {}),
    ],
)  # fmt: skip
def test_the_first_thing_that_speaks_against_it_is_told_with_its_facts(said, code, facts):
    bought = basket(line(1, 9_000), line(2, 1_000, sku="B"), store="s1", channel="store")
    found = judge(held(1, **said), SHOPPER, bought)
    if code is None:
        assert found == Reason("coupon_wrong_time")
        return
    assert found == Reason(code, facts)


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        ("2026-11-27T21:59", False),
        ("2026-11-27T22:00", True),
        ("2026-11-28T01:59:59", True),  # the night that began on Friday
        ("2026-11-28T02:00", False),
        ("2026-11-28T23:00", False),  # Saturday's own night
        ("2026-11-27T01:00", False),  # Thursday's
    ],
)
def test_hours_past_midnight_belong_to_the_day_on_which_they_began(at, counts):
    friday_night = held(1, weekdays=[5], hours=[{"from": "22:00", "until": "02:00"}])
    bought = basket(line(1, 9_000), at=datetime.fromisoformat(at).replace(tzinfo=clock.SHOP_ZONE))
    assert isinstance(judge(friday_night, SHOPPER, bought), Fit) is counts


def test_a_till_that_knows_no_goods_needs_a_clerk_who_vouches():
    tea = held(1, only={"brands": ["Tea"]}, minimum_cents=5_000)
    unknown = line(1, 9_000, sku="")
    assert judge(tea, SHOPPER, basket(unknown)) == Reason("coupon_unknown_goods")
    assert judge(tea, SHOPPER, basket(unknown, is_vouched=True)).alone == 3_000
    small = basket(line(1, 4_000, sku=""), is_vouched=True)
    assert judge(tea, SHOPPER, small).code == "coupon_min_spend"

    cup = held(2, FREE, level="item")  # an amount is no unit: the whole receipt is not given away
    assert judge(cup, SHOPPER, basket(unknown, is_vouched=True)) == Reason("coupon_no_match")
    assert judge(cup, SHOPPER, basket(unknown, line(2, 900, sku="", is_units=True))).alone == 900


def test_an_order_coupon_takes_what_the_lines_have_left_and_is_split_to_the_last_cent():
    bought = basket(line(1, 1_000), line(2, 1_000), line(3, 999))
    half = held(1, {"kind": "percent", "off": 50}, level="item")
    found = quote([half, held(2, {"kind": "amount", "cents": 1_000})], SHOPPER, bought)
    parts = {offer.held.id: dict(offer.best.lines) for offer in found.best}
    assert found.saved_cents == 1_500
    assert sum(parts[2].values()) == 1_000
    assert parts == {1: {1: 500}, 2: {1: 200, 2: 400, 3: 400}}
    everything = quote([half, held(2, {"kind": "amount", "cents": 9_000})], SHOPPER, bought)
    assert (everything.saved_cents, [offer.held.id for offer in everything.best]) == (2_999, [2])  # the other is kept


def test_offers_are_ranked_and_equals_fall_to_the_one_that_ends_earlier():
    bought = basket(line(1, 9_000))
    later, sooner = held(1, ends_in=9), held(2, ends_in=3)
    near, far = held(3, minimum_cents=9_500), held(4, minimum_cents=20_000, ends_in=1)
    expired, cup = held(5, ends_in=-2), held(6, {"kind": "exchange", "what": "杯", "worth_cents": 50}, level="gift")
    alone = held(7, {"kind": "amount", "cents": 2_500}, without=["order"], level="item")
    for wallet in ([later, sooner, near, far, expired, cup, alone], [alone, cup, expired, far, near, sooner, later]):
        found = quote(wallet, SHOPPER, bought)
        assert [offer.held.id for offer in found.offers] == [2, 1, 7, 6, 3, 4, 5]
        assert [offer.held.id for offer in found.best] == [2]
        assert found.saved_cents == 3_000


def test_without_is_asked_of_both_sides_and_of_points():
    bought = basket(line(1, 9_000), shipping_cents=800)
    shy = held(1, {"kind": "shipping"}, level="shipping", without=["order"])
    order = held(2, without=["points"])
    assert quote([shy, order], SHOPPER, bought).saved_cents == 3_000
    with_points = quote([shy, order], SHOPPER, bought, with_points=True)
    assert (with_points.saved_cents, with_points.offers[1].reason) == (800, Reason("coupon_not_stackable"))
    assert together([order, shy], SHOPPER, bought) == (shy, Reason("coupon_not_stackable"))


def test_chosen_coupons_are_used_all_even_where_the_best_would_leave_one():
    bought = basket(line(1, 1_000), line(2, 600, sku="B"))
    half, whole = held(1, {"kind": "percent", "off": 50}, level="item"), held(2, {"kind": "amount", "cents": 9_000})
    assert [offer.held for offer in quote([half, whole], SHOPPER, bought).best] == [whole]
    assert {one: dict(saving.lines) for one, saving in together([half, whole], SHOPPER, bought).savings.items()} == {
        1: {1: 500},
        2: {1: 500, 2: 600},
    }
    third = held(3, {"kind": "percent", "off": 30}, level="item")
    narrow = held(4, {"kind": "amount", "cents": 10}, level="item", only={"products": ["B"]})
    assert together([half, third, narrow], SHOPPER, bought) == (narrow, Reason("coupon_not_stackable"))


def test_a_coupon_for_list_prices_only_falls_beside_special_prices_or_gives_one_up_where_it_saves_more():
    member = line(1, 9_000, sku="A", is_special=True, back_cents=10_000)
    plain, bundled = line(2, 5_000, sku="B"), line(3, 3_000, sku="C", is_special=True)
    at_list = (member.at_list(), plain, line(3, 4_000, sku="C"))
    bought = basket(member, plain, bundled, ways=(at_list,))
    half = {"kind": "percent", "off": 50}
    of_a = held(1, half, level="item", only={"products": ["A"]}, list_price_only=True)
    found = quote([of_a], SHOPPER, bought)
    assert (found.goods_cents, found.saved_cents, found.offers[0].alone) == (18_000, 5_000, 4_000)  # 10,000 − 5,000
    assert [one.cents for one in found.lines] == [10_000, 5_000, 3_000]
    assert together([of_a], SHOPPER, bought).savings[1].lines == {1: 5_000}

    small = held(2, {"kind": "amount", "cents": 900}, level="item", only={"products": ["A"]}, list_price_only=True)
    refused = quote([small], SHOPPER, bought)
    assert (refused.goods_cents, refused.offers[0].reason) == (17_000, Reason("coupon_price_better"))
    of_c = held(3, half, level="item", only={"products": ["C"]}, list_price_only=True)
    assert judge(of_c, SHOPPER, basket(bundled)) == Reason("coupon_special_price")
    order = held(4, {"kind": "amount", "cents": 1_500}, list_price_only=True)
    assert quote([order], SHOPPER, bought).saved_cents == 1_500  # off the line without a special price
    from_all = held(5, {"kind": "amount", "cents": 2_500}, list_price_only=True, minimum_cents=19_000)
    given_up = quote([from_all], SHOPPER, bought)
    assert (given_up.goods_cents, given_up.saved_cents, given_up.offers[0].alone) == (19_000, 2_500, 500)


def test_a_search_that_is_cut_short_says_so_and_by_how_much_it_may_be_wrong(monkeypatch):
    wallet, bought = knapsack(random.Random(3), 12)
    best = quote(wallet, SHOPPER, bought)
    assert (best.is_proven, best.more_cents) == (True, 0)
    monkeypatch.setattr(matching, "MOST_WORK", 0)
    cut = quote(wallet, SHOPPER, bought)
    check_sums(cut)
    assert cut.is_proven is False
    assert cut.saved_cents <= best.saved_cents <= cut.saved_cents + cut.more_cents


@pytest.mark.nightly
def test_a_basket_built_to_be_hard_is_answered_within_seconds():
    for seed in range(8):
        wallet, bought = knapsack(random.Random(seed), 40)
        began = time.perf_counter()
        found = quote(wallet, SHOPPER, bought)
        assert time.perf_counter() - began < 10
        check_sums(found)
        assert found.is_proven is (found.more_cents == 0)
