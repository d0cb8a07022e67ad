"""The rules of the tills in the back office: bounds, caps by role, who may change them, what was changed."""

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from apps.core import approvals, brand, ids
from apps.core.errors import DomainError
from apps.core.models import Approval
from apps.flows import checkout, counter_rules
from apps.flows.counter_rules import Rules
from apps.flows.models import Checkout
from apps.stores import limits
from apps.stores.models import Role
from tests.console import world
from tests.counter.conftest import NOON, Shop, open_shop

PATH = "/console/tills/rules/"
ORDERS = "一名店员一天的单数：{}"
FORM = {
    "least_cents": "1", "most_cents": "20000", "hours_back": "1", "receipts_by": "store", "orders": "300",
    "redemptions": "100", "points": "200000", "per_member": "6", "clerk.points": "500", "clerk.per_member": "2",
    "manager.orders": "", "admin.orders": "",
}  # fmt: skip


@pytest.fixture
def shop(clock: Callable[[datetime], datetime], db: None) -> Shop:
    return open_shop(clock(NOON))


def enter(shop: Shop, role: str) -> Client:
    browser = Client()
    world.enter(browser, shop.house.users[role])
    return browser


def test_what_is_saved_counts_at_the_till_and_stands_in_the_history(shop: Shop):
    browser = enter(shop, Role.ADMIN)

    assert browser.post(PATH + "save/", FORM).status_code == 302

    rules = counter_rules.read()
    assert rules == Rules(
        least_cents=100, most_cents=2_000_000, hours_back=1, receipts_by="store",
        roles={"clerk": {"points": 500, "per_member": 2}},
    )  # fmt: skip
    assert (rules.of_role("clerk").points, rules.of_role("manager").points) == (500, 200_000)
    with pytest.raises(DomainError) as refusal:
        checkout.pay(desk=shop.desk, sale=shop.sale(gross_cents=99))
    assert refusal.value.code == "amount_out_of_bounds"
    checkout.follow(order_id=checkout.pay(desk=shop.desk, sale=shop.sale()).checkout.order_id, patience=0)
    with pytest.raises(DomainError) as refusal:  # 568 points were granted
        checkout.pay(desk=shop.desk, sale=shop.sale("R-2", member_id=shop.house.members["near"].pk))
    assert (refusal.value.code, refusal.value.facts) == ("shift_cap", {"cap": "points"})
    assert Checkout.objects.count() == 1

    page = browser.get(PATH).content.decode()
    first = page[page.index('<ol class="c-time">') :]
    assert shop.house.users[Role.ADMIN].username in first
    assert "<del>¥50,000.00</del> → <ins>¥20,000.00</ins>" in first
    assert re.search(r"店员</dt><dd><ins>500</ins>", first)
    assert 'name="clerk.points" value="500"' in page


def test_what_lets_a_till_take_in_more_waits_for_another_person(shop: Shop):
    brand.write(counter_rules.SETTING, {"orders": 100})
    browser, asker = enter(shop, Role.ADMIN), shop.house.users[Role.ADMIN]
    looser = FORM | {"orders": "150"}  # though the rest of it is stricter

    assert browser.post(PATH + "save/", looser).status_code == 302

    asked = Approval.objects.get(kind=counter_rules.KIND)
    assert brand.read(counter_rules.SETTING) == {"orders": 100}
    with pytest.raises(approvals.OwnApproval):
        approvals.decide(approval_id=asked.pk, user_id=asker.pk, is_agreed=True)
    assert brand.read(counter_rules.SETTING) == {"orders": 100}

    region = enter(shop, Role.REGION_MANAGER)
    page = region.get("/console/approvals/").content.decode()
    assert ORDERS.format(100) in page
    assert ORDERS.format(150) in page
    region.post(reverse("console:approval_decide", args=[ids.encode("apr", asked.pk)]), {"verdict": "agree"})
    assert (counter_rules.read().orders, counter_rules.read().most_cents) == (150, 2_000_000)


def test_an_agreement_to_rules_that_were_changed_since_changes_nothing(shop: Shop):
    counter_rules.save(Rules(orders=400), by=shop.house.users[Role.ADMIN])
    asked = Approval.objects.get(kind=counter_rules.KIND)
    counter_rules.save(Rules(points=50), by=shop.house.users[Role.ADMIN])

    with pytest.raises(counter_rules.RulesMovedOn):
        approvals.decide(approval_id=asked.pk, user_id=shop.house.users[Role.REGION_MANAGER].pk, is_agreed=True)

    assert brand.read(counter_rules.SETTING) == {"points": 50}


@pytest.mark.parametrize(
    ("wanted", "looser"),
    [
        (Rules(), False),
        (
            Rules(least_cents=2, most_cents=9, hours_back=0, orders=0, receipts_by="store", receipt_has_store=True),
            False,
        ),
        (Rules(roles={"clerk": {"points": 199_999}}), False),
        (Rules(roles={"clerk": {"points": 200_001}}), True),
        (Rules(most_cents=5_000_001), True),
        (Rules(hours_back=3), True),
        (Rules(redemptions=101), True),
    ],
)
def test_what_is_looser_than_the_rules_as_they_came(wanted: Rules, looser: bool):
    assert counter_rules.is_looser(wanted, Rules()) is looser


def test_it_is_looser_to_take_a_roles_own_cap_or_a_receipts_store_away():
    for strict in (
        Rules(roles={"clerk": {"orders": 5}}), Rules(receipts_by="store"), Rules(receipt_has_store=True), Rules(least_cents=2),
    ):  # fmt: skip
        assert counter_rules.is_looser(Rules(), strict)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"least_cents": "0"}, "least_cents"), ({"least_cents": "30000"}, "least_cents"), ({"most_cents": "x"}, "most_cents"),
        ({"hours_back": "25"}, "hours_back"), ({"clerk.points": "-1"}, "clerk.points"), ({"orders": ""}, "orders"),
        ({"receipts_by": "moon"}, "receipts_by"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_at_its_place_and_nothing_is_written(shop: Shop, change: dict[str, str], place: str):
    answer = enter(shop, Role.ADMIN).post(PATH + "save/", FORM | change)

    assert (answer.status_code, brand.read(counter_rules.SETTING)) == (422, {})
    assert f'id="id_{place}_error"' in answer.content.decode()


def test_a_manager_may_look_and_a_clerk_may_not(shop: Shop):
    manager, clerk = enter(shop, Role.MANAGER), enter(shop, Role.CLERK)

    seen = manager.get(PATH)
    assert (seen.status_code, "save/" in seen.content.decode(), "¥50,000.00" in seen.content.decode()) == (
        200, False, True,
    )  # fmt: skip
    assert [browser.post(PATH + "save/", FORM).status_code for browser in (manager, clerk)] == [403, 403]
    assert clerk.get(PATH).status_code == 403
    assert brand.read(counter_rules.SETTING) == {}


def test_figures_by_role_are_checked_as_all_limits_by_role_are():
    for wrong in ({"clerk": 5}, {"nobody": {"orders": 1}}, {"clerk": {"orders": -1}}, {"clerk": {"tea": 1}}, []):
        with pytest.raises(ValueError, match="for each role"):
            limits.check_figures(wrong, names=counter_rules.CAPS, most=10)
    limits.check_figures({"clerk": {"orders": 10}}, names=counter_rules.CAPS, most=10)
