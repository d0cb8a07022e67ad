"""The counter in a real browser: scans wherever the focus is, counted taps, no network for a while."""

import re
import time
from collections.abc import Callable, Iterator
from random import Random

import pytest
from django.conf import settings
from django.core import signing
from playwright.sync_api import Browser, Page, Route, expect

from apps.core import clock
from apps.core.models import AuditEntry
from apps.counter.views import newcomer
from apps.flows.models import Checkout
from apps.members import member_codes
from apps.members.models import Consent, Member
from apps.orders.models import Order
from apps.points.models import Exchange
from apps.stores import credentials, shifts, tills
from tests.counter.conftest import PIN, Shop, open_shop
from tests.counter.test_goods import TEA, stock
from tests.counter.test_things import paper
from tests.coupons import making
from tests.e2e.portal_walk import code_for
from tests.e2e.visits import Visit, keep
from tests.points.gifts import gift, take
from tests.processes import Simulator
from tests.waiting import until

TILL = (1024, 768)
PHONE = (360, 640)
PLACES = ("#amount", "#receipt", "body", "[name=text]", "#kept [data-shut]")
LATE = (
    ("8" * 18, (7, 700), 18),
    ("9" * 18, (14, 1_700), 14),
)  # what is scanned, which key how late, how much of it is read
At = Callable[..., Visit]
LOSE_KEY = """
() => new Promise((done) => {
    indexedDB.open("siyu-till").onsuccess = ({ target }) => {
        const act = target.result.transaction("keys", "readwrite");
        act.objectStore("keys").clear();
        act.oncomplete = () => { target.result.close(); done(); };
    };
})
"""
KEPT = """
async () => {
    const found = [];
    for (const name of await caches.keys())
        for (const one of await (await caches.open(name)).keys())
            found.push([new URL(one.url).pathname, await (await caches.match(one)).text()]);
    return found;
}
"""


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    return open_shop(clock.now())


@pytest.fixture
def at(chromium: Browser, live_server, shop: Shop) -> Iterator[At]:
    """`at(size)`: the page of the till in a browser of its own. `secret`: of another till."""
    opened = []

    def fresh(size: tuple[int, int] = TILL, language: str = "zh-hans", *, secret: str = "") -> Visit:
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, has_touch=size[0] < 700)
        opened.append(context)
        place = live_server.url + tills.PATH
        cookies = {
            tills.COOKIE: signing.dumps(secret or shop.secret, salt=tills.SALT),
            settings.LANGUAGE_COOKIE_NAME: language,
        }
        context.add_cookies([{"name": name, "value": value, "url": place} for name, value in cookies.items()])
        visit = Visit(context.new_page(), home=live_server.url)
        visit.go("/counter/")
        return visit

    yield fresh
    for context in opened:
        context.close()


