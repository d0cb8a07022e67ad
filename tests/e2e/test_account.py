"""Second factors in a real browser: an app, a key, recovery codes, the log-in with them, "is it still you?"."""

import time
from collections.abc import Callable, Iterator

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Browser, expect

from apps.stores import second_factor
from apps.stores.models import Role
from tests.console import world
from tests.console.world import House
from tests.e2e.visits import LOOKS, Visit, keep

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
Open = Callable[..., Visit]


@pytest.fixture
def house(transactional_db: None) -> House:
    return world.build()


@pytest.fixture
def visit(chromium: Browser, live_server) -> Iterator[Open]:
    """`visit(width=, language=)`: a fresh profile with a security key plugged in."""
    opened = []

    def open_page(*, width: int, language: str) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": 900})
        opened.append(context)
        context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
        page = context.new_page()
        devices = context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        touched = {"automaticPresenceSimulation": True, "hasUserVerification": True, "isUserVerified": True}
        devices.send(
            "WebAuthn.addVirtualAuthenticator", {"options": {"protocol": "ctap2", "transport": "usb"} | touched}
        )
        return Visit(page, home=live_server.url)

    yield open_page
    for context in opened:
        context.close()


def password(found: Visit) -> None:
    found.go("/console/login/")
    found.page.fill("[name=username]", f"{Role.MARKETER}-1")
    found.page.fill("[name=password]", world.PASSWORD)
    found.page.click("form button.go")


def code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


@pytest.mark.parametrize(("width", "language"), LOOKS)
def test_a_key_is_added_and_opens_the_next_log_in(visit: Open, house: House, width: int, language: str):
    found = visit(width=width, language=language)
    page, look = found.page, f"{width}-{language}"
    password(found)
    page.wait_for_url("**/console/**")
    found.go("/console/account/")
    found.check()
    keep(page, name=f"account-empty-{look}")
    found.go("/console/account/key/")
    found.check()
    keep(page, name=f"account-key-{look}")
    page.fill("[name=name]", "Office laptop")
    page.click("[data-key-make] button")
    expect(page.locator(".c-codes li")).to_have_count(10)
    found.check()
    keep(page, name=f"account-codes-{look}")
    page.click("footer a.go")
    expect(page.locator(".c-factors")).to_contain_text("Office laptop")
    found.check()
    keep(page, name=f"account-{look}")

    page.context.clear_cookies(name="sessionid")
    password(found)
    page.wait_for_url("**/login/second/")
    found.check()
    keep(page, name=f"login-second-key-{look}")
    page.click("[data-key-ask] button")
    page.wait_for_url(lambda address: "/login/" not in address)

    assert found.troubles == []


@pytest.mark.parametrize(("width", "language"), LOOKS)
def test_the_app_is_set_up_opens_the_log_in_and_is_removed(visit: Open, house: House, width: int, language: str):
    found = visit(width=width, language=language)
    page, look = found.page, f"{width}-{language}"
    user = house.users[Role.MARKETER]
    password(found)
    page.wait_for_url("**/console/**")
    found.go("/console/account/app/")
    found.check()
    keep(page, name=f"account-app-{look}")
    secret = page.locator("[data-copy-text]").text_content().replace(" ", "")  # type: ignore[union-attr]
    page.fill("[name=code]", code(secret))
    page.click("form button.go")
    expect(page.locator(".c-codes li")).to_have_count(10)
    recovery = page.locator(".c-codes li").first.text_content()

    page.context.clear_cookies(name="sessionid")
    password(found)
    page.wait_for_url("**/login/second/")
    found.check()
    keep(page, name=f"login-second-{look}")
    page.fill("[name=code]", recovery or "")
    page.click("form button.go")
    page.wait_for_url(lambda address: "/login/" not in address)
    assert second_factor.of(user).codes_left == 9

    found.go("/console/account/confirm/?next=/console/account/")
    found.check()
    keep(page, name=f"confirm-{look}")
    found.go("/console/account/")
    page.click("[data-open^=remove-]")
    keep(page, name=f"account-remove-{look}")
    page.fill("dialog[open] [name=password]", world.PASSWORD)
    page.click("dialog[open] button.bad")
    expect(page.locator(".c-toast")).to_be_visible()

    assert found.troubles == []
    assert not second_factor.is_on(user)
