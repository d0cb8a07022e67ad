"""A member's phone: register, read, change one's mind, take one's data along, leave. In a real browser, in both languages."""

import os
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

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
from tests.e2e.test_style import FLAGS, Visit, keep
from tests.processes import LiveWorker, Simulator

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PHONE = "19900000001"  # of the member "mine"
NEWCOMER = "19900000777"
Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as player:
        found = player.chromium.launch(executable_path=os.environ["SIYU_CHROMIUM"], args=FLAGS)
        yield found
        found.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


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
