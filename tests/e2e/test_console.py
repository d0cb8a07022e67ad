"""A walk through the back office in a real browser: what a marketer and an administrator do on an ordinary day."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, expect

from apps.analytics import rollup
from apps.core import clock, ids
from apps.gateways import grants
from apps.gateways.models import InboxMessage
from apps.gateways.simulator.client import Client as WechatPhone
from apps.points import defaults
from apps.stores.models import Role
from tests.console import world
from tests.console.world import House
from tests.coupons import making
from tests.e2e.visits import WALKS, Visit, is_in_turn, keep
from tests.processes import LiveWorker, Simulator

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PAGES = (
    "/console/", "/console/members/", "/console/members/moves/", "/console/orders/", "/console/policies/",
    "/console/policies/lapsing/", "/console/policies/new/", "/console/messages/", "/console/imports/", "/console/jobs/",
    "/console/audit/", "/console/phone/", "/console/merges/",
    "/console/privacy/", "/console/points/rules/", "/console/points/rules/order/", "/console/points/rules/try/",
    "/console/points/achievements/", "/console/coupons/report/",
)  # fmt: skip
FILE = """order_no,member_no,paid_at,total
W-1,NO-mine,2026-10-01 10:00:00,120.50
W-2,NO-mine,2026-10-08 10:00:00,80.00
W-3,NO-near,yesterday,80.00
"""
Open = Callable[..., Visit]


@pytest.fixture
def house(transactional_db: None, simulator: Simulator) -> House:
    made = world.build()
    InboxMessage.objects.create(
        member_id=made.members["mine"].pk,
        key="note:1",
        title="欢迎回来",
        body="谢谢您再次光临。",
        created_at=made.moment,
    )
    rollup.roll_up(moment=made.moment, days=60)
    return made


@pytest.fixture
def enter(chromium: Browser, live_server, house: House) -> Iterator[Open]:
    """`enter(role, width=, language=)`: somebody who has logged in through the form."""
    opened = []

    def log_in(role: str, *, width: int = 1440, language: str = "zh-hans") -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": 900})
        opened.append(context)
        context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
        found = Visit(context.new_page(), home=live_server.url)
        found.go("/console/login/")
        found.page.fill("[name=username]", house.users[role].username)
        found.page.fill("[name=password]", world.PASSWORD)
        found.page.click("form button.go")
        found.page.wait_for_url(lambda address: "/login/" not in address)
        return found

    yield log_in
    for context in opened:
        context.close()


@pytest.mark.parametrize(("width", "language", "turns"), WALKS)
def test_every_page_is_clean_on_desk_and_phone_in_both_languages(enter: Open, house, width, language, turns):
    defaults.install()
    found = enter(Role.ADMIN, width=width, language=language)
    member, order = f"/console/members/{house.member_id('mine')}/", f"/console/orders/{house.order_id('mine')}/"
    preview = f"{member}merge/{house.member_id('near')}/"
    coupon = f"/console/coupons/{ids.encode('cpt', making.template(most=100).pk)}/"
    for number, path in enumerate((*PAGES, coupon, member, order, f"{member}identity/", f"{member}merge/", preview)):
        if not is_in_turn(number, turns):
            continue
        found.go(path)
        found.check()
        name = path.strip("/").replace("/", "-")
        keep(found.page, name=f"{name}-{width}-{language}")


def test_a_member_is_found_while_typing_and_their_phone_shown_for_a_reason(enter: Open, house: House):
    found = enter(Role.MANAGER)
    page = found.page
    page.keyboard.press("Control+k")
    page.keyboard.type("0001", delay=20)
    page.locator("#found a").first.click()
    page.wait_for_url(f"**/members/{house.member_id('mine')}/")
    expect(page.locator("body")).not_to_contain_text("19900000001")

    page.click("[data-open=unmask]")
    page.fill("#unmask-reason", "call back about ORDER-mine")
    page.click("#unmask-body button.go")

    expect(page.locator("#unmask-body .c-phone-no")).to_contain_text("19900000001")
    found.check()
    page.reload()
    expect(page.locator("#timeline")).to_contain_text("call back about ORDER-mine")
    expect(page.locator("body")).not_to_contain_text("19900000001")


def test_the_stream_is_narrowed_and_read_on_by_keyboard(enter: Open, house: House):
    found = enter(Role.MANAGER, width=390)
    page = found.page
    found.go(f"/console/members/{house.member_id('mine')}/")
    page.focus("#show-consents")
    page.keyboard.press("Enter")
    expect(page.locator("#show-consents")).to_have_attribute("aria-current", "true")

    assert page.locator("#timeline .c-time li").count() == 1
    assert page.evaluate("document.activeElement.id") == "show-consents"
    assert page.url.endswith("?show=consents")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#show-tags")).to_have_attribute("aria-current", "true")
    expect(page.locator("#timeline .c-empty")).to_be_visible()
    page.reload()
    expect(page.locator("#show-tags")).to_have_attribute("aria-current", "true")
    found.check()
    keep(page, name="member-tags-390")


def test_a_dry_run_lists_who_would_get_what_and_writes_nothing(enter: Open, house: House):
    found = enter(Role.MARKETER)
    page = found.page
    found.go("/console/policies/lapsing/")
    before = world.Touch.objects.count()
    page.locator("#dry-run button").first.click()

    expect(page.locator("#dry-run-body .c-asof")).to_be_visible(timeout=20_000)
    page.fill("#preview-q", "沈mine")
    page.locator("#preview button").first.click()
    expect(page.locator("#preview-body .c-sms")).to_contain_text("沈mine")

    found.check()
    assert world.Touch.objects.count() == before


def test_a_file_is_rehearsed_then_taken_in_with_progress_to_the_end(
    enter: Open, house: House, live_worker: LiveWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MEDIA_ROOT", str(settings.MEDIA_ROOT))  # the worker writes where the pages read
    live_worker.start(concurrency=1)
    found = enter(Role.ADMIN)
    page = found.page
    file = tmp_path / "orders.csv"
    file.write_text(FILE)
    found.go("/console/imports/")
    page.set_input_files("input[type=file]", file)
    page.click("form.c-form button.go")

    expect(page.locator(".c-figs")).to_be_visible(timeout=60_000)
    assert world.Order.objects.filter(order_no__startswith="W-").count() == 0
    page.locator("form[action$='/live/'] button").click()
    page.wait_for_load_state()

    expect(page.locator(".c-figs")).to_be_visible(timeout=60_000)
    assert world.Order.objects.filter(order_no__startswith="W-").count() == 2
    with page.expect_download() as taken:
        page.locator("a[href$='/rejects/']").last.click()
    assert "yesterday" in Path(taken.value.path()).read_text(encoding="utf-8-sig")
    # the test server has no sockets: the page falls back to asking, which is what this walk shows
    found.troubles[:] = [line for line in found.troubles if "/ws/jobs/" not in line]
    found.check()


def test_a_refund_says_what_it_does_before_it_does_it(enter: Open, house: House):
    found = enter(Role.MANAGER)
    page = found.page
    found.go(f"/console/orders/{house.order_id('mine')}/")
    page.check("[name=what][value=amount]")
    page.fill("[name=amount]", "40")
    page.locator("#refund button").first.click()
    expect(page.locator("#refund .c-note")).to_contain_text("¥40.00")
    house.orders["mine"].refresh_from_db()
    assert house.orders["mine"].refunded_cents == 0

    page.click("#refund button[name=confirm]")

    expect(page.locator("#toasts")).to_contain_text("¥40.00")
    house.orders["mine"].refresh_from_db()
    assert house.orders["mine"].refunded_cents == 4000
    found.check()


def test_the_phone_shows_what_the_simulator_delivered(enter: Open, house: House, simulator: Simulator):
    world.deliver(
        simulator.url, phone="+8619900000001", text="沈mine，有40天没见到您了。", at=clock.now() - timedelta(days=1)
    )
    found = enter(Role.MARKETER, width=390)
    found.go("/console/phone/")

    expect(found.page.locator(".c-phone .msg p").first).to_contain_text("有40天没见到您了")
    found.page.fill("[name=tail]", "9999")
    found.page.click("form .c-btn >> nth=0")
    expect(found.page.locator(".c-phone .msg")).to_have_count(0)
    assert "9999" not in found.page.url


@pytest.mark.parametrize(("width", "language"), [(1440, "zh-hans"), (390, "en")])
def test_the_phone_shows_subscribe_messages_as_wechat_delivered_them(
    enter: Open, house: House, simulator: Simulator, width: int, language: str
):
    app_id, person = settings.WECHAT_APPS[0]["app_id"], "o-customer-of-the-walk-1234"
    WechatPhone(simulator.url).grant(app_id=app_id, openid=person, template_id="sim-live-reminder")
    accepted = {"member_id": house.members["mine"].pk, "results": {"sim-live-reminder": "accept"}, "source": "walk"}
    grants.report(app_id=app_id, openid=person, **accepted)
    values = {"thing1": "秋冬新品直播专场", "time2": "2026年11月22日 20:00", "thing3": "会员专享券开播时领取"}
    sent = grants.deliver(key="walk:1", app_id=app_id, openid=person, template_id="sim-live-reminder", data=values)
    assert sent.state == "accepted"

    found = enter(Role.MARKETER, width=width, language=language)
    found.go("/console/phone/")

    card = found.page.locator(".c-phone .note", has_text="秋冬新品直播专场")
    expect(card).to_contain_text("2026年11月22日 20:00")
    expect(card).to_contain_text("···1234")
    assert person not in found.page.content()
    found.check()
    keep(found.page, name=f"phone-wechat-{width}-{language}")


def test_a_coupon_is_designed_with_its_card_and_worst_case_beside_it(enter: Open, house: House):
    made = making.template(most=100)
    found = enter(Role.MARKETER, width=390)
    page = found.page
    found.go(f"/console/coupons/{ids.encode('cpt', made.pk)}/")
    page.fill("[name=cents]", "80")
    expect(page.locator("#coupon-preview .p-val b")).to_have_text("¥80")
    expect(page.locator("#coupon-preview .c-worst")).to_have_text("¥8,000.00")

    page.select_option("[name=kind]", "percent")
    expect(page.locator(".for-cents")).to_be_hidden()
    page.fill("[name=off]", "15")
    expect(page.locator("#coupon-preview .p-val b")).to_have_text("8.5折")
    expect(page.locator("#coupon-preview .c-worst")).to_have_text("无上限")
    found.check()
    made.refresh_from_db()
    assert made.draft is None
