"""Many hands at once: real threads on the real database."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import connections

from apps.core import brand, clock
from apps.core.errors import DomainError
from apps.flows import checkout, counter_rules
from apps.flows.checkout import Desk, Sale
from apps.flows.models import Checkout
from apps.orders.models import Order
from apps.points import selectors as points
from apps.stores import shifts, tills
from tests.counter.conftest import Shop, open_shop

HANDS = 8


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    return open_shop(clock.now())


def at_once(desk: Desk, sales: list[Sale]) -> list[str]:
    """Everybody's outcome: "new", "again", or the code of the refusal."""

    def one(sale: Sale) -> str:
        try:
            return "new" if checkout.pay(desk=desk, sale=sale).is_new else "again"
        except DomainError as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(sales)) as pool:
        return sorted(pool.map(one, sales))


def test_one_receipt_by_eight_hands_is_one_order_and_spends_once(shop: Shop):
    """T-F9: the same act repeated, and the same receipt under other names for the act."""
    member_id = shop.rich("mine", 10_000)

    repeated = at_once(shop.desk, [shop.sale("A1", points=1_000)] * HANDS)
    renamed = at_once(shop.desk, [shop.sale("A2", key=f"another-{n}", points=1_000) for n in range(HANDS)])

    assert repeated == ["again"] * (HANDS - 1) + ["new"]
    assert renamed == ["new"] + ["receipt_used"] * (HANDS - 1)
    assert Order.objects.filter(source__startswith="till:").count() == Checkout.objects.count() == 2
    assert points.totals(member_id=member_id).balance == 8_000


def test_a_cap_holds_for_one_person_at_two_tills_at_the_same_moment(shop: Shop):
    brand.write(counter_rules.SETTING, {"orders": 3})
    other = tills.bind(name="3号台", store_id=shop.desk.store_id, staff_id=None)
    shift = shifts.begin(device_id=other.id, staff_id=shop.clerk.pk)
    desks = [shop.desk, replace(shop.desk, shift_id=shift.pk, device_id=other.id)]

    with ThreadPoolExecutor(2) as pool:
        found = pool.map(
            lambda desk: at_once(desk, [shop.sale(f"A{n}", key=f"till-{desk.device_id}-sale-{n}") for n in range(4)]),
            desks,
        )

    assert sorted(one for some in found for one in some) == ["new"] * 3 + ["shift_cap"] * 5


def test_two_tills_of_a_store_number_their_receipts_apart(shop: Shop):
    other = tills.bind(name="3号台", store_id=shop.desk.store_id, staff_id=None)
    shift = shifts.begin(device_id=other.id, staff_id=shop.manager.pk)
    desk = Desk(shift.pk, other.id, shop.desk.store_id, shop.desk.store_code, shop.manager.pk)

    outcomes = [at_once(one, [shop.sale("A1", key=f"from-till-{one.device_id}")]) for one in (shop.desk, desk)]

    assert outcomes == [["new"], ["new"]]
