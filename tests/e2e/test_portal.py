"""A member's phone: register, read, change one's mind, take one's data along, leave. In a real browser, in both languages."""

import re
import zipfile
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from apps.activity.models import Event
from apps.core import clock
from apps.core.models import TokenFamily
from apps.flows import erasure
from apps.flows.models import PrivacyRequest
from apps.gateways.simulator.client import Client
from apps.members import minors
from apps.members.models import ConsentNow, Member
from apps.members.proofs import CodeRequest
from tests.console.world import House
from tests.e2e.conftest import Open
from tests.e2e.portal_walk import PHONE, WECHAT, code_for, letter_of, log_in, small_targets, wrong_language
from tests.e2e.visits import Visit, keep
from tests.processes import LiveWorker, Simulator

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
NEWCOMER = "19900000777"


@pytest.mark.parametrize("language", ["zh-hans", pytest.param("en", marks=pytest.mark.nightly)])
def test_a_newcomer_joins_changes_their_mind_takes_their_data_along_and_leaves(
    open_page: Open, house: House, simulator: Simulator, live_worker: LiveWorker, language: str
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
    with page.expect_download() as taken:  # what was asked for before the proof goes on by itself
        step_up(found, simulator)
    with zipfile.ZipFile(taken.value.path()) as archive:
        assert "若溪" in archive.read("data.json").decode()
        assert NEWCOMER in archive.read("data.html").decode()
    found.go("/my/privacy/export/")
    expect(page.locator("form[data-download]")).to_have_count(0)

    leave(found)
    due = PrivacyRequest.objects.get(member=member, kind="erasure", state="cooling").due_at
    keep(page, name=f"left-390-{language}")
    found.check()
    let_proofs_grow_old(simulator)
    log_in(found, simulator, phone=NEWCOMER)
    member.refresh_from_db()
    assert member.status == Member.Status.ACTIVE
    leave(found)
    with clock.frozen(due + timedelta(minutes=5)):
        erasure.run_due()
    found.go("/my/")
    assert "/my/login/" in page.url
    member.refresh_from_db()
    assert (member.status, member.nickname) == (Member.Status.ERASED, "")


@pytest.mark.parametrize("language", ["zh-hans", pytest.param("en", marks=pytest.mark.nightly)])
def test_a_guardian_agrees_on_a_childs_phone_and_takes_it_back(
    open_page: Open, house: House, simulator: Simulator, language: str
):
    member = house.members["mine"]
    Member.objects.filter(pk=member.pk).update(birth_year=clock.now().year - 10, birth_month=1, birth_day=1)
    found = open_page(language=language)
    page = found.page
    log_in(found, simulator)
    keep(page, name=f"child-home-390-{language}")
    page.locator("a[href='/my/privacy/guardian/']").first.click()
    page.wait_for_url("**/my/privacy/guardian/")
    found.check()
    assert small_targets(found) == []
    assert wrong_language(found, language) == []
    keep(page, name=f"guardian-390-{language}")
    page.fill("#phone", "19900000888")
    page.click("form button.wide")
    page.fill("#code", code_for(simulator, "19900000888"))
    found.check()
    keep(page, name=f"guardian-code-390-{language}")
    page.locator("form button.wide").first.click()
    page.wait_for_url("**/my/privacy/")
    assert minors.standing(member.pk).agreed_at is not None
    keep(page, name=f"child-privacy-390-{language}")

    found.go("/my/privacy/guardian/")
    found.check()
    keep(page, name=f"guardian-agreed-390-{language}")
    page.click("button.badline")
    page.wait_for_load_state("networkidle")

    assert minors.standing(member.pk).is_unguarded
    assert page.locator("#phone").count() == 1


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


def granted(member: Member) -> dict[tuple[str, str], bool]:
    said = ConsentNow.objects.filter(member_id=member.pk)
    return {(row.purpose, row.channel): row.is_granted for row in said}


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
    for waits in page.locator("[data-wait]").all():
        expect(waits).to_be_disabled()
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


@pytest.mark.parametrize("language", ["zh-hans", pytest.param("en", marks=pytest.mark.nightly)])
def test_when_no_message_comes_the_code_is_read_out_by_a_call(
    open_page: Open, house: House, simulator: Simulator, language: str
):
    found = open_page(language=language)
    page = found.page
    found.go("/my/login/")
    page.fill("#phone", PHONE)
    page.check("[name=agree]")
    page.click("form button.wide")
    reads = page.locator("[name=call]")
    expect(reads).to_be_disabled()
    keep(page, name=f"code-waits-390-{language}")
    CodeRequest.objects.update(created_at=clock.now() - timedelta(minutes=2))
    page.evaluate("document.querySelector('[name=call]').disabled = false")  # as when its minute is over
    reads.click()
    page.wait_for_load_state("networkidle")

    last = Client(simulator.url).messages(limit=1, tail=PHONE[-4:], newest=True)[0]
    assert last["kind"] == "voice"
    found.check()
    assert small_targets(found) == []
    assert wrong_language(found, language) == []
    keep(page, name=f"code-called-390-{language}")
    page.fill("#code", "".join(re.findall(r"\d", last["text"])[:6]))
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


def test_what_is_typed_outlives_a_lost_connection_and_a_change_of_language(open_page: Open, house: House, simulator):
    found = open_page()
    page = found.page
    found.go("/my/login/")
    page.fill("#phone", PHONE)
    page.locator(".p-top form button").click()
    page.wait_for_load_state("networkidle")
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.url.endswith("/my/login/")
    assert page.input_value("#phone") == PHONE
    log_in(found, simulator)

    found.go("/my/me/profile/")
    page.fill("#nickname", "新名字")
    page.context.set_offline(True)
    page.click("form button.wide")
    expect(page.locator("[data-offline-note]")).to_be_visible()
    assert page.input_value("#nickname") == "新名字"
    page.context.set_offline(False)
    expect(page.locator("[data-offline-note]")).to_have_count(0)
    page.click("form button.wide")
    page.wait_for_url("**/my/me/")
    found.go("/my/me/profile/")
    assert page.input_value("#nickname") == "新名字"
    assert page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('draft:'))") == []


