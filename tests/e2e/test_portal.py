"""A member's phone: register, read, change one's mind, take one's data along, leave. In a real browser, in both languages."""

import gzip
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Response, expect

from apps.core import clock, ids
from apps.core.models import TokenFamily
from apps.flows import erasure, privacy
from apps.gateways import inbox
from apps.gateways.simulator.client import Client
from apps.members.models import ConsentNow, Member
from apps.members.proofs import CodeRequest
from apps.orders import services as orders
from tests.console import world
from tests.console.world import House
from tests.e2e.test_style import Visit, keep
from tests.processes import LiveWorker, Simulator

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PHONE = "19900000001"  # of the member "mine"
NEWCOMER = "19900000777"
Open = Callable[..., Visit]


@pytest.fixture
def house(transactional_db: None, simulator: Simulator) -> House:
    made = world.build()
    mine = made.members["mine"]
    texts = [
        ("您的订单已发出", "武康路店今天把您的订单交给了快递。"),
        ("好久不见", "沈mine，有40天没见到您了。"),
        ("欢迎", "谢谢您的光临。"),
    ]
    for number, (title, body) in enumerate(texts):
        letter = inbox.Letter(key=f"note:{number}", member_id=mine.pk, title=title, body=body)
        inbox.deliver_batch([letter], moment=made.moment - timedelta(hours=30 - number * 15))
    order = made.orders["mine"]
    orders.refund(order_id=order.pk, amount_cents=2_500, source="test", refunded_at=made.moment - timedelta(days=3))
    return made


@pytest.fixture
def open_page(chromium: Browser, live_server, house: House) -> Iterator[Open]:
    """`open_page(width=, language=, theme=)`: a browser of its own, at nobody's page yet."""
    opened = []

    def fresh(*, width: int = 390, language: str = "zh-hans", theme: str = "light") -> Visit:
        context = chromium.new_context(
            viewport={"width": width, "height": 844},
            color_scheme=theme,
            has_touch=width < 700,  # type: ignore[arg-type]
        )
        opened.append(context)
        context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
        return Visit(context.new_page(), home=live_server.url)

    yield fresh
    for context in opened:
        context.close()


def code_for(simulator: Simulator, phone: str) -> str:
    """The six digits of the last message to that phone."""
    last = Client(simulator.url).messages(limit=1, tail=phone[-4:], newest=True)[0]
    found = re.search(r"\d{6}", last["text"])
    assert found, last
    return found.group()


def log_in(found: Visit, simulator: Simulator, *, phone: str = PHONE, path: str = "/my/") -> None:
    page = found.page
    found.go(path)
    page.fill("#phone", phone)
    page.check("[name=agree]")
    page.click("form button.wide")
    page.fill("#code", code_for(simulator, phone))
    page.locator("form button.wide").first.click()
    come_back = page.locator("[name=come_back]")
    page.wait_for_load_state("networkidle")
    if come_back.count():
        found.troubles.clear()  # a 403 says "you are leaving"
        page.click("form button.wide")
    page.wait_for_url(lambda address: "/login/" not in address)


def letter_of(house: House) -> str:
    letter = inbox.find_for_member(member_id=house.members["mine"].pk).first()
    assert letter
    return f"/my/inbox/{ids.encode('msg', letter.pk)}/"


def every_page(house: House) -> dict[str, str]:
    """Name for the picture → address."""
    return {
        "home": "/my/",
        "inbox": "/my/inbox/",
        "letter": letter_of(house),
        "orders": "/my/orders/",
        "orders-none": "/my/orders/?kind=done",
        "order": f"/my/orders/{house.order_id('mine')}/",
        "me": "/my/me/",
        "profile": "/my/me/profile/",
        "sessions": "/my/me/sessions/",
        "privacy": "/my/privacy/",
        "held": "/my/privacy/held/",
        "export": "/my/privacy/export/",
        "policy": "/my/privacy/policy/",
        "partners": "/my/privacy/partners/",
        "step-up": "/my/step-up/",
        "welcome": "/my/welcome/",
        "offline": "/my/offline/",
    }


