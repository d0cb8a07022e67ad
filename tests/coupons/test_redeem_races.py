"""Many at once; the full scale is `bin/manage prove_value`."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from apps.core import clock
from apps.coupons import proving_tills as proving
from apps.coupons import redeeming, tasks, templates
from apps.coupons.basket import Basket, Line, Shopper
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Budget, Coupon, Spent, Use
from apps.coupons.redeeming import Act
from apps.members.models import Member
from apps.stores.models import Store
from tests.coupons import making

pytestmark = pytest.mark.django_db(transaction=True)


def wallet(count: int) -> list[Coupon]:
    member, of = Member.objects.create(member_no="R1"), making.template(most=None)
    return [making.coupon(of, member) for _ in range(count)]


def act(coupon: Coupon, source: str) -> Act:
    return Act([coupon.pk], Shopper(coupon.member_id or 0), Basket((Line(1, 9_000),), at=clock.now()), source)


def at_once(*calls):
    """What each answered."""
    gate = Barrier(len(calls))

    def work(call):
        try:
            connection.ensure_connection()
            gate.wait()
            return call()
        except CouponRefused as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(work, calls))


def test_of_tills_in_two_stores_that_read_one_coupon_at_once_one_has_it_and_the_others_are_told_where():
    coupons, stores = wallet(10), [Store.objects.create(code=code, name=code) for code in ("s1", "s2")]
    crowd = proving.scan_at_once(coupons=coupons, stores=stores, tills=12)
    assert proving.zeros(crowd, coupons) == {
        "used_twice": 0, "not_used": 0, "not_kept": 0, "told_wrong": 0, "other_answers": 0,
    }  # fmt: skip
    assert sum(len(till.told) for till in crowd) == 110


def test_copies_of_one_act_at_once_have_one_effect_and_one_receipt():
    (coupon,) = wallet(1)
    receipts = at_once(*[lambda: redeeming.redeem(act(coupon, "till:1"))] * 8)
    assert sorted(receipt.is_new for receipt in receipts) == [*[False] * 7, True]
    assert {receipt.id for receipt in receipts} == {Use.objects.get().pk}


def test_a_budget_for_three_uses_bears_eight_tills():
    coupons = wallet(8)
    budget = Budget.objects.create(template=coupons[0].template, per="total", of="uses", most=3)
    answers = at_once(*[lambda n=n: redeeming.redeem(act(coupons[n], f"till:{n}")) for n in range(8)])
    assert answers.count("coupon_budget_spent") == 5
    assert (Spent.objects.get(budget=budget).amount, Use.objects.count()) == (3, 3)

    redeeming.take_back(source=Use.objects.first().source)
    assert Spent.objects.get(budget=budget).amount == 2


def test_nothing_is_redeemed_after_a_stop_has_been_committed():
    coupons = wallet(8)
    calls = [lambda n=n: redeeming.redeem(act(coupons[n], f"till:{n}")) for n in range(7)]
    answers = at_once(*calls, lambda: templates.stop(template_id=coupons[0].template_id))
    assert all(answer == "coupon_frozen" or answer.state == "done" for answer in answers[:7])
    assert refused_to(coupons[7]) == "coupon_frozen"


def refused_to(coupon: Coupon) -> str:
    with pytest.raises(CouponRefused) as caught:
        redeeming.redeem(act(coupon, "late"))
    return caught.value.code


def test_reservations_of_clients_that_never_come_back_are_let_go(clock):
    coupons = wallet(10)
    Budget.objects.create(template=coupons[0].template, per="total", of="uses", most=10)
    begun = [redeeming.reserve(act(coupon, f"web:{coupon.pk}")) for coupon in coupons]
    clock(begun[-1].reserved_until + timedelta(seconds=30))

    tasks.release_reservations()

    assert set(Use.objects.values_list("state", flat=True)) == {"cancelled"}
    assert set(Coupon.objects.values_list("state", flat=True)) == {"ready"}
    assert set(Spent.objects.values_list("amount", flat=True)) == {0}