class Gun:
    """A scan gun: trusted key events, 5 to 15 ms apart by the time they carry, however long the machine takes to deliver them. `late`:
    the key from which on they come so many ms late."""

    def __init__(self, page: Page) -> None:
        self.page, self.line = page, page.context.new_cdp_session(page)
        self.random, self.time = Random(7), 1_000.0

    def scan(self, text: str, *, composes: bool = False, caps: bool = False, late: tuple[int, int] = (-1, 0)) -> None:
        self.time += 1
        for place, letter in enumerate(text):
            if place == late[0]:
                self.page.wait_for_timeout(late[1])
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
    # a busy till hands the rest of a scan over when it has already been taken for a person's keys, or for a whole one
    page.evaluate("document.getElementById('view').replaceChildren()")
    page.locator("#receipt").focus()
    for text, late, read in LATE[: 1 if rounds < 10 else 2]:
        fired.append(text[:read])
        gun.scan(text, late=late)

    until(lambda: page.wait_for_timeout(10) or len(heard) >= len(fired), seconds=20)  # they follow each other
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
    tap("[data-points] >> nth=0")
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

    # goods: two alike are scanned, one is typed; then the member's code, the receipt, and one tap
    stock(shop)
    taps.clear()
    for count in (1, 2):
        gun.scan(TEA)
        page.wait_for_selector(f"[data-screen=goods][data-goods='[[\"TEA-1\", {count}, null]]']")
    page.keyboard.press("F2")
    page.keyboard.type("cup-1", delay=70)
    page.keyboard.press("Enter")
    expect(page.locator(".t-goods li")).to_have_count(2)
    expect(page.locator("[data-beside]")).to_be_visible()
    visit.check()
    scan()
    page.wait_for_selector(f"[data-coupons='{held.pk}'][aria-checked=true]")
    expect(page.locator("#hint")).to_contain_text("¥180.00")  # two at the member's price of ¥90, one at ¥30, ¥30 off
    visit.check()
    gun.scan("POS0003")
    expect(page.locator("#receipt")).to_have_value("POS0003")
    tap("#take")
    page.wait_for_selector("[data-screen=ok]")
    assert len(taps) == 1
    lines = Order.objects.get(order_no="POS0003").lines.order_by("line_no")
    assert list(lines.values_list("product__sku", "quantity")) == [("TEA-1", 2), ("CUP-1", 1)]
    page.locator("#result [data-next]").click()
    page.wait_for_selector("[data-screen=idle]")

    # no network: the bar, a sale that is kept, and one order once it is back
    page.context.set_offline(True)
    page.wait_for_selector("#away:not([hidden])", timeout=3_000)
    page.locator("#amount").fill("45.5")
    code = member_codes.show(member_id=member_id).code
    gun.scan(code)
    page.wait_for_selector("[data-screen=away]")
    gun.scan(TEA)
    page.wait_for_selector("[data-screen=cannot]")  # no barcode becomes a receipt's number
    page.locator("#result [data-back]").click()
    page.locator("#receipt").focus()
    gun.scan("POS0004")
    expect(page.locator("#receipt")).to_have_value("POS0004")  # also while the cursor stands in it
    page.locator("#take").click()
    page.wait_for_selector("[data-screen=kept]")
    assert page.locator("#waiting [data-count]").inner_text() == "1"
    page.locator("#result [data-next]").click()
    gun.scan(code)
    page.wait_for_selector("[data-screen=cannot]")  # a code is good for one sale, also while nobody can be asked
    page.locator("#result [data-back]").click()
    assert Checkout.objects.count() == 3
    page.context.set_offline(False)
    page.wait_for_selector("#away", state="hidden")
    page.wait_for_selector("#waiting", state="hidden")
    rows = list(Checkout.objects.order_by("pk").values_list("order__order_no", "gross_cents", "was_offline"))
    assert rows == [
        ("POS0001", 8_800, False),
        ("POS0002", 56_800, False),
        ("POS0003", 21_000, False),
        ("POS0004", 4_550, True),
    ]
    assert Order.objects.filter(source__startswith="till:").count() == 4

    # a PIN closes and opens it
    page.locator("#lock-now").click()
    page.locator(f"[data-staff='{shop.clerk.pk}']").click()
    page.locator("#pin").press_sequentially(PIN, delay=70)
    page.locator("#lock .go").click()
    page.wait_for_selector("#lock", state="hidden")
    assert page.locator("#clerk").inner_text() == shop.clerk.name


def hold(page: Page, path: str) -> list[Route]:
    """Requests to this path get no answer until they are let go."""
    held: list[Route] = []
    page.route(f"**/counter/{path}/", lambda route: held.insert(0, route))
    return held


def release(page: Page, held: list[Route], path: str) -> None:
    for route in held:
        route.continue_()
    page.unroute(f"**/counter/{path}/")


