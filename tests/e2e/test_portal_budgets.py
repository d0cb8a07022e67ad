"""X1 and X2 in figures: how soon, how still, how light, and how fast a tap is answered, on a slow phone.

The best of five counts for what time other work on this machine may take; sizes are exact.
"""

import gzip
import sys
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Response

from tests.console.world import House
from tests.e2e.conftest import Open
from tests.e2e.portal_walk import coupon_pages, every_page, log_in
from tests.e2e.visits import Visit
from tests.processes import Simulator

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
SLOW = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 200_000,
    "uploadThroughput": 90_000,
}  # 1.6 Mbit/s, 150 ms
WATCHED = """
window.seen = { shift: 0, largest: 0, blocked: 0, taps: {} };
const watch = (type, act, more) =>
    new PerformanceObserver((list) => list.getEntries().forEach(act)).observe({ type, buffered: true, ...more });
watch("layout-shift", (one) => { if (!one.hadRecentInput) seen.shift += one.value });
watch("largest-contentful-paint", (one) => { seen.largest = one.startTime });
watch("longtask", (one) => { seen.blocked += Math.max(0, one.duration - 50) });
watch("event", (one) => {
    if (one.interactionId) seen.taps[one.interactionId] = Math.max(seen.taps[one.interactionId] || 0, one.duration) },
    { durationThreshold: 16 });
"""
QUICK = {"lcp": 1.8, "shift": 0.05, "blocked": 150}


def slowly(page: Page) -> None:
    """From now on as a slow phone on a slow line, with nothing kept from before."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.setCacheDisabled", {"cacheDisabled": True})
    line.send("Network.setBypassServiceWorker", {"bypass": True})
    line.send("Network.emulateNetworkConditions", SLOW)
    line.send("Emulation.setCPUThrottlingRate", {"rate": 4})


def timed(found: Visit, path: str) -> dict[str, float]:
    """The best of five of each figure: largest paint in s, layout shift, blocked time in ms."""
    runs = []
    for _ in range(5):  # fewer when one run keeps all budgets
        found.go(path)
        told = found.page.evaluate("window.seen")
        runs.append({"lcp": told["largest"] / 1000, "shift": told["shift"], "blocked": told["blocked"]})
        if all(runs[-1][name] <= most for name, most in QUICK.items()):
            break
    return {name: round(min(run[name] for run in runs), 3) for name in QUICK}


def test_the_start_page_is_quick_still_and_never_blocked(open_page: Open, house: House, simulator: Simulator):
    found = open_page()
    found.page.add_init_script(WATCHED)
    log_in(found, simulator)
    slowly(found.page)

    figures = timed(found, "/my/")

    sys.stdout.write(f"\nportal start page on a slow phone: {figures}\n")
    assert {name: figures[name] <= most for name, most in QUICK.items()} == dict.fromkeys(QUICK, True), figures


@pytest.mark.nightly
def test_every_page_is_quick_still_and_never_blocked(open_page: Open, house: House, simulator: Simulator):
    found = open_page()
    found.page.add_init_script(WATCHED)
    log_in(found, simulator)
    slowly(found.page)
    pages = {name: path for name, path in every_page(house).items() if name != "lost"} | coupon_pages(house)

    figures = {name: timed(found, path) for name, path in pages.items()}

    sys.stdout.write(f"\nportal pages on a slow phone: {figures}\n")
    slow = {name: told for name, told in figures.items() if any(told[key] > most for key, most in QUICK.items())}
    assert slow == {}


def test_a_tap_is_answered_within_a_fifth_of_a_second(open_page: Open, house: House, simulator: Simulator):
    """The main taps on a processor four times as slow; the third quarter of them, as INP is counted (X1)."""
    found = open_page()
    page = found.page
    page.add_init_script(WATCHED)
    log_in(found, simulator)
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
    took: list[float] = []
    for path, taps in {
        "/my/privacy/": ["button[role=switch] >> nth=0", ".p-undo button", "button[role=switch] >> nth=1"],
        "/my/me/": ["[data-theme-pin=dark]", "[data-theme-pin=light]", "[data-theme-pin='']"],
        "/my/me/profile/": ["#nickname", ".p-tick >> nth=0", ".p-tick >> nth=1"],
        "/my/welcome/": [".p-tick >> nth=0", ".p-tick >> nth=1", "#nickname"],
    }.items():
        found.go(path)
        for tap in taps:
            page.locator(tap).click()
            page.wait_for_timeout(120)  # the next paint is what is measured
        if "input" in page.evaluate("document.activeElement.tagName").lower():
            page.keyboard.type("若溪", delay=30)
        took += list(page.evaluate("window.seen.taps").values())
    took.sort()

    third_quarter = took[int(len(took) * 0.75)] if took else 0
    sys.stdout.write(
        f"\nportal taps at a quarter of the speed: {len(took)}, third quarter {third_quarter} ms, worst {took[-1:]}\n"
    )
    assert len(took) >= 8
    assert third_quarter <= 200


def test_the_start_page_is_light_and_lighter_again(open_page: Open, house: House, simulator: Simulator):
    found = open_page()
    page = found.page
    log_in(found, simulator)
    page.evaluate("navigator.serviceWorker.getRegistration('/my/').then((found) => found.unregister())")
    taken = weights(found)
    found.go("/my/")
    first, kinds = taken()
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("caches.keys().then((names) => names.length)")
    found.go("/my/orders/")
    taken = weights(found)
    found.go("/my/")
    again, _kinds = taken()
    coupons = {}
    for name, path in coupon_pages(house).items():
        taken, asked = weights(found), requests(found)
        found.go(path)
        coupons[name] = (taken()[0], len(asked()))

    told = {name: round(size / 1000, 1) for name, size in (("first", first), ("again", again), *kinds.items())}
    sys.stdout.write(f"\nportal start page: {told} kB compressed\n")
    assert first <= 170_000
    assert kinds.get("script", 0) <= 60_000
    assert kinds.get("stylesheet", 0) <= 20_000
    assert kinds.get("image", 0) <= 60_000
    assert again <= 30_000
    sys.stdout.write(f"coupon pages, bytes and requests: {coupons}\n")
    assert {name: size <= 30_000 and asks <= 12 for name, (size, asks) in coupons.items()} == dict.fromkeys(
        coupons, True
    )


def requests(found: Visit) -> Callable[[], list[str]]:
    """Addresses fetched from now on, whoever answers."""
    asked: list[str] = []
    found.page.on("request", lambda one: asked.append(one.url))
    return lambda: asked


def weights(found: Visit) -> Callable[[], tuple[int, dict[str, int]]]:
    """Watch from now on; the call tells how many bytes came over the line, compressed as a server would, and of what kind."""
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    found.page.on("response", note)

    def taken() -> tuple[int, dict[str, int]]:
        found.page.remove_listener("response", note)
        kinds: dict[str, int] = {}
        for answer in answers:
            if answer.from_service_worker or answer.status != 200:
                continue
            kind = answer.request.resource_type
            kinds[kind] = kinds.get(kind, 0) + len(gzip.compress(answer.body()))
        return sum(kinds.values()), kinds

    return taken
