"""The camera of a till in a real browser: a film of a member's code plays as what it sees."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core import signing
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from apps.core import clock
from apps.gateways import wechat_pages
from apps.gateways.simulator import wechat_rules
from apps.gateways.simulator.client import Client
from apps.members import member_codes
from apps.stores import tills
from tests.counter import clips
from tests.counter.conftest import Shop, open_shop
from tests.e2e.conftest import FLAGS
from tests.e2e.portal_walk import WECHAT
from tests.e2e.visits import Visit
from tests.processes import Simulator
from tests.waiting import until

FILM = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
WECHAT_SCRIPT = """
window.wx = {
    ready: (done) => { window.wxReady = done; },
    error: (fail) => { window.wxFail = fail; },
    config: (said) => { window.wxSaid = said; setTimeout(window.wxLends ? window.wxReady : window.wxFail, 0); },
    scanQRCode: ({ success }) => success({ resultStr: window.wxSees }),
};
"""
SPY = """
window.opened = [];
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
    await window.hold;
    const stream = await ask(wanted);
    const [track] = stream.getVideoTracks();
    track.getCapabilities = () => ({ torch: true });
    track.applyConstraints = async (said) => { window.lit = said.advanced[0].torch; };
    window.opened.push(track);
    return stream;
};
"""
DETECTOR = """
window.BarcodeDetector = class {
    static async getSupportedFormats() { return ["qr_code", "code_128"]; }
    async detect() { return window.sees ? [{ rawValue: window.sees }] : []; }
};
"""


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    return open_shop(clock.now())


@pytest.fixture
def film(chromium: Browser, live_server, shop: Shop, tmp_path: Path) -> Iterator[object]:
    """`film(kind, held, script)`: the till's page in a browser whose camera sees a code of the member "mine", or a wall."""
    opened: list[Browser] = []

    def play(kind: str, held: str, script: str = SPY, **more: object) -> tuple[Visit, str]:
        text = member_codes.show(member_id=shop.house.members["mine"].pk).code
        clips.y4m(tmp_path / "film.y4m", clips.clip(kind, held, text) if kind else Image.new("L", clips.SIZE, 90))
        flags = [*FLAGS, *FILM, f"--use-file-for-fake-video-capture={tmp_path / 'film.y4m'}"]
        browser = chromium.browser_type.launch(executable_path=os.environ["SIYU_CHROMIUM"], args=flags)
        opened.append(browser)
        context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, **more)
        place = live_server.url + tills.PATH
        cookies = {tills.COOKIE: signing.dumps(shop.secret, salt=tills.SALT), settings.LANGUAGE_COOKIE_NAME: "zh-hans"}
        context.add_cookies([{"name": name, "value": value, "url": place} for name, value in cookies.items()])
        visit = Visit(context.new_page(), home=live_server.url)
        visit.page.add_init_script(script)
        visit.page.goto(live_server.url + "/counter/")
        return visit, text

    yield play
    for browser in opened:
        browser.close()


def states(page: Page) -> list[str]:
    return page.evaluate("window.opened.map((track) => track.readyState)")


