"""Points on an open page of a member's phone: what staff mark as paid arrives by itself, soon, once, and is said; its refund takes
the points away. One tap signs in."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from apps.core import ids
from apps.orders import services as orders
from apps.points import selectors
from apps.points.earning import Rule, SignIn
from apps.stores.models import Role
from tests.console import world
from tests.console.world import House
from tests.e2e.conftest import Open
from tests.e2e.portal_walk import log_in
from tests.e2e.visits import Visit, keep
from tests.processes import Simulator

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
SOON = 5_000  # ms


@pytest.mark.parametrize("language", ["zh-hans", pytest.param("en", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("path", ["/my/points/", pytest.param("/my/", marks=pytest.mark.nightly)])
def test_an_order_paid_in_the_console_arrives_as_points_on_the_open_page_and_its_refund_takes_them_away(
    open_page: Open, house: House, simulator: Simulator, run_flows: Callable[[], None], path: str, language: str
):  # fmt: skip
    Rule.objects.filter(key="member-day").update(is_active=False)
    run_flows()
    found = open_page(language=language)
    page = found.page
    log_in(found, simulator, path=path)
    mine = house.members["mine"].pk
    before = selectors.totals(member_id=mine).balance
    expect(page.locator(".p-big").first).to_have_text(f"{before:,}")
    order = orders.record(
        source="pos", order_no="TILL-9", member_id=mine, total_cents=12_800, store_id=house.stores["mine"].pk,
        lines=[orders.NewLine(product_id=None, total_cents=12_800)],
    )  # fmt: skip
    staff = _at_the_order(open_page, house, ids.encode("ord", order.pk), language=language)
    desk = staff.page

    desk.click("[data-open=pay]")
    desk.click("#pay button.go")
    desk.wait_for_load_state()
    run_flows()

    now = f"{before + 140:,}"  # 128 yuan, one point each, times 1.1 for the silver tier
    expect(page.locator(".p-big").first).to_have_text(now, timeout=SOON)
    expect(page.locator("[data-live-said]")).to_contain_text(now)
    if path == "/my/points/":
        expect(page.locator("#points-new a.p-li")).to_have_count(1)
        expect(page.locator("#points-new a.p-li")).to_contain_text("TILL-9")
    desk.reload()
    expect(desk.locator("#points tbody tr").first).to_contain_text("140")
    staff.check()
    keep(desk, name=f"order-points-{language}")
    keep(page, name=f"points-came-{language}")

    desk.click("#refund button.c-btn")
    desk.click("#refund button[name=confirm]")
    desk.wait_for_load_state()
    run_flows()

    expect(page.locator(".p-big").first).to_have_text(f"{before:,}", timeout=SOON)
    if path == "/my/points/":
        expect(page.locator("#points-new a.p-li")).to_have_count(2)
    found.check()


def _at_the_order(open_page: Open, house: House, order: str, *, language: str) -> Visit:
    """The manager at their desk, with the order before them."""
    found = open_page(width=1440, language=language)
    found.go("/console/login/")
    found.page.fill("[name=username]", house.users[Role.MANAGER].username)
    found.page.fill("[name=password]", world.PASSWORD)
    found.page.click("form button.go")
    found.page.wait_for_url(lambda address: "/login/" not in address)
    found.go(f"/console/orders/{order}/")
    return found


def test_two_quick_taps_sign_in_once(open_page: Open, house: House, simulator: Simulator):
    found = open_page()
    page = found.page
    log_in(found, simulator, path="/my/sign-in/")
    page.locator("form button.wide").dblclick()

    expect(page.locator(".p-toast[role=status]")).to_be_visible()
    assert SignIn.objects.filter(member_id=house.members["mine"].pk).count() == 3
    found.check()