def test_what_was_begun_ends_before_the_next_scan_and_the_lock_before_the_pin(at: At, shop: Shop):
    """An answer that is late covers no other member, and a lock that is late ends no shift that was begun since."""
    member_id, next_id = (shop.house.members[where].pk for where in ("mine", "near"))
    visit = at()
    page, gun, asked = visit.page, Gun(visit.page), []
    page.on("request", lambda one: asked.append(one.url.rsplit("/counter/", 1)[-1]))
    page.locator("#amount").fill("88")
    gun.scan(member_codes.show(member_id=member_id).code)
    page.wait_for_selector("[data-screen=member]")
    page.locator("#receipt").fill("R1")
    held = hold(page, "pay")
    page.locator("#take").click()
    until(lambda: page.wait_for_timeout(10) or held)
    asked.clear()
    gun.scan(member_codes.show(member_id=next_id).code)  # the next customer is quicker than the network
    page.wait_for_timeout(200)
    assert "scan/" not in asked
    release(page, held, "pay")
    expect(page.locator("#view h1")).to_contain_text("沈*r")
    expect(page.locator("#result")).to_be_hidden()
    assert Checkout.objects.get().order.member_id == member_id

    held = hold(page, "lock")
    page.locator("#lock-now").click()
    until(lambda: page.wait_for_timeout(10) or held)
    page.locator(f"[data-staff='{shop.clerk.pk}']").click()
    page.locator("#pin").press_sequentially(PIN, delay=70)
    page.locator("#lock .go").click()
    page.wait_for_timeout(200)
    assert "unlock/" not in asked
    release(page, held, "lock")
    page.wait_for_selector("#lock", state="hidden")
    assert shifts.at_till(device_id=shop.desk.device_id) is not None


def test_a_till_that_lost_a_key_says_so_at_once_and_what_is_to_be_done(at: At, shop: Shop):
    """T-S5: of the browser's own key as soon as it is open; of the device's, revoked in the office, within five seconds, locked too."""
    other = tills.bind(name="3号台", store_id=shop.desk.store_id, staff_id=None)
    mine, locked = at(), at(PHONE, secret=other.secret)
    expect(mine.page.locator("#keyless")).to_be_hidden()
    mine.page.evaluate(LOSE_KEY)
    mine.page.reload()
    expect(mine.page.locator("#keyless")).to_be_visible()
    expect(mine.page.locator("#keyless")).to_contain_text("店长")
    mine.check()
    expect(locked.page.locator("#lock")).to_be_visible()

    for visit, device_id in ((mine, shop.desk.device_id), (locked, other.id)):
        refused: list[float] = []
        visit.page.on("response", lambda got, at=refused: got.status == 403 and at.append(time.monotonic()))
        began = time.monotonic()
        assert credentials.revoke(kind="device", credential_id=device_id)
        expect(visit.page.locator(".t-problem")).to_contain_text("别的收银台")
        assert refused[0] - began < 5


def handed(page: Page, gun: Gun, code: str) -> None:
    gun.scan(code)
    page.wait_for_selector("[data-screen=gift]")
    page.locator("#take").click()
    page.wait_for_selector("[data-screen=handed]")


@pytest.mark.nightly
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_paper_coupons_points_of_ones_own_choice_gifts_taken_back_and_a_slip_of_58_mm(
    at: At, shop: Shop, language: str
):
    member_id = shop.rich("mine", 3_000)
    row = paper(shop)
    took = take(shop.house.members["mine"], gift(name="茉莉花茶", name_en="Jasmine tea"), "a")
    visit = at(PHONE, language)
    page, gun = visit.page, Gun(visit.page)

    # the coupon comes first, by its shape; then the member, on whose strip it is chosen; points as many as one likes
    gun.scan(row.code or "")
    page.wait_for_selector("[data-screen=coupon]")
    visit.check()
    page.locator("#amount").fill("268")
    gun.scan(member_codes.show(member_id=member_id).code)
    chosen = page.locator(f"[data-coupons='{row.pk}']")
    expect(chosen).to_have_attribute("aria-checked", "true")
    page.locator("[data-own]").fill("99999")
    expect(page.locator("[data-own]")).to_have_attribute("aria-invalid", "true")
    page.locator("[data-own]").fill("345")
    expect(page.locator("#hint")).to_contain_text("¥234.55")
    visit.check()
    gun.scan("POS0009")
    expect(page.locator("#receipt")).to_have_value("POS0009")
    page.locator("#take").dblclick()  # a hand that is sure of itself: one sale
    page.wait_for_selector("[data-screen=ok]")
    sale = Checkout.objects.get()
    assert (sale.gross_cents, sale.coupon_cents, sale.points_spent, sale.order.total_cents) == (
        26_800, 3_000, 345, 23_455,
    )  # fmt: skip
    slip(page, name=f"slip-sale-{language}", lines=["¥234.55", "POS0009"])

    # what was used is refused in colour, words and sound; a receipt is a receipt
    page.locator("#result [data-next]").click()
    page.wait_for_selector("[data-screen=idle]")
    gun.scan(member_codes.show(member_id=member_id).code)
    page.wait_for_selector("[data-screen=member]")
    gun.scan(row.code or "")
    page.wait_for_selector("[data-screen=no]")
    assert page.locator("#result .code").inner_text() == "coupon_already_redeemed"
    assert page.locator("#till").get_attribute("data-sounded") == "no"
    red = page.locator("#result .t-res").evaluate("(box) => getComputedStyle(box).backgroundColor")
    visit.troubles.clear()  # a 409 says so
    visit.check()
    page.locator("#result [data-back]").click()
    page.locator("#after [data-next]").click()
    page.wait_for_selector("[data-screen=idle]")

    # a gift: handed out, taken back, handed out to the next hand
    handed(page, gun, took.code)
    green = page.locator("#result .t-res").evaluate("(box) => getComputedStyle(box).backgroundColor")
    assert (red, green) == ("rgb(165, 38, 30)", "rgb(17, 104, 58)")
    visit.check()
    page.locator("[data-undo-gift]").click()
    page.wait_for_selector("[data-screen=taken-back]")
    assert Exchange.objects.get().state == "ready"
    visit.check()
    handed(page, gun, took.code)
    page.locator("#result [data-next]").click()
    page.wait_for_selector("[data-screen=idle]")
    assert Exchange.objects.get().state == "done"

    visit.go("/counter/shift/")
    slip(page, name=f"slip-shift-{language}", lines=["¥268.00", "¥234.55"])


