"""Coupons that achievements and tasks give: once, taken back with their cause, and the same one when it is reached again."""

import pytest

from apps.coupons.models import Coupon, Entry
from apps.members.models import Member
from apps.orders import services as orders
from apps.points.models import Achievement, Currency
from tests.coupons import making
from tests.flows.test_coupon_stories import coupons, deliver, person
from tests.points.orders import paid, rule, totals

pytestmark = pytest.mark.django_db


@pytest.fixture
def goal() -> Achievement:
    making.template("goal", most=9)
    return Achievement.objects.create(
        key="two", name="两单", name_en="Two", measure={"kind": "orders"}, target=2, period="life", points=50,
        coupon_key="goal", currency=Currency.objects.get(key="points"), is_active=True,
    )  # fmt: skip


def bought(member: Member, no: str) -> int:
    order = paid(member, no, 1000)
    deliver()
    return order.pk


def back(order_id: int) -> None:
    orders.refund(order_id=order_id, source=f"back:{order_id}")
    deliver()


def history() -> list[str]:
    return list(Entry.objects.order_by("pk").values_list("kind", flat=True))


def test_an_achievement_gives_its_coupon_once_takes_it_back_and_gives_the_same_again(goal: Achievement):
    member = person(1)
    bought(member, "1")
    assert coupons(member) == []
    second = bought(member, "2")
    assert coupons(member) == [("goal", "ready", 1)]
    assert Coupon.objects.get().channel == "task"

    back(second)
    assert (coupons(member), totals(member)[0]) == ([("goal", "recalled", 1)], 0)
    third = bought(member, "3")
    assert (coupons(member), totals(member)[0]) == ([("goal", "ready", 1)], 50)
    assert history() == ["recalled", "restored"]

    Coupon.objects.update(state="used")
    back(third)
    bought(member, "4")
    assert (coupons(member), totals(member)[0]) == ([("goal", "used", 1)], 50)


def test_a_coupon_that_cannot_come_leaves_the_points_and_what_is_no_longer_given_is_still_taken_back(goal: Achievement):
    member, other = person(1), person(2)
    bought(member, "1")
    second = bought(member, "2")
    Achievement.objects.update(coupon_key="")
    back(second)
    assert coupons(member) == [("goal", "recalled", 1)]

    Achievement.objects.update(coupon_key="gone")
    for no in "56":
        bought(other, no)
    assert (coupons(other), totals(other)[0]) == ([], 50)


def test_a_task_gives_its_coupon_and_the_order_that_did_it_takes_it_along_when_it_goes_back(db: None):
    making.template("first", most=9)
    fixed = {"kind": "fixed", "points": 5}
    rule("first", fixed, trigger="task", task={"key": "first_order"}, coupon="first", times={"per": "life", "most": 1})
    member = person(1)
    order = bought(member, "1")
    assert (coupons(member), totals(member)[0]) == ([("first", "ready", 1)], 5)

    orders.refund(order_id=order, source="part", amount_cents=300)
    deliver()
    assert coupons(member) == [("first", "ready", 1)]
    orders.refund(order_id=order, source="rest", amount_cents=700)
    deliver()
    assert (coupons(member), totals(member)[0]) == ([("first", "recalled", 1)], 0)
