"""The counter in a real browser: scans wherever the focus is, counted taps, no network for a while."""

from collections.abc import Callable, Iterator
from random import Random

import pytest
from django.conf import settings
from django.core import signing
from playwright.sync_api import Browser, CDPSession, Page, Route

from apps.core import clock
from apps.flows.models import Checkout
from apps.members import member_codes
from apps.orders.models import Order
from apps.stores import tills
from tests.counter.conftest import PIN, Shop, open_shop
from tests.coupons import making
from tests.e2e.visits import Visit

TILL = (1024, 768)
PHONE = (360, 640)
PLACES = ("#amount", "#receipt", "body", "[name=text]", "#kept [data-shut]")
At = Callable[..., Visit]


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    return open_shop(clock.now())


@pytest.fixture
def at(chromium: Browser, live_server, shop: Shop) -> Iterator[At]:
    """`at(size)`: the page of the till in a browser of its own."""
    opened = []

    def fresh(size: tuple[int, int] = TILL, language: str = "zh-hans") -> Visit:
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, has_touch=size[0] < 700)
        opened.append(context)
        place = live_server.url + tills.PATH
        cookies = {tills.COOKIE: signing.dumps(shop.secret, salt=tills.SALT), settings.LANGUAGE_COOKIE_NAME: language}
        context.add_cookies([{"name": name, "value": value, "url": place} for name, value in cookies.items()])
        visit = Visit(context.new_page(), home=live_server.url)
        visit.go("/counter/")
        return visit

    yield fresh
    for context in opened:
        context.close()


class Gun:
    """A scan gun: trusted key events, 5 to 15 ms apart by the time they carry, however long the machine takes to deliver them."""

    def __init__(self, page: Page) -> None:
        self.line: CDPSession = page.context.new_cdp_session(page)
        self.random, self.time = Random(7), 1_000.0

    def scan(self, text: str, *, composes: bool = False, caps: bool = False) -> None:
        self.time += 1
        for place, letter in enumerate(text):
            self.key(letter.lower() if caps else letter, composes=composes)
            if composes and place < 2:  # what an input method makes of the keys it was not kept from
                self.line.send(
                    "Input.imeSetComposition", {"text": text[: place + 1], "selectionStart": 0, "selectionEnd": 0}
                )
        self.key("\r", composes=composes)

    def key(self, letter: str, *, composes: bool) -> None:
        self.time += self.random.uniform(0.005, 0.015)
        code = "Enter" if letter == "\r" else f"Digit{letter}" if letter.isdigit() else f"Key{letter.upper()}"
        name = "Process" if composes else "Enter" if letter == "\r" else letter
        number = 229 if composes else 13 if letter == "\r" else ord(letter.upper())
        event = {"key": name, "code": code, "windowsVirtualKeyCode": number, "timestamp": self.time}
        down = {"type": "rawKeyDown"} if composes else {"type": "keyDown", "text": letter}
        self.line.send("Input.dispatchKeyEvent", {**event, **down})
        self.line.send("Input.dispatchKeyEvent", {**event, "type": "keyUp"})


@pytest.mark.parametrize("rounds", [2, pytest.param(100, marks=pytest.mark.nightly)])
def test_no_scan_is_lost_or_doubled_or_typed_into_a_field(at: At, rounds: int):
    """U2-2: in both fields, in none, in the look-up by phone, over a dialog; an input method composing; capitals locked."""
    visit = at()
    page, heard = visit.page, []

    def hear(route: Route) -> None:
        heard.append(route.request.post_data_json["text"])
        route.fulfill(status=204)

    page.route("**/counter/scan/", hear)
    page.locator("#receipt").fill("A-7")
    page.locator("#amount").fill("12.50")
    page.wait_for_timeout(300)
    gun, fired = Gun(page), []
    for number in range(rounds * 10):
        where, composes, caps = PLACES[number % 5], number % 10 >= 5, number % 3 == 0
        if where == "[name=text]":
            page.evaluate("document.getElementById('by-phone').click()")
        else:
            page.evaluate("document.getElementById('view').replaceChildren()")
            page.evaluate("document.getElementById('till').dataset.mode = 'idle'")
        if where.startswith("#kept"):
            page.evaluate("document.getElementById('kept').showModal()")
        page.evaluate("(where) => { document.activeElement.blur(); document.querySelector(where).focus(); }", where)
        text = f"4{number:017d}" if number % 2 else f"PK{number:010d}".replace("0", "2").replace("1", "3")
        fired.append(text.lower() if caps and not composes else text)
        gun.scan(text, composes=composes, caps=caps)
        if where == "[name=text]":
            assert page.locator(where).input_value() == ""
    visit.settle()

    assert heard == fired
    assert [page.locator(name).input_value() for name in ("#amount", "#receipt")] == ["12.50", "A-7"]
    page.locator("#amount").focus()
    page.keyboard.type("34", delay=120)
    assert page.locator("#amount").input_value() == "12.50"  # two decimals are enough
    page.keyboard.press("Backspace")
    page.keyboard.type("7", delay=120)
    assert page.locator("#amount").input_value() == "12.57"


