"""A scan, a registration at a face, and the code that brought it: the whole way, on the portal and over the API."""

import json

import pytest
from django.test import Client

from apps.activity import codes
from apps.activity.models import Arrival, CodeDay, Event
from apps.members import login
from apps.members import services as members
from tests.activity.test_codes import SAFARI, WECHAT
from tests.api.test_auth import newest_code
from tests.processes import Simulator

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_who_scans_a_poster_and_registers_on_the_portal_came_by_the_poster(simulator: Simulator):
    code = codes.create(name="poster", target="/my/")
    browser = Client(headers={"user-agent": SAFARI})
    browser.get(f"/s/{code.slug}")
    name = browser.cookies["anon"].value
    browser.get("/my/login/")
    assert browser.cookies["anon"].value == name

    sent = login.request_code(phone="13900000001", network="192.0.2.7", device=name)
    answer = browser.post(
        "/my/login/code/", {"request_id": sent.request_id, "code": newest_code(simulator.url, "0001")}
    )

    assert (answer.status_code, answer["Location"]) == (302, "/my/welcome/")
    newcomer = members.Member.objects.get()
    assert newcomer.source == f"code:{code.slug}"
    assert list(Arrival.objects.values_list("member_id", "code_id")) == [(newcomer.pk, code.pk)]
    assert Event.objects.get(name="code_opened").member_id == newcomer.pk


def test_an_app_reports_a_code_it_was_opened_with():
    code = codes.create(name="poster", target="mini:pages/live/room?id=7")
    app = Client(headers={"user-agent": WECHAT, "accept": "application/json"})
    body = json.dumps({"anonymous_id": "a-3f8k2m9p"})

    first, again = (
        app.post(f"/api/v1/codes/{code.slug}/opened", body, content_type="application/json").json() for _ in range(2)
    )

    assert first == {"target": "mini:pages/live/room?id=7", "is_counted": True, "anonymous_id": "a-3f8k2m9p"}
    assert again["is_counted"] is False
    assert CodeDay.objects.get().scans == Event.objects.filter(name="code_opened").count() == 1
    codes.stop(code_id=code.pk)
    over = app.post(f"/api/v1/codes/{code.slug}/opened", body, content_type="application/json")
    assert (over.status_code, over.json()["code"]) == (410, "code_stopped")
    missing = app.post("/api/v1/codes/nowhere1/opened", body, content_type="application/json")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


def test_a_newcomer_who_registers_without_a_scan_is_nobodys_arrival():
    codes.create(name="poster", target="/my/")
    members.register(source="portal")

    assert Arrival.objects.count() == 0