def slip(page: Page, *, name: str, lines: list[str]) -> None:
    """What goes to the printer is 58 mm wide, one page, and nothing of it is cut off or printed twice."""
    sheets = re.findall(rb"/MediaBox\s*\[\s*0 0 ([0-9.]+) ([0-9.]+)", page.pdf(prefer_css_page_size=True))
    assert [round(float(width) / 72 * 25.4) for width, _height in sheets] == [58]
    page.emulate_media(media="print")
    text = page.locator(".t-slip").inner_text()
    assert [line for line in lines if text.count(line) < 1] == []
    over = page.evaluate(
        "() => [...document.querySelectorAll('.t-slip, .t-slip *')].filter((one) => one.checkVisibility() &&"
        " (one.getBoundingClientRect().right > 54 * 96 / 25.4 + 1 || one.scrollWidth > one.clientWidth + 1 &&"
        " getComputedStyle(one).display !== 'inline')).map((one) => one.outerHTML.slice(0, 80))"
    )
    keep(page, name=name)
    buttons = page.evaluate("[...document.querySelectorAll('button')].filter((one) => one.checkVisibility()).length")
    page.emulate_media(media="screen")
    assert (over, buttons) == ([], 0)


@pytest.mark.parametrize("language", ["zh-hans", pytest.param("en", marks=pytest.mark.nightly)])
def test_a_till_that_is_loaded_anew_without_a_network_goes_on_and_a_locked_one_stays_locked(
    at: At, shop: Shop, language: str
):
    member_id = shop.rich("mine", 3_000)
    row = paper(shop)
    visit = at(PHONE, language)
    page, gun = visit.page, Gun(visit.page)
    page.evaluate("() => navigator.serviceWorker.ready")
    page.reload()
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    kept = page.evaluate(KEPT)
    assert [path for path, _text in kept if not path.startswith("/static/")] == ["/counter/shell/"]
    page_kept = next(text for path, text in kept if path == "/counter/shell/")
    token = page.locator("#till").get_attribute("data-token") or "?"
    assert [
        word for word in (shop.clerk.name, shop.manager.name, token, "data-staff", "data-ticket") if word in page_kept
    ] == []

    def keep_one(receipt: str, amount: str) -> None:
        page.locator("#amount").fill(amount)
        gun.scan(member_codes.show(member_id=member_id).code)
        page.wait_for_selector("[data-screen=away]")
        page.locator("#receipt").fill(receipt)
        page.locator("#take").click()
        page.wait_for_selector("[data-screen=kept]")
        page.locator("#result [data-next]").click()

    page.context.set_offline(True)
    keep_one("R1", "10")
    page.reload()  # the till is switched off and on, so to speak
    expect(page.locator("#lock")).to_be_hidden()
    expect(page.locator("#away")).to_be_visible()
    expect(page.locator("#waiting [data-count]")).to_have_text("1")
    gun = Gun(page)
    keep_one("R2", "20.50")

    # coupons and points wait for the network, with a reason
    page.locator("#amount").fill("100")
    gun.scan(member_codes.show(member_id=member_id).code)
    page.wait_for_selector("[data-screen=away]")
    assert page.locator("[data-points], [data-coupons]").count() == 0
    gun.scan(row.code or "")
    page.wait_for_selector("[data-screen=cannot]")
    assert page.locator("#receipt").input_value() == ""  # it was not taken for a receipt
    page.locator("#result [data-back]").click()
    page.locator("#after [data-next]").click()

    # locked by hand it stays locked, also when it is loaded anew
    page.locator("#lock-now").click()
    expect(page.locator("#lock")).to_be_visible()
    page.reload()
    expect(page.locator("#lock [data-screen=lock-away]")).to_be_visible()
    assert page.locator("#pin").count() == 0
    assert Checkout.objects.count() == 0
    page.wait_for_timeout(200)
    keep(page, name=f"till-locked-away-{language}")

    # the network is back: the list of people comes, and what was kept goes out, once each
    page.context.set_offline(False)
    page.wait_for_selector("#pin")
    until = time.monotonic() + 10
    while Checkout.objects.count() < 2 and time.monotonic() < until:
        page.wait_for_timeout(50)
    expect(page.locator("#waiting")).to_be_hidden()
    rows = list(Checkout.objects.order_by("gross_cents").values_list("order__order_no", "gross_cents", "was_offline"))
    assert rows == [("R1", 1_000, True), ("R2", 2_050, True)]
    expect(page.locator("#lock")).to_be_visible()
    visit.settle()
    row.refresh_from_db()
    assert row.state == "unclaimed"