def hide(page: Page) -> None:
    """The page goes into the background, as a phone says it."""
    page.evaluate(
        "Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )


@pytest.mark.parametrize(
    ("kind", "held", "milliseconds"),
    [("qr", "tilted", 30_000)]  # 2 s are U2-3's, but of a machine that does little else
    + [
        pytest.param(*one, 2_000, marks=pytest.mark.nightly)
        for one in (("qr", "tilted"), ("bars", "flat"), ("qr", "glare"))
    ],
)
def test_a_film_of_a_code_is_read_by_the_server_and_the_camera_let_go(film, kind: str, held: str, milliseconds: int):
    visit, _text = film(kind, held)
    page = visit.page

    page.locator("#by-camera").click()
    page.wait_for_selector("[data-screen=member]", timeout=milliseconds)

    assert "沈*e" in page.locator("#view h1").inner_text()
    assert states(page) == ["ended"]
    expect(page.locator("#camera")).to_be_hidden()
    visit.check(deep=False)


@pytest.mark.nightly
def test_the_browsers_own_reader_the_light_and_every_way_in_which_the_camera_is_let_go(film):
    visit, text = film("qr", "flat", SPY + DETECTOR)
    page, sent = visit.page, []
    page.on("request", lambda asked: sent.append(asked.url.rsplit("/counter/", 1)[-1]))

    page.locator("#by-camera").click()
    torch = page.locator("[data-torch]")
    torch.click()
    expect(torch).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("window.lit") is True
    page.locator("#camera [data-shut]").click()
    until(lambda: states(page) == ["ended"])  # a dialog tells of its end a moment later

    page.locator("#by-camera").click()
    expect(torch).to_be_visible()
    expect(torch).to_have_attribute("aria-pressed", "false")  # the light went out with the camera
    hide(page)
    assert states(page) == ["ended", "ended"]
    expect(page.locator("#camera")).to_be_hidden()
    page.evaluate("delete document.visibilityState")

    # closed before the camera was granted: what comes then is let go at once
    page.evaluate("() => { window.hold = new Promise((done) => { window.grant = done; }); }")
    page.locator("#by-camera").click()
    page.locator("#camera [data-shut]").click()
    page.evaluate("() => { window.grant(); window.hold = null; }")
    until(lambda: len(states(page)) == 3)
    until(lambda: states(page)[2] == "ended")

    page.locator("#by-camera").click()
    page.evaluate("(text) => { window.sees = text; }", text)
    page.wait_for_selector("[data-screen=member]")
    assert states(page) == ["ended"] * 4
    assert "scan/" in sent
    assert "picture/" not in sent


@pytest.mark.nightly
def test_a_till_that_is_left_with_its_camera_on_locks_itself_and_lets_the_camera_go(film):
    visit, _text = film("", "flat")
    page, frames = visit.page, []
    page.on("request", lambda asked: asked.url.endswith("/picture/") and frames.append(asked))
    page.clock.install()
    page.locator("#by-camera").click()
    until(lambda: len(states(page)) == 1)
    page.clock.run_for(5_000)
    assert states(page) == ["live"]

    page.clock.fast_forward(121_000)

    expect(page.locator("#lock")).to_be_visible()
    assert states(page) == ["ended"]
    assert frames != []


@pytest.mark.nightly
def test_inside_wechat_its_own_scanner_is_the_camera_and_where_it_is_not_lent_the_browsers(
    film, monkeypatch: pytest.MonkeyPatch, simulator: Simulator, shop: Shop
):
    monkeypatch.setattr(settings, "WECHAT_PAGES", [{"app_id": "wxtill", "secret": "s"}])
    Client(simulator.url).wechat_app("wxtill", secret="s")
    visit, text = film("qr", "flat", user_agent=WECHAT)
    page = visit.page
    page.route(
        "https://res.wx.qq.com/**", lambda route: route.fulfill(body=WECHAT_SCRIPT, content_type="text/javascript")
    )

    page.evaluate("(text) => { window.wxLends = true; window.wxSees = `CODE_128,${text}`; }", text)
    page.locator("#by-camera").click()
    page.wait_for_selector("[data-screen=member]")
    said = page.evaluate("window.wxSaid")
    ticket = wechat_rules.page_ticket("wxtill")
    right = wechat_pages.signed(ticket=ticket, nonce=said["nonceStr"], stamp=said["timestamp"], url=page.url)
    assert (said["appId"], said["signature"], said["jsApiList"]) == ("wxtill", right, ["scanQRCode"])
    assert states(page) == []
    assert page.evaluate("window.refused") == []

    visit, _text = film("qr", "flat", user_agent=WECHAT)
    page = visit.page
    page.route("https://res.wx.qq.com/**", lambda route: route.abort())
    page.locator("#by-camera").click()
    page.wait_for_selector("[data-screen=member]")
    assert states(page) == ["ended"]
