"""The request log: who called what and what came of it, found by key, outcome, path and request id; seven days, no person."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from apps.core import ids, request_lines, tasks
from apps.core.models import RequestLine, TaskRun
from apps.stores import credentials
from apps.stores.models import Role
from tests.console import world
from tests.console.world import House

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
LOG = "/console/keys/log/"
pytestmark = pytest.mark.django_db


def called(number: int = 1, **facts: object) -> RequestLine:
    given: dict[str, object] = {
        "at": NOON - timedelta(minutes=number), "request_id": f"req_number{number:04d}", "trace": f"{number:032x}",
        "actor": "", "method": "GET", "route": "api:order", "status": 200, "ms": 12,
    }  # fmt: skip
    return RequestLine.objects.create(**given | facts)


def shown(client: Client, **asked: str) -> list[str]:
    """Request ids on the page, in order."""
    page = client.get(LOG, asked).content.decode()
    return [part.partition("<")[0] for part in page.split("<code>req_")[1:]]


def test_an_empty_log_says_what_will_stand_there_and_a_filter_without_a_hit_offers_to_drop_it(admin: Client):
    assert "c-empty" in admin.get(LOG).content.decode()
    called()
    page = admin.get(LOG, {"id": "req_unknown"}).content.decode()
    assert "c-empty" in page
    assert f'href="{LOG}"' in page


def test_lines_are_found_by_caller_outcome_path_and_request_id(admin: Client):
    key = credentials.issue_client(name="订单系统", scopes=["orders.write"])
    till = credentials.issue_client(name="收银", scopes=["orders.read"])
    called(1, actor=f"client:{key.id}", route="api:orders", method="POST")
    called(2, actor=f"client:{till.id}", status=429, code="rate_limited")
    called(3, actor="user:7", route="api:me", status=404, code="not_found")
    called(4, route="", status=404, code="not_found")
    called(5, actor="user:8", route="api:home", status=500, code="server_error")

    assert shown(admin) == [
        f"number{number:04d}" for number in (5, 4, 3, 2, 1)
    ]  # the newest line is the last one stored
    assert shown(admin, who=f"client:{key.id}") == ["number0001"]
    assert shown(admin, who="members") == ["number0005", "number0003"]
    assert shown(admin, who="nobody") == ["number0004"]
    assert shown(admin, outcome="ok") == ["number0001"]
    assert shown(admin, outcome="refused") == ["number0004", "number0003", "number0002"]
    assert shown(admin, outcome="limited") == ["number0002"]
    assert shown(admin, outcome="failed") == ["number0005"]
    assert shown(admin, path="/orders") == ["number0002", "number0001"]
    assert shown(admin, path="V1/ME/home") == ["number0005"]
    assert shown(admin, id="req_number0003") == ["number0003"]
    assert shown(admin, id="req_number0003", outcome="ok") == []
    assert len(shown(admin, who="client:999999", outcome="nonsense", at="broken")) == 5


def test_each_page_holds_fifty_lines_and_knows_the_way_on_and_back(admin: Client):
    RequestLine.objects.bulk_create(
        RequestLine(at=NOON, request_id=f"req_n{number:03d}", trace="", method="GET", route="api:me", status=200, ms=1)
        for number in range(120)
    )
    first = admin.get(LOG, {"outcome": "ok"}).content.decode()
    [older] = [part.partition('"')[0] for part in first.split('rel="next" href="')[1:]]
    second = admin.get(LOG + older.replace("&amp;", "&")).content.decode()

    assert first.count("<code>req_n") == second.count("<code>req_n") == 50
    assert "outcome=ok" in older
    assert "req_n070<" in first
    assert "req_n069<" in second
    assert 'rel="prev"' in second


def test_one_line_names_key_trace_and_what_else_came_under_its_id_but_no_person(admin: Client, house: House):
    key = credentials.issue_client(name="订单系统", scopes=["orders.write"])
    line = called(
        1, actor=f"client:{key.id}", code="not_found", status=404, is_replayed=True, app="wx5170000000000001/12"
    )
    other = called(2, request_id=line.request_id)
    theirs = called(3, actor=f"user:{house.users[Role.CLERK].pk}")

    page = admin.get(f"{LOG}{ids.encode('rql', line.pk)}/").content.decode()
    member = admin.get(f"{LOG}{ids.encode('rql', theirs.pk)}/").content.decode()

    for word in (
        "订单系统",
        line.request_id,
        line.trace,
        "/api/v1/orders/{order}",
        "/api/docs/errors#not_found",
        line.app,
    ):
        assert word in page, word
    assert ids.encode("rql", other.pk) in page
    assert f"who=client:{key.id}" in page
    assert "clerk-1" not in member
    assert "who=members" in member
    assert admin.get(f"{LOG}rql_0000000000000/").status_code == 404
    assert admin.get(f"{LOG}{ids.encode('rql', 10**6)}/").status_code == 404


def test_each_key_leads_to_its_own_calls(admin: Client):
    key = credentials.issue_client(name="订单系统", scopes=["orders.write"])

    assert f'{LOG}?who=client:{key.id}"' in admin.get("/console/keys/").content.decode()


@pytest.mark.parametrize(("role", "status"), [(Role.AUDITOR, 200), (Role.MARKETER, 403), (Role.MANAGER, 403)])
def test_who_may_see_keys_may_read_the_log(house: House, role: Role, status: int):
    client = Client()
    world.enter(client, house.users[role])
    line = called()

    assert client.get(LOG).status_code == status
    assert client.get(f"{LOG}{ids.encode('rql', line.pk)}/").status_code == status


def test_a_line_goes_after_seven_days_to_the_hour(clock, db, monkeypatch: pytest.MonkeyPatch):
    clock(NOON)
    monkeypatch.setattr(request_lines, "CHUNK", 2)
    for number in range(5):
        called(number, at=NOON - timedelta(days=7, seconds=1 + number))
    kept = called(9, at=NOON - timedelta(days=6, hours=23))

    tasks.purge_requests()

    assert RequestLine.objects.get() == kept
    assert TaskRun.objects.get(task="core.purge_requests").figures["lines"] == 5
