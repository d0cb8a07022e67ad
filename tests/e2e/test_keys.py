"""API keys in a real browser: clean on desk and phone in both languages, from issuing one to revoking it."""

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from playwright.sync_api import Browser, expect

from apps.core import clock
from apps.members.models import CodeAlarm
from apps.stores import credentials
from apps.stores.models import ApiClient, Role
from tests.console import world
from tests.console.world import House
from tests.e2e.visits import LOOKS, Visit, keep

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def house(transactional_db: None) -> House:
    made = world.build()
    credentials.issue_client(name="订单系统", scopes=["orders.write", "orders.read", "refunds.write", "members.read"])
    credentials.issue_client(name="快速上手", scopes=["members.read"], is_sandbox=True)
    till = credentials.issue_device(name="一号收银台", store_id=made.stores["mine"].pk, scopes=["members.read"])
    credentials.find(till.secret)
    old = credentials.issue_client(name="旧小程序服务器", scopes=["events.write"])
    credentials.revoke(kind="client", credential_id=old.id)
    CodeAlarm.objects.create(opened_at=clock.now(), sent=50, used=2)
    return made


@pytest.fixture
def enter(chromium: Browser, live_server, house: House):
    opened = []

    def log_in(*, width: int = 1440, language: str = "zh-hans") -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": 900})
        opened.append(context)
        client = Client()
        world.enter(client, house.users[Role.ADMIN])
        cookies = {"django_language": language, settings.SESSION_COOKIE_NAME: client.cookies["sessionid"].value}
        context.add_cookies([{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()])
        return Visit(context.new_page(), home=live_server.url)

    yield log_in
    for context in opened:
        context.close()


@pytest.mark.parametrize(("width", "language"), LOOKS)
def test_the_pages_are_clean_on_desk_and_phone_in_both_languages(enter, width, language):
    found = enter(width=width, language=language)
    for path in ("/console/keys/", "/console/keys/new/", "/console/jobs/"):
        found.go(path)
        found.check(deep=(width == 390) == (language == "en"))
        keep(found.page, name=f"{path.strip('/').replace('/', '-')}-{width}-{language}")


def test_a_key_is_issued_kept_and_revoked(enter):
    found = enter()
    page = found.page
    found.go("/console/keys/new/")
    page.fill("[name=name]", "仓库系统")
    page.check("[value='members.read']")
    (sid,) = (one["value"] for one in page.context.cookies() if one["name"] == settings.SESSION_COOKIE_NAME)
    session = SessionStore(sid)
    session["proved_at"] = 0
    session.save()
    page.click("form.c-form .go")
    page.fill("[name=password]", world.PASSWORD)  # the proof; what was typed goes on after it
    page.click("form.c-form .go")
    secret = page.locator("code[data-copy-text]").inner_text()
    assert secret.startswith("sk_live_")
    assert credentials.find(secret) is not None
    keep(page, name="console-key-shown-1440-zh-hans")

    page.reload()
    assert page.locator("code[data-copy-text]").count() == 0
    assert ApiClient.objects.filter(name="仓库系统", scopes=["members.read"]).count() == 1
    row = page.locator("tr", has_text="仓库系统")
    row.locator("button[data-open^=revoke]").click()
    page.locator("dialog[open] .bad").click()
    expect(row.locator("button")).to_have_count(0)
    assert credentials.find(secret) is None
    assert ApiClient.objects.filter(revoked_at=None).count() == 2