CLEAN = [(320, "en", "light"), (390, "zh-hans", "light"), (430, "en", "dark"), (1440, "zh-hans", "light")]
MORE = [(320, "zh-hans", "dark"), (390, "en", "light"), (430, "zh-hans", "dark"), (1440, "en", "dark")]


@pytest.mark.parametrize(
    ("width", "language", "theme"), [*CLEAN, *(pytest.param(*one, marks=pytest.mark.nightly) for one in MORE)]
)
def test_every_page_is_clean(open_page: Open, house: House, simulator, tmp_path: Path, width, language, theme):
    found = open_page(width=width, language=language, theme=theme)
    found.go("/my/login/")
    found.check()
    keep(found.page, name=f"login-{width}-{language}", folder=tmp_path)
    log_in(found, simulator)
    for name, path in every_page(house).items():
        found.go(path)
        found.check(deep=name in {"home", "order", "privacy", "profile", "me"} or (width, theme) == (390, "light"))
        assert small_targets(found) == [], name
        assert wrong_language(found, language) == [], name
        keep(found.page, name=f"{name}-{width}-{language}", folder=tmp_path)
        assert width_at_large_text(found) <= width, name


def width_at_large_text(found: Visit) -> int:
    """How wide the page becomes at WeChat's largest text, one and a half times ours (X11)."""
    return found.page.evaluate("""() => { document.documentElement.style.fontSize = "150%";
        const width = document.documentElement.scrollWidth;
        document.documentElement.style.fontSize = ""; return width }""")


def small_targets(found: Visit) -> list[str]:
    """What a thumb would miss: anything to press that is lower or narrower than 44 px and stands by itself (X4)."""
    return found.page.evaluate("""() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select")]
        .filter((part) => part.checkVisibility() && !part.closest("p a, .sr"))
        .map((part) => [part, (part.matches("label input") ? part.closest("label") : part).getBoundingClientRect()])
        .filter(([part, box]) => box.height < 43.5 || box.width < 43.5)
        .map(([part, box]) => part.outerHTML.slice(0, 80) + ` ${box.width}x${box.height}`)""")


def wrong_language(found: Visit, language: str) -> list[str]:
    """Latin words on a Chinese page, Han on an English one; names, numbers and the other language's own button aside."""
    text = found.page.evaluate("""() => { const copy = document.body.cloneNode(true);
        copy.querySelectorAll("[lang], .num, .p-no, code, script, style, h3, .p-letter, .p-tier, .p-brand, .p-ribbon, h1, dd")
            .forEach((part) => part.remove());
        return copy.textContent }""")
    pattern = r"[A-Za-z]{3,}(?: [A-Za-z]{2,})+" if language == "zh-hans" else r"[\u4e00-\u9fff]{2,}"
    known = {"武康路店", "何青"}
    return [word for word in re.findall(pattern, text) if word not in known]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_newcomer_joins_changes_their_mind_takes_their_data_along_and_leaves(
    open_page: Open, house: House, simulator: Simulator, live_worker: LiveWorker, language: str, tmp_path: Path
):
    """Registers, allows a message, withdraws it and undoes that, exports, downloads once, asks to be erased, stays, leaves."""
    live_worker.start(concurrency=1)
    found = open_page(language=language)
    page = found.page
    log_in(found, simulator, phone=NEWCOMER, path="/my/privacy/")
    assert page.url.endswith("/my/welcome/?next=/my/privacy/")
    assert page.locator("input[type=checkbox]:checked").count() == 0
    page.fill("#nickname", "若溪")
    page.check("[value='care:inbox']")
    page.click("form button.wide")
    page.wait_for_url("**/my/privacy/")
    member = Member.objects.get(nickname="若溪")
    assert granted(member) == {("care", "inbox"): True}

    switch = page.locator("button[role=switch]").first
    switch.click()
    expect(page.locator(".p-undo")).to_be_visible()
    assert granted(member) == {("care", "inbox"): False}
    found.check()
    page.locator(".p-undo button").click()
    expect(page.locator("button[role=switch]").first).to_have_attribute("aria-checked", "true")
    assert granted(member) == {("care", "inbox"): True}

    found.go("/my/privacy/export/")
    page.locator("#export button").click()
    expect(page.locator("form[data-download]")).to_be_visible(timeout=30_000)
    let_proofs_grow_old(simulator)
    page.locator("form[data-download] button").click()
    step_up(found, simulator)
    with page.expect_download() as taken:
        page.locator("form[data-download] button").click()
    with zipfile.ZipFile(taken.value.path()) as archive:
        assert "若溪" in archive.read("data.json").decode()
        assert NEWCOMER in archive.read("data.html").decode()
    found.go("/my/privacy/export/")
    expect(page.locator("form[data-download]")).to_have_count(0)

    leave(found)
    due = privacy.erasure_of(member.pk)
    assert due
    keep(page, name=f"left-390-{language}", folder=tmp_path)
    found.check()
    let_proofs_grow_old(simulator)
    log_in(found, simulator, phone=NEWCOMER)
    assert privacy.erasure_of(member.pk) is None
    leave(found)
    with clock.frozen(due.effective_at + timedelta(minutes=5)):
        erasure.run_due()
    found.go("/my/")
    assert "/my/login/" in page.url
    member.refresh_from_db()
    assert (member.status, member.nickname) == (Member.Status.ERASED, "")


