from datetime import timedelta

import pytest

from apps.core import clock
from apps.coupons import redeeming
from apps.coupons.basket import Basket, Line
from apps.coupons.redeeming import Act
from apps.flows import shopper
from apps.members.models import Member
from apps.orders import services as orders
from apps.orders.services import NewLine
from apps.points import ladders
from apps.points.models import Standing, Tier
from tests.coupons import making

pytestmark = pytest.mark.django_db


@pytest.fixture
def member() -> Member:
    return Member.objects.create(member_no="S1")


def bought(cents: int) -> Basket:
    return Basket((Line(1, cents, sku="A"),), at=clock.now())


def test_a_shopper_is_told_by_tier_and_kept_orders(member):
    ladders.install_defaults()
    before = shopper.shopper_of(member.pk)
    assert (before.tier, before.segments, before.orders) == (Tier.objects.get(rank=0).key, frozenset(), 0)

    paid = orders.record(source="pos", order_no="1", member_id=member.pk, lines=[NewLine(None, 500)], total_cents=500)
    orders.mark_paid(order_id=paid.pk)
    given_back = orders.record(source="pos", order_no="2", member_id=member.pk, lines=[], total_cents=500)
    orders.mark_paid(order_id=given_back.pk)
    orders.refund(order_id=given_back.pk, source="r")
    gold = Tier.objects.order_by("rank")[1]
    Standing.objects.create(member=member, tier=gold, since=clock.now(), assessed_at=clock.now())

    alias = Member.objects.create(member_no="S2", merged_into=member, status="merged")
    after = shopper.shopper_of(alias.pk)
    assert (after.member_id, after.tier, after.orders) == (member.pk, gold.key, 1)


def test_a_wallet_is_quoted_with_what_is_reserved_and_what_comes_later(member, django_assert_max_num_queries):
    of = making.template(said=making.terms(minimum_cents=8_000))
    ready, held = making.coupon(of, member), making.coupon(of, member)
    making.coupon(of, member, at=clock.now() - timedelta(days=60))  # over: not shown
    later = making.coupon(of, member, starts_at=clock.now() + timedelta(days=1))
    redeeming.reserve(Act([held.pk], shopper.shopper_of(member.pk), bought(9_000), "web:1"))

    with django_assert_max_num_queries(10):
        found = shopper.offers_for(member.pk, bought(7_000))
    assert {offer.held.id: offer.reason.code for offer in found.offers if offer.reason} == {
        ready.pk: "coupon_min_spend",
        held.pk: "coupon_reserved",
        later.pk: "coupon_not_started",
    }
    assert found.offers[0].reason.facts == {"missing_cents": 1_000, "missing": "¥10.00"}
    enough = shopper.offers_for(member.pk, bought(9_000))
    assert [(offer.held.id, offer.best.cents) for offer in enough.best] == [(ready.pk, 3_000)]
