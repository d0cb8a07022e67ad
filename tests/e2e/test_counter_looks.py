"""Every screen of the till on a phone, a landscape till and a desk, and the pages about tills in the back office: nothing sideways, no
error, no fault that axe finds; pictures for whoever wants to look."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.coupons.models import Coupon
from apps.members import member_codes
from apps.stores.models import Role
from tests.console import world
from tests.counter.conftest import Shop
from tests.counter.test_goods import SOAP, TEA, stock
from tests.counter.test_things import paper
from tests.coupons import making
from tests.e2e.test_counter import At, Gun, at, shop
from tests.e2e.visits import Visit, keep
from tests.points.gifts import gift, take

__all__ = ["at", "shop"]
pytestmark = pytest.mark.nightly
SIZES = [(390, 844), (1024, 768), (1440, 900)]
LANGUAGES = ["zh-hans", "en"]


def looker(visit: Visit, size: tuple[int, int], language: str) -> Callable[[str], None]:
    def look(name: str) -> None:
        visit.troubles = [line for line in visit.troubles if " 4" not in line and not line.startswith("4")]  # refusals
        visit.check()
        keep(visit.page, name=f"{name}-{size[0]}-{language}")

    return look


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
def test_every_screen_of_a_till(at: At, shop: Shop, size: tuple[int, int], language: str):
    member_id = shop.rich("mine", 12_480)
    mine = shop.house.members["mine"]
    for key, cents in (("thirty", 3_000), ("ten", 1_000)):
        making.coupon(making.template(key, making.terms({"kind": "amount", "cents": cents})), mine)
    making.coupon(making.template("tea", making.terms(only={"categories": ["茶"]})), mine)
    making.coupon(making.template("dear", making.terms(minimum_cents=90_000)), mine)
    printed = paper(shop)
    took = take(mine, gift(name="茉莉花茶", name_en="Jasmine tea"), "a")
    visit = at(size, language)
    page, gun, look = visit.page, Gun(visit.page), looker(visit, size, language)

    def scan() -> None:
        gun.scan(member_codes.show(member_id=member_id).code)
        page.wait_for_selector("[data-screen=member]")

    def following() -> None:
        page.evaluate("document.querySelector('#result [data-next], #after [data-next]').click()")
        page.wait_for_selector("#view [data-screen=idle]")

    look("idle")
    stock(shop)
    gun.scan(TEA)
    page.wait_for_selector("[data-screen=goods]")
    look("goods")
    for text, selector, name in (("白瓷", "[data-add]", "goods-which"), (SOAP, "#one-price", "goods-price")):
        page.keyboard.press("F2")
        page.locator("#view [name=text]").fill(text)
        page.keyboard.press("Enter")
        page.wait_for_selector(selector)
        look(name)
    page.locator("[data-redraw]").click()
    page.locator(".t-next [data-next]").click()
    page.wait_for_selector("#view [data-screen=idle]")
    gun.scan(printed.code or "")
    page.wait_for_selector("[data-screen=coupon]")
    look("coupon-first")
    scan()
    look("member-no-amount")
    page.locator("#amount").fill("568")
    page.wait_for_selector("[data-points]")
    look("member")
    gun.scan("POS0001")
    page.locator("[data-points]").nth(1).click()
    page.locator("#take").click()
    page.wait_for_selector("[data-screen=ok]")
    look("ok")
    following()
    look("idle-last")
    page.locator("#amount").fill("568")
    scan()
    gun.scan(printed.code or "")
    page.wait_for_selector("[data-screen=no]")
    look("no")
    following()
    Coupon.objects.filter(pk=printed.pk).update(state="recalled")
    page.locator("#by-phone").click()
    look("by-phone")
    page.locator("#by-new").click()
    page.wait_for_selector("#join-phone")
    look("new-member")
    gun.scan(took.code)
    page.wait_for_selector("[data-screen=gift]")
    look("gift")
    page.locator("#take").click()
    page.wait_for_selector("[data-screen=handed]")
    look("handed")
    page.locator("#result [data-next]").click()
    page.wait_for_selector("#view [data-screen=idle]")
    page.locator("#by-camera").click()
    look("camera")
    page.locator("#camera [data-shut]").click()
    page.locator("#lock-now").click()
    page.wait_for_selector(f"[data-staff='{shop.clerk.pk}']")
    look("lock")
    visit.go("/counter/shell/")
    look("shell")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
def test_the_shift_and_the_pages_about_tills(at: At, shop: Shop, size: tuple[int, int], language: str):
    visit = at(size, language)
    look = looker(visit, size, language)
    visit.go("/counter/shift/")
    look("shift")
    client = Client()
    world.enter(client, shop.house.users[Role.ADMIN])
    cookies = [{"name": name, "value": one.value, "url": visit.home} for name, one in client.cookies.items()]
    cookies.append({"name": "django_language", "value": language, "url": visit.home})
    visit.page.context.add_cookies(cookies)  # type: ignore[arg-type]
    for name, path in (("tills", "/console/tills/"), ("rules", "/console/tills/rules/")):
        visit.go(path)
        look(name)
