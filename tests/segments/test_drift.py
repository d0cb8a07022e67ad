"""A category's share of what a member spends: the last 90 days against the 270 before."""

from datetime import datetime, timedelta

import pytest

from apps.catalog.models import Category, Product
from apps.members import services as members
from apps.orders.models import Line, Order
from apps.segments import counting, drifts
from tests.segments.histories import day

pytestmark = pytest.mark.django_db
NOW = day(400)


def bought(member_id: int, at: datetime, **cents: int) -> None:
    order = Order.objects.create(
        source="t",
        order_no=f"{member_id}-{at}",
        member_id=member_id,
        status="paid",
        total_cents=sum(cents.values()),
        paid_at=at,
    )
    for number, (name, amount) in enumerate(cents.items(), start=1):
        category, _is_new = Category.objects.get_or_create(name=name)
        product, _is_new = Product.objects.get_or_create(sku=name, defaults={"name": name, "category": category})
        Line.objects.create(order=order, line_no=number, product=product, quantity=1, total_cents=amount)


def test_what_they_turn_to_and_away_from() -> None:
    drifting, away = (members.register(source="t", member_no=f"D{n}") for n in (1, 2))
    for back, goods in (
        (200, {"milk": 8_000, "soap": 2_000}),
        (358, {"milk": 2_000}),
        (361, {"wine": 99_000}),
        (5, {"soap": 6_000, "milk": 2_000}),
    ):
        bought(drifting, NOW - timedelta(days=back), **goods)
    bought(away, NOW - timedelta(days=200), milk=5_000)

    # before: milk 10,000 of 12,000, soap 2,000; now: soap 6,000 of 8,000, milk 2,000
    found = drifts.of_member(member_id=drifting, moment=NOW)
    assert found == [drifts.Drift("milk", 83, 25), drifts.Drift("soap", 17, 75)]
    assert drifts.of_member(member_id=away, moment=NOW) == [], "nothing bought now: no drift, an end"

    def fitting(key: str, op: str, value: float) -> int:
        return counting.count({"field": "category_drift", "key": key, "op": op, "value": value}, moment=NOW).members

    assert [
        fitting("milk", "lte", -58.3),
        fitting("milk", "lte", -58.4),
        fitting("soap", "gte", 58.3),
        fitting("wine", "lte", 0),
    ] == [1, 0, 1, 1]
    assert fitting("milk", "gte", -100) == 1, "of who bought in one stretch alone it is not known"