def leave(found: Visit) -> None:
    """From the privacy centre to the waiting time; the proof given before is still fresh."""
    found.go("/my/privacy/erase/")
    found.page.check("[name=understood]")
    found.page.click("button.bad")
    expect(found.page.locator(".p-none h1")).to_be_visible()


def let_proofs_grow_old(simulator: Simulator) -> None:
    """As if ten minutes had passed since the last code."""
    Client(simulator.url).limits(otp_per_minute=9)
    TokenFamily.objects.update(stepped_up_at=clock.now() - timedelta(minutes=10))
    CodeRequest.objects.update(created_at=clock.now() - timedelta(minutes=10))


def step_up(found: Visit, simulator: Simulator) -> None:
    page = found.page
    page.wait_for_url(lambda address: "/my/step-up/?next=" in address)
    page.click("form button.wide")
    page.fill("#code", code_for(simulator, NEWCOMER))
    page.locator("form button.wide").first.click()
    page.wait_for_url(lambda address: "step-up" not in address)


def granted(member: Member) -> dict[tuple[str, str], bool]:
    said = ConsentNow.objects.filter(member_id=member.pk)
    return {(row.purpose, row.channel): row.is_granted for row in said}


WATCHED = """
window.shift = 0; window.largest = 0;
new PerformanceObserver((list) => list.getEntries().forEach((one) => { if (!one.hadRecentInput) window.shift += one.value }))
    .observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => list.getEntries().forEach((one) => { window.largest = one.startTime }))
    .observe({ type: "largest-contentful-paint", buffered: true });
"""


def test_the_start_page_is_light_quick_and_still(open_page: Open, house: House, simulator: Simulator):
    """X1 and X2: 1.6 Mbit/s, 150 ms, a phone's processor; the best of three, since other work shares this machine."""
    found = open_page()
    page = found.page
    page.add_init_script(WATCHED)
    log_in(found, simulator)
    page.evaluate("navigator.serviceWorker.getRegistration('/my/').then((found) => found.unregister())")
    taken = weights(found)
    found.go("/my/")
    first, first_kinds = taken()
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("caches.keys().then((names) => names.length)")
    found.go("/my/orders/")
    taken = weights(found)
    found.go("/my/")
    again, _kinds = taken()

    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.setCacheDisabled", {"cacheDisabled": True})
    line.send("Network.setBypassServiceWorker", {"bypass": True})
    slow = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 90_000}
    line.send("Network.emulateNetworkConditions", slow)
    line.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    seen = []
    for _ in range(3):
        found.go("/my/")
        seen.append((page.evaluate("window.largest") / 1000, page.evaluate("window.shift")))
    kilobytes = {
        name: round(size / 1000, 1) for name, size in (("first", first), ("again", again), *first_kinds.items())
    }
    lcp = [round(lcp, 2) for lcp, _shift in seen]
    sys.stdout.write(f"\nportal start page: {kilobytes} kB compressed; LCP {lcp} s; CLS {seen[0][1]:.3f}\n")

    assert first <= 170_000
    assert first_kinds.get("script", 0) <= 60_000
    assert first_kinds.get("stylesheet", 0) <= 20_000
    assert again <= 30_000
    assert min(lcp for lcp, _shift in seen) <= 1.8
    assert max(shift for _lcp, shift in seen) <= 0.05


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