def test_a_day_at_the_till_in_three_taps_a_sale_and_an_hour_without_network(at: At, shop: Shop):
    member_id = shop.rich("mine", 3_000)
    visit = at(PHONE)
    page, gun = visit.page, Gun(visit.page)
    taps: list[str] = []

    def tap(selector: str) -> None:
        taps.append(selector)
        page.locator(selector).click()

    def scan() -> None:
        gun.scan(member_codes.show(member_id=member_id).code)

    # earn: amount and receipt are keyed in, the rest is two taps
    page.locator("#amount").fill("88")
    scan()
    page.wait_for_selector("[data-screen=member]")
    gun.scan("POS0001")  # the receipt's own barcode
    tap("#take")
    page.wait_for_selector("[data-screen=ok]")
    assert "¥88.00" in page.locator("#result .due").inner_text()
    assert page.locator("#till").get_attribute("data-sounded") == "ok"
    tap("#result [data-next]")
    assert len(taps) <= 3
    visit.check(deep=False)

    # coupon, points and earning in one go: the best coupon is chosen already
    held = making.coupon(making.template("thirty", making.terms(minimum_cents=10_000)), shop.house.members["mine"])
    taps.clear()
    page.locator("#amount").fill("568")
    scan()
    tap("[data-points]")
    page.locator("#receipt").fill("pos0002")
    tap("#take")
    page.wait_for_selector("[data-screen=ok]")
    assert "¥508.00" in page.locator("#result .due").inner_text()
    assert len(taps) <= 3

    # a wrong one: undone by the same hand
    tap("#result [data-undo]")
    page.wait_for_selector("[data-screen=undone]")
    held.refresh_from_db()
    assert held.state == "ready"
    page.locator("#result [data-next]").click()
    page.wait_for_selector("[data-screen=idle]")
    visit.check()

    # no network: the bar, a sale that is kept, and one order once it is back
    page.context.set_offline(True)
    page.wait_for_selector("#away:not([hidden])", timeout=3_000)
    page.locator("#amount").fill("45.5")
    scan()
    page.wait_for_selector("[data-screen=away]")
    page.locator("#receipt").fill("POS0003")
    page.locator("#take").click()
    page.wait_for_selector("[data-screen=kept]")
    assert page.locator("#waiting [data-count]").inner_text() == "1"
    page.locator("#result [data-next]").click()
    assert Checkout.objects.count() == 2
    page.context.set_offline(False)
    page.wait_for_selector("#away", state="hidden")
    page.wait_for_selector("#waiting", state="hidden")
    rows = list(Checkout.objects.order_by("pk").values_list("order__order_no", "gross_cents", "was_offline"))
    assert rows == [("POS0001", 8_800, False), ("POS0002", 56_800, False), ("POS0003", 4_550, True)]
    assert Order.objects.filter(source__startswith="till:").count() == 3

    # a PIN closes and opens it
    page.locator("#lock-now").click()
    page.locator(f"[data-staff='{shop.clerk.pk}']").click()
    page.locator("#pin").press_sequentially(PIN, delay=70)
    page.locator("#lock .go").click()
    page.wait_for_selector("#lock", state="hidden")
    assert page.locator("#clerk").inner_text() == shop.clerk.name
