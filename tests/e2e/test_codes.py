"""Tracked codes in a real browser: clean on desk and phone in both languages, from making one to stopping it."""

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, expect

from apps.activity import codes, services
from apps.activity.models import Code
from apps.activity.robots import Look
from apps.members import services as members
from apps.stores.models import Role
from tests.console import world
from tests.console.world import House
from tests.e2e.visits import LOOKS, Visit, keep

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
TAP = Look(agent="Mozilla/5.0 (iPhone) MicroMessenger/8.0.54", mode="navigate")


@pytest.fixture
def house(transactional_db: None) -> House:
    made = world.build()
    code = codes.create(
        name="双十一 · 武康路橱窗", target="/my/", campaign="双十一", poster="橱窗左", store_id=made.stores["mine"].pk,
        slug="WuKang26",
    )  # fmt: skip
    for number in range(9):
        codes.follow(slug=code.slug, anonymous_id=f"browser-{number:04d}", look=TAP)
    for number in range(3):
        member = members.register(source=f"code:{code.slug}")
        services.stitch(anonymous_id=f"browser-{number:04d}", member_id=member)
    codes.stop(code_id=made.codes["far"].pk)
    return made


@pytest.fixture
def enter(chromium: Browser, live_server, house: House):
    opened = []

    def log_in(role: str, *, width: int = 1440, language: str = "zh-hans") -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": 900})
        opened.append(context)
        client = Client()
        world.enter(client, house.users[role])
        cookies = {"django_language": language, settings.SESSION_COOKIE_NAME: client.cookies["sessionid"].value}
        context.add_cookies([{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()])
        return Visit(context.new_page(), home=live_server.url)

    yield log_in
    for context in opened:
        context.close()


@pytest.mark.parametrize(("width", "language"), LOOKS)
def test_the_pages_are_clean_on_desk_and_phone_in_both_languages(enter, width, language):
    found = enter(Role.ADMIN, width=width, language=language)
    for path in ("/console/codes/", "/console/codes/new/", "/console/codes/WuKang26/", "/console/codes/?channel=sms"):
        found.go(path)
        found.check(deep=(width == 390) == (language == "en"))
        if "WuKang26" in path:
            hidden = found.page.evaluate("""() => { const chart = document.querySelector("[data-newest]");
                return chart.scrollWidth - chart.clientWidth - chart.scrollLeft }""")
            assert hidden <= 1  # the chart stands at its newest day
        name = path.strip("/").replace("/", "-").replace("?", "-")
        keep(found.page, name=f"{name}-{width}-{language}")


def test_a_code_is_made_opened_by_a_person_and_stopped(enter, live_server, chromium: Browser):
    found = enter(Role.MARKETER)
    page = found.page
    found.go("/console/codes/new/")
    page.fill("[name=name]", "收银台立牌")
    page.select_option("[name=channel]", "counter")
    page.click("form.c-form button.go")
    page.wait_for_url("**/console/codes/*/")
    slug = Code.objects.get(name="收银台立牌").slug
    expect(page.locator("[data-copy-text]")).to_contain_text(f"/s/{slug}")

    phone = chromium.new_context(user_agent=TAP.agent).new_page()
    phone.goto(f"{live_server.url}/s/{slug}")
    page.reload()
    expect(page.locator(".c-figs b").first).to_have_text("1")

    page.click("[data-open=stop]")
    page.click("#stop button.bad")
    expect(page.locator(".c-head .c-bd.warn")).to_be_visible()
    found.check()
    assert phone.goto(f"{live_server.url}/s/{slug}").status == 410
    phone.context.close()