@pytest.mark.nightly
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_new_member_joins_at_the_till_in_two_fields_and_a_known_phone_is_who_it_was(
    at: At, shop: Shop, simulator: Simulator, language: str
):
    visit = at(PHONE, language)
    page = visit.page
    before = Member.objects.count()

    def ask(phone: str) -> None:
        page.locator("#by-new").click()
        page.locator("#join-phone").fill(phone)
        assert page.locator("#view input").count() == 1
        page.locator("#view .t-btn").click()
        page.wait_for_selector("#join-code")

    def join(digits: str, screen: str) -> None:
        page.locator("#join-code").fill(digits)
        page.locator("#view .t-btn").click()
        page.wait_for_selector(f"[data-screen={screen}]")

    began = time.monotonic()
    ask("19900000866")
    assert (
        page.locator("#view input:not([type=hidden])").count() == 1
    )  # the second field, and no box for a clerk to tick
    words = page.locator(".t-consent").inner_text()
    assert re.search("allow them there myself" if language == "en" else "会员", words)
    visit.check()
    keep(page, name=f"till-join-{language}")
    right = code_for(simulator, "19900000866")
    join(str((int(right) + 1) % 1_000_000).zfill(6), "no")
    assert page.locator("#result .code").inner_text() == "code_wrong"
    assert Member.objects.count() == before
    page.locator("#result [data-back]").click()
    join(right, "member")
    assert time.monotonic() - began < 40  # U2-8
    fresh = Member.objects.latest("pk")
    assert (Member.objects.count(), fresh.home_store_id) == (before + 1, shop.desk.store_id)
    assert Consent.objects.filter(member=fresh, purpose="marketing", is_granted=True).count() == 0
    agreed = AuditEntry.objects.get(action="policy.agreed", object_id=str(fresh.pk))
    assert agreed.after == {"version": newcomer.RULES, "at": "till"}

    visit.troubles.clear()  # a wrong code is answered 422
    page.locator("#after [data-next]").click()
    page.wait_for_selector("[data-screen=idle]")
    ask("19900000001")
    join(code_for(simulator, "19900000001"), "member")
    assert "沈*e" in page.locator("#view h1").inner_text()
    assert Member.objects.count() == before + 1
    visit.check()
