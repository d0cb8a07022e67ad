"""W-1 on two phones: a newcomer joins, claims a coupon and shows the code; the clerk scans, redeems and gives points; both see it."""

import pytest
from django.conf import settings
from django.core import signing
from playwright.sync_api import expect

from apps.core import clock
from apps.coupons.models import Coupon, Use
from apps.flows.models import Checkout
from apps.members.models import Member
from apps.points.models import Account
from apps.stores import tills
from tests.console.world import House
from tests.counter.conftest import open_shop
from tests.coupons import making
from tests.e2e.conftest import Open
from tests.e2e.portal_walk import log_in
from tests.e2e.test_counter import Gun
from tests.e2e.visits import Visit
from tests.processes import LiveWorker, Simulator

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
NEWCOMER = "19900000765"


class Taps:
    """Counts what a hand does on one phone; typing of names and numbers is not a tap."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.count = visit, 0

    def tap(self, selector: str) -> None:
        self.count += 1
        self.visit.page.locator(selector).first.click()


@pytest.mark.parametrize("language", ["zh-hans", pytest.param("en", marks=pytest.mark.nightly)])
def test_from_registration_to_redemption_with_counted_taps(
    open_page: Open, house: House, simulator: Simulator, live_worker: LiveWorker, language: str
):
    live_worker.start(concurrency=1)
    shop = open_shop(clock.now(), house)
    made = making.template("welcome", making.terms(minimum_cents=20_000), most=100, is_in_centre=True)

    # the member's phone: register, claim, show the code with the coupon chosen
    member_phone = open_page(language=language)
    mine = Taps(member_phone)
    log_in(member_phone, simulator, phone=NEWCOMER, path="/my/coupons/centre/")
    member_phone.page.fill("#nickname", "若溪")
    member_phone.page.click("form button.wide")
    member_phone.page.wait_for_url("**/my/coupons/centre/")
    mine.tap(".p-cps form button")
    member_phone.page.wait_for_url("**/my/coupons/")
    coupon = Coupon.objects.get(template=made)
    mine.tap(".p-cp .p-cpf a")
    expect(member_phone.page.locator(".p-code")).to_be_visible()
    assert mine.count == 2
    member_phone.check(deep=False)

    # the clerk's phone: amount and receipt keyed in, then scan, coupon, take
    clerk_phone = open_page(width=360, language=language)
    secret = signing.dumps(shop.secret, salt=tills.SALT)
    place = clerk_phone.home + tills.PATH
    names = {tills.COOKIE: secret, settings.LANGUAGE_COOKIE_NAME: language}
    clerk_phone.page.context.add_cookies(
        [{"name": name, "value": value, "url": place} for name, value in names.items()]
    )
    clerk_phone.go("/counter/")
    theirs, page = Taps(clerk_phone), clerk_phone.page
    page.locator("#amount").fill("268")
    Gun(page).scan("".join(member_phone.page.locator(".p-code i").all_text_contents()))
    page.wait_for_selector("[data-screen=member]")
    chosen = page.locator(f"[data-coupons='{coupon.pk}']")
    expect(chosen).to_be_visible()
    if chosen.get_attribute("aria-checked") != "true":
        theirs.tap(f"[data-coupons='{coupon.pk}']")
    page.locator("#receipt").fill("W1-0001")
    theirs.tap("#take")
    page.wait_for_selector("[data-screen=ok]")
    expect(page.locator("#result .due")).to_contain_text("¥238.00")
    assert theirs.count <= 3
    clerk_phone.check(deep=False)

    # one order, one use, points by what was paid; the open page of the member says so within three seconds
    member = Member.objects.get(nickname="若溪")
    sale = Checkout.objects.get()
    assert (sale.order.total_cents, sale.order.member_id) == (23_800, member.pk)
    use = Use.objects.get(coupon=coupon)
    assert (use.state, use.saved_cents, use.store_id, use.order_id) == (
        "done",
        3_000,
        shop.desk.store_id,
        sale.order_id,
    )
    expect(page.locator("#result .next")).to_contain_text("+338")  # a point for a yuan, 100 for the first order
    assert Account.objects.get(member=member, currency__key="points").balance == 338
    expect(member_phone.page.locator("#code-read")).to_contain_text(shop.house.stores["mine"].name, timeout=3_000)
    member_phone.go("/my/coupons/?show=used")
    expect(member_phone.page.locator(".p-cp.off")).to_have_count(1)
