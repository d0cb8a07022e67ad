"""The page of API keys: shown once, revoked at once; and what staff read when log-in codes are held back."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from apps.members.models import CodeAlarm
from apps.stores import credentials
from apps.stores.models import ApiClient, Device, Role
from tests.console import world

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db
GIVEN = {"name": "订单系统", "kind": "client", "scopes": ["orders.write", "members.read"]}


def test_a_key_is_shown_in_one_answer_and_never_again(admin):
    asked = admin.post("/console/keys/new/", GIVEN)
    waiting = repr(dict(admin.session))
    answer = admin.get(asked["Location"])

    [secret] = re.findall(r"sk_live_[\w-]{43}", answer.content.decode())
    found = credentials.find(secret)
    assert found is not None
    assert found.scopes == {"orders.write", "members.read"}
    assert "no-store" in answer["Cache-Control"]
    listed = admin.get("/console/keys/").content.decode()
    assert secret not in listed
    assert secret[-4:] in listed
    assert secret not in repr(dict(admin.session)) + waiting
    assert admin.get(asked["Location"])["Location"] == "/console/keys/"  # loaded anew
    assert ApiClient.objects.count() == 1


def test_a_till_needs_its_store_and_a_refused_form_keeps_what_was_typed(admin, house):
    till = {"name": "一号收银台", "kind": "device", "scopes": ["orders.write"], "is_sandbox": "on"}
    refused = admin.post("/console/keys/new/", till)

    assert refused.status_code == 422
    assert "一号收银台" in refused.content.decode()
    assert (ApiClient.objects.count(), Device.objects.count()) == (0, 0)
    made = admin.post("/console/keys/new/", till | {"store": house.stores["mine"].pk})
    assert "dk_test_" in admin.get(made["Location"]).content.decode()
    assert Device.objects.get().store_id == house.stores["mine"].pk


def test_unknown_scopes_are_refused(admin):
    assert admin.post("/console/keys/new/", GIVEN | {"scopes": ["everything"]}).status_code == 422
    assert admin.post("/console/keys/new/", {"name": "订单系统", "kind": "client"}).status_code == 422
    assert ApiClient.objects.count() == 0


def test_a_revoked_key_is_refused_from_then_on_and_a_strange_one_is_not_there(admin):
    issued = credentials.issue_client(name="订单系统", scopes=["orders.write"])
    [address] = re.findall(r"/console/keys/cli_\w+/revoke/", admin.get("/console/keys/").content.decode())

    assert admin.post(address)["Location"] == "/console/keys/"
    assert credentials.find(issued.secret) is None
    assert admin.post(address).status_code == 404
    assert admin.post("/console/keys/cli_nothing/revoke/").status_code == 404
    assert admin.post("/console/keys/mem_0000000000000/revoke/").status_code == 404


def test_an_auditor_sees_keys_and_can_change_none(house):
    issued = credentials.issue_client(name="订单系统", scopes=["orders.write"])
    client = Client()
    world.enter(client, house.users[Role.AUDITOR])

    page = client.get("/console/keys/").content.decode()
    assert "订单系统" in page
    assert "/revoke/" not in page
    assert client.get("/console/keys/new/").status_code == 403
    assert client.post("/console/keys/new/", GIVEN).status_code == 403
    assert credentials.find(issued.secret) is not None


def test_staff_read_that_codes_are_held_back_and_when_it_was_over(admin, house):
    alarm = CodeAlarm.objects.create(opened_at=NOON, sent=50, used=2)
    assert 'class="c-note bad w12"' in admin.get("/console/jobs/").content.decode()
    CodeAlarm.objects.filter(pk=alarm.pk).update(closed_at=NOON)
    assert 'class="c-note ok w12"' in admin.get("/console/jobs/").content.decode()
    CodeAlarm.objects.update(closed_at=datetime(2026, 11, 14, tzinfo=UTC))
    assert "c-note ok w12" not in admin.get("/console/jobs/").content.decode()
