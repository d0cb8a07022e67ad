"""What makes the pages an app: what they tell, what is installed, and what a fault looks like."""

import json
import logging
import uuid
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import OperationalError, connection
from django.test import Client

from apps.activity.models import Event
from apps.core import clock, tokens
from apps.members import services as members
from tests.portal.doors import browser_of, family_of

pytestmark = pytest.mark.django_db
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1"


@pytest.fixture
def member_id() -> int:
    return members.register(source="test", nickname="林若溪", phone="19900000011")


def page_seen(path: str = "/my/orders/") -> dict:
    return {
        "event_id": str(uuid.uuid4()),
        "name": "page_viewed",
        "occurred_at": clock.now().isoformat(),
        "properties": {"path": path, "seconds": 3},
    }


def tell(client: Client, *events: object, agent: str = SAFARI) -> int:
    body = {"events": json.dumps(list(events)), "sent_at": clock.now().isoformat()}
    return client.post("/my/events/", body, headers={"user-agent": agent}).status_code


def test_what_a_member_looked_at_is_theirs_and_told_once(member_id: int):
    client, event = browser_of(member_id), page_seen()

    assert [tell(client, event), tell(client, event)] == [204, 204]

    row = Event.objects.get()
    assert (row.member_id, row.name, row.source, row.properties) == (
        member_id, "page_viewed", "portal", {"path": "/my/orders/", "seconds": 3},
    )  # fmt: skip


def test_what_a_stranger_looked_at_becomes_theirs_at_the_log_in(member_id: int):
    stranger = Client()
    stranger.get("/my/login/")
    assert tell(stranger, page_seen("/my/login/")) == 204

    row = Event.objects.get()
    assert (row.member_id, row.anonymous_id) == (None, stranger.cookies["anon"].value)


@pytest.mark.parametrize(
    "agent", ["Mozilla/5.0 (compatible; Baiduspider/2.0)", "curl/8.5", "Mozilla/5.0 HeadlessChrome/130"]
)
def test_robots_are_not_counted(agent: str):
    assert tell(Client(), page_seen(), agent=agent) == 204
    assert not Event.objects.exists()


@pytest.mark.parametrize("body", ["", "{}", "[1]", "nonsense", "[" * 30_000])
def test_what_is_no_batch_is_refused_whole(body: str):
    assert Client().post("/my/events/", {"events": body}, headers={"user-agent": SAFARI}).status_code == 422
    assert not Event.objects.exists()


def test_the_app_has_a_name_a_start_and_signs_of_every_size(member_id: int):
    facts = browser_of(member_id).get("/my/manifest.webmanifest").json()

    assert (facts["start_url"], facts["scope"], facts["display"], facts["lang"]) == (
        "/my/",
        "/my/",
        "standalone",
        "zh-hans",
    )
    sizes = {(icon["sizes"], icon["purpose"]) for icon in facts["icons"]}
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= sizes
    for icon in facts["icons"]:
        found = finders.find(icon["src"].removeprefix(settings.STATIC_URL))
        assert found, icon
        if icon["type"] == "image/png":
            width, height = (int.from_bytes(Path(str(found)).read_bytes()[at : at + 4]) for at in (16, 20))
            assert f"{width}x{height}" == icon["sizes"]


def test_the_worker_keeps_nothing_personal_and_every_file_of_its_shell_is_there(member_id: int):
    text = browser_of(member_id).get("/my/sw.js").content.decode()
    parts = json.loads(text.split("const { shell, offline } = ")[1].split(";\n")[0])

    assert parts["offline"] == "/my/offline/"
    for address in parts["shell"]:
        assert finders.find(address.removeprefix(settings.STATIC_URL)), address


def test_every_other_log_in_ends_at_once(member_id: int):
    here, there, elsewhere = browser_of(member_id), browser_of(member_id), browser_of(member_id, label="Windows · Edge")
    somebody = browser_of(members.register(source="test"))

    answer = here.post("/my/me/sessions/others/end/", follow=True)

    assert "2" in answer.context["said"]
    assert [client.get("/my/").status_code for client in (here, there, elsewhere, somebody)] == [200, 302, 302, 200]
    assert tokens.of_family(family_of(here)) is not None


def test_a_fault_has_a_page_of_the_members_even_when_the_database_is_the_fault(member_id: int):
    client = browser_of(member_id)
    logging.disable(logging.CRITICAL)
    try:
        with connection.execute_wrapper(_no_database):
            answer = client.get("/my/orders/")
    finally:
        logging.disable(logging.NOTSET)

    page = answer.content.decode()
    assert answer.status_code == 500
    assert "portal/portal.css" in page
    assert answer["X-Request-ID"] in page
    assert 'href="/my/orders/"' in page  # try again, here


def _no_database(*_statement: object) -> None:
    raise OperationalError("connection refused")