def test_the_language_switch_keeps_the_page_and_its_filter(open_page: Open, house: House, simulator: Simulator):
    found = open_page()
    log_in(found, simulator)
    found.go("/my/orders/?kind=refunded")

    found.page.locator(".p-top form button").click()
    found.page.wait_for_load_state("networkidle")

    assert found.page.url.endswith("/my/orders/?kind=refunded")
    expect(found.page.locator("h1")).to_have_text("Orders")
    found.check()


def test_the_offline_page_leads_back_to_where_one_was_going(open_page: Open, house: House, simulator: Simulator):
    found = open_page()
    page = found.page
    log_in(found, simulator)
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("caches.keys().then((names) => names.length)")
    page.context.set_offline(True)
    page.goto(found.home + "/my/orders/?kind=refunded")
    expect(page.locator(".p-none h1")).to_be_visible()

    page.context.set_offline(False)

    expect(page.locator(".p-tabs")).to_be_visible()  # by itself, as soon as the line is back
    assert page.url.endswith("/my/orders/?kind=refunded")


def test_what_is_looked_at_arrives_and_a_strangers_steps_become_the_members(open_page: Open, house: House, simulator):
    """In WeChat's browser: pages seen before and after the log-in, a letter opened; once each."""
    found = open_page(user_agent=WECHAT)
    log_in(found, simulator)
    found.go("/my/orders/?kind=refunded")
    found.go(f"/my/orders/{house.order_id('mine')}/")
    found.go(letter_of(house))
    found.go("/my/")
    found.go("/my/me/")

    mine = house.members["mine"].pk
    for _ in range(50):
        if Event.objects.filter(member_id=mine, name="page_viewed", properties__path="/my/").count() == 2:
            break
        found.page.wait_for_timeout(100)
    seen = Event.objects.filter(member_id=mine).order_by("occurred_at")
    assert [row.properties["path"] for row in seen if row.name == "page_viewed"] == [
        "/my/login/", "/my/login/", "/my/", "/my/orders/", "/my/orders/order/", "/my/inbox/message/", "/my/",
    ]  # fmt: skip
    assert [row.properties for row in seen if row.name == "message_opened"] == [
        {"message": letter_of(house).split("/")[-2]}
    ]
    assert {row.source for row in seen} == {"portal"}
    assert [row.is_stitched for row in seen][:2] == [True, True]
    assert all(row.properties["seconds"] >= 0 for row in seen if row.name == "page_viewed")
    assert not Event.objects.exclude(member_id=mine).exists()


@pytest.mark.nightly
def test_wechat_is_told_where_files_can_be_saved(open_page: Open, house: House, simulator: Simulator, live_worker):
    live_worker.start(concurrency=1)
    found = open_page(user_agent=WECHAT)
    log_in(found, simulator, path="/my/privacy/export/")
    found.page.locator("#export button").click()

    expect(found.page.locator("#export .p-note.info")).to_contain_text("微信不能保存文件", timeout=30_000)
    assert found.page.locator("form[data-download]").count() == 0
    found.check()


def test_nothing_pops_up_and_the_app_can_be_installed(open_page: Open, house: House, simulator: Simulator):
    found = open_page()
    page = found.page
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    page.on("popup", lambda _popup: asked.append("popup"))
    page.add_init_script("Notification.requestPermission = () => { window.wasAsked = true }")
    log_in(found, simulator)
    found.page.wait_for_timeout(300)

    assert asked == []
    assert page.evaluate("[window.wasAsked, document.querySelectorAll('dialog[open], [aria-modal]').length]") == [
        None,
        0,
    ]
    line = page.context.new_cdp_session(page)
    told = line.send("Page.getAppManifest")
    assert told["errors"] == []
    problems = line.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [one["errorId"] for one in problems if one["errorId"] != "in-incognito"] == []


def test_the_bar_keeps_clear_of_the_phones_own_edge(open_page: Open, house: House, simulator: Simulator):
    found = open_page()
    log_in(found, simulator)
    line = found.page.context.new_cdp_session(found.page)
    before = found.page.evaluate("document.querySelector('.p-nav').offsetHeight")
    line.send(
        "Emulation.setSafeAreaInsetsOverride", {"insets": {"top": 47, "bottom": 34, "topMax": 47, "bottomMax": 34}}
    )

    after, top, last = found.page.evaluate("""() => { scrollTo(0, document.body.scrollHeight);
        const [bar, main] = [".p-nav", "main"].map((name) => document.querySelector(name));
        return [bar.offsetHeight, parseFloat(getComputedStyle(document.body).paddingTop),
                main.getBoundingClientRect().bottom <= bar.getBoundingClientRect().top] }""")
    assert (after - before, top, last) == (34, 47, True)


def test_going_back_from_the_code_keeps_the_number(open_page: Open, house: House, simulator: Simulator):
    found = open_page()
    page = found.page
    found.go("/my/login/")
    page.fill("#phone", PHONE)
    page.check("[name=agree]")
    page.click("form button.wide")
    expect(page.locator("#code")).to_be_visible()

    page.go_back()

    expect(page.locator("#phone")).to_have_value(PHONE)
