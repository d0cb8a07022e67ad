"""The profile picture on a member's phone, and the request log in the back office, in a real browser."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.test import Client
from playwright.sync_api import Browser, expect

from apps.core import clock, ids
from apps.core.models import RequestLine
from apps.members import uploads
from apps.members.models import Member
from apps.stores import credentials
from apps.stores.models import Role
from tests import pictures_made as made
from tests.console import world
from tests.console.world import House
from tests.e2e.visits import LOOKS, Visit, keep
from tests.pictures_made import photo
from tests.portal.doors import browser_of

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
Open = Callable[..., Visit]


@pytest.fixture
def house(transactional_db: None) -> House:
    return world.build()


@pytest.fixture
def open_as(chromium: Browser, live_server, house: House) -> Iterator[Open]:
    """`open_as(client, width=, language=)`: a browser that holds this client's cookies."""
    opened = []

    def fresh(client: Client, *, width: int, language: str) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": 844})
        opened.append(context)
        cookies = {name: client.cookies[name].value for name in client.cookies} | {"django_language": language}
        context.add_cookies([{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()])
        return Visit(context.new_page(), home=live_server.url)

    yield fresh
    for context in opened:
        context.close()


@pytest.mark.parametrize(("width", "language"), [(390, "zh-hans"), (390, "en")])
def test_a_member_chooses_changes_and_removes_their_picture(open_as, house, width: int, language: str):
    member = house.members["mine"]
    found = open_as(browser_of(member.pk), width=width, language=language)
    page = found.page
    found.go("/my/me/profile/")
    found.check()
    keep(page, name=f"portal-picture-none-{width}-{language}")

    with page.expect_navigation():
        page.set_input_files("[name=picture]", {"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    expect(page.locator(".p-toast")).to_be_visible()
    assert page.locator(".p-pic img").evaluate("image => image.complete && image.naturalWidth > 0")
    found.check()
    keep(page, name=f"portal-picture-{width}-{language}")
    found.go("/my/me/")
    assert page.locator(".p-face").evaluate("image => image.naturalWidth > 0")
    found.check()
    keep(page, name=f"portal-me-picture-{width}-{language}")

    found.go("/my/me/profile/")
    with page.expect_navigation():
        page.set_input_files("[name=picture]", {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": made.SVG})
    expect(page.locator("#picture-e")).to_be_visible()
    found.troubles.clear()  # the 415 itself
    found.check()
    keep(page, name=f"portal-picture-refused-{width}-{language}")
    with page.expect_navigation():
        page.click("[name=remove]")
    expect(page.locator(".p-pic img")).to_have_count(0)
    assert Member.objects.get(pk=member.pk).avatar_id is None
    assert uploads.avatar(member.pk) is None


@pytest.fixture
def busy() -> list[RequestLine]:
    """A morning of calls: a key with trouble, a till, members, somebody unknown."""
    key = credentials.issue_client(name="订单系统", scopes=["orders.write", "members.read"])
    routes = [
        ("POST", "api:orders", 200, "", f"client:{key.id}"), ("POST", "api:orders", 422, "validation_failed", f"client:{key.id}"),
        ("GET", "api:home", 200, "", "user:7"), ("GET", "api:me", 401, "token_expired", ""),
        ("POST", "api:refunds", 429, "rate_limited", f"client:{key.id}"), ("GET", "api:order", 500, "server_error", f"client:{key.id}"),
        ("GET", "", 404, "not_found", ""),
    ]  # fmt: skip
    lines = [
        RequestLine(
            at=clock.now() - timedelta(minutes=number), request_id=f"req_Q9zR3m{number:04d}", trace=f"{number:032x}",
            method=method, route=route, status=status, code=code, actor=actor, ms=8 + number * 3, is_replayed=number == 7,
        )
        for number, (method, route, status, code, actor) in enumerate(routes * 9)
    ]  # fmt: skip
    return RequestLine.objects.bulk_create(lines)


@pytest.mark.parametrize(("width", "language"), LOOKS)
def test_the_request_log_is_clean_on_desk_and_phone_in_both_languages(open_as, house, busy, width, language):
    client = Client()
    world.enter(client, house.users[Role.ADMIN])
    found = open_as(client, width=width, language=language)
    line = ids.encode("rql", busy[1].pk)
    for name, path in {
        "log": "/console/keys/log/",
        "log-nothing": "/console/keys/log/?id=req_unknown",
        "log-line": f"/console/keys/log/{line}/",
        "keys": "/console/keys/",
        "sandbox": "/api/docs/sandbox",
    }.items():
        found.go(path)
        found.check(deep=(width == 390) == (language == "en"))
        keep(found.page, name=f"console-{name}-{width}-{language}")
    if width == 1440:
        found.go("/console/keys/log/")
        found.page.select_option("[name=outcome]", "limited")
        found.page.wait_for_url("**outcome=limited**")
        assert found.page.locator("tbody tr").count() == 9