def test_without_a_connection_there_is_a_page_and_nothing_personal_was_kept(
    open_page: Open, house, simulator: Simulator
):
    found = open_page()
    page = found.page
    log_in(found, simulator)
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("caches.keys().then((names) => names.length)")
    for path in ("/my/", "/my/privacy/", letter_of(house)):
        found.go(path)

    kept = page.evaluate("""async () => (await Promise.all((await caches.keys()).map(async (name) =>
        (await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname)))).flat()""")
    assert [path for path in kept if not path.startswith("/static/")] == ["/my/offline/"]
    page.context.set_offline(True)
    page.goto(found.home + "/my/orders/")
    expect(page.locator(".p-none h1")).to_have_text(re.compile("网络断了|You are offline"))
    page.context.set_offline(False)


def test_it_works_without_a_script(chromium: Browser, live_server, house: House, simulator: Simulator):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto(live_server.url + "/my/privacy/")
    page.fill("#phone", PHONE)
    page.check("[name=agree]")
    page.click("form button.wide")
    page.fill("#code", code_for(simulator, PHONE))
    page.locator("form button.wide").first.click()
    expect(page).to_have_url(live_server.url + "/my/privacy/")

    page.locator("button[role=switch]").nth(1).click()

    expect(page.locator(".p-toast")).to_be_visible()
    assert granted(house.members["mine"])["care", "sms"] is False
    context.close()


def test_a_code_may_be_pasted_with_words_around_it_and_a_wrong_one_loses_nothing(open_page: Open, simulator: Simulator):
    found = open_page()
    page = found.page
    found.go("/my/login/")
    page.fill("#phone", PHONE)
    page.click("form button.wide")
    assert page.input_value("#phone") == PHONE  # the tick is missing: the number stays
    page.check("[name=agree]")
    page.click("form button.wide")
    expect(page.locator("[data-wait]")).to_be_disabled()
    code = code_for(simulator, PHONE)
    wrong = "000000" if code != "000000" else "111111"
    page.fill("#code", wrong)
    page.locator("form button.wide").first.click()
    expect(page.locator("#code-e")).to_be_visible()
    assert page.input_value("#code") == wrong
    page.evaluate(
        """(text) => { const data = new DataTransfer(); data.setData("text/plain", text);
        document.querySelector("#code").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true })) }""",
        f"验证码 {code[:3]} {code[3:]}",
    )
    assert page.input_value("#code") == code
    page.locator("form button.wide").first.click()
    page.wait_for_url("**/my/")


def test_a_half_filled_form_is_there_again_after_going_back(open_page: Open, house: House, simulator: Simulator):
    found = open_page()
    page = found.page
    log_in(found, simulator)
    found.go("/my/me/profile/")
    page.fill("#nickname", "新名字")
    page.locator(".p-nav a").first.click()
    page.wait_for_url("**/my/")
    found.go("/my/me/profile/")

    assert page.input_value("#nickname") == "新名字"
    page.click("form button.wide")
    page.wait_for_url("**/my/me/")
    house.members["mine"].refresh_from_db()
    assert house.members["mine"].nickname == "新名字"
