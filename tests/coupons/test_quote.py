import random
from datetime import datetime

import pytest

from apps.core import clock
from apps.coupons.basket import Reason
from apps.coupons.judging import Fit, judge
from apps.coupons.quote import Quote, quote, together
from tests.coupons.baskets import SHOPPER, basket, held, invented, line, most_by_search


def check_sums(found: Quote, bought) -> None:
    """No line below zero, each coupon once, the sum is the sum of its parts."""
    left = {one.number: one.cents for one in bought.lines}
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


def compare(seeds: range, **size: int) -> None:
    for seed in seeds:
        wallet, bought = invented(random.Random(seed), **size)
        found = quote(wallet, SHOPPER, bought)
        check_sums(found, bought)
        assert found.saved_cents == most_by_search(wallet, bought), seed
        assert len(found.offers) == len(wallet)


def test_the_best_is_that_of_a_search_through_all_combinations():
    compare(range(2_000))


@pytest.mark.nightly
def test_the_best_is_that_of_a_search_through_all_combinations_of_greater_baskets():
    compare(range(20_000))
    compare(range(400), coupons=9, lines=5, most=300)
