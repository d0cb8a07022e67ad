"""T-P2, the programs' half: a phone in every part of every call, refused or not, stands in no log, no row and no cache in clear."""

import io
import re

import pytest
from django.db import connection
from django.http import HttpRequest

from apps.api import document, door, request_log
from apps.core import clock
from apps.core.models import RequestLine
from apps.stores import credentials
from apps.stores.models import Scope
from tests.api.conftest import Caller
from tests.api.test_document import made
from tests.flows.test_canaries import CANARIES, found_in, log_text, valkey_content

__all__ = ["log_text"]
pytestmark = pytest.mark.django_db(transaction=True)
PHONE = CANARIES[0]


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.nightly)])
def test_no_call_leaves_a_phone_where_somebody_reads(
    me: Caller,
    nobody: Caller,
    simulator,
    log_text: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    every: int,
):
    for name in door.QUOTAS:
        monkeypatch.setitem(door.QUOTAS, name, 10**6)
    program = Caller(secret=credentials.issue_client(name="shop", scopes=[scope.value for scope in Scope]).secret)
    event = {
        "event_id": "7f1c6f0e-8f7e-4f6f-9b1a-2d5b8f0f3a11",
        "name": "searched",
        "occurred_at": clock.now().isoformat(),
    }
    body = {
        "phone": PHONE,
        "events": [event | {"properties": {"query": PHONE}}],
        "items": [{"phone": PHONE}],
    }
    headers = {
        "If_Match": f'"{PHONE}"',
        "Accept_Language": "en",
        "Referer": f"https://a.example/{PHONE}",
        "User_Agent": PHONE,
    }
    answered = 0
    for path, method, one in list(document.operations(made()))[::every]:
        if one["operationId"] == "auth_logout_post":
            continue  # the others need this log-in
        address = re.sub(r"\{\w+\}", PHONE, path)
        caller = program if "client" in one["x-needs"] else me if "member" in one["x-needs"] else nobody
        for asked in (f"{address}?phone={PHONE}&cursor={PHONE}&near={PHONE}", f"{address}/{PHONE}"):
            caller.call(method.upper(), asked, body, Idempotency_Key="canary", **headers)
            answered += 1
    for path in ("auth/codes", "members/find"):  # a phone where it belongs
        (nobody if path == "auth/codes" else program).post(path, {"phone": PHONE})
    monkeypatch.setattr("apps.api.views.me.members.card", _broken)
    assert me.call("GET", f"me?phone={PHONE}", body, **headers).status_code == 500
    request_log.flush()

    assert answered * every > 180
    assert RequestLine.objects.filter(status__gte=400).count() * every > 100
    assert found_in(log_text.getvalue().encode()) == set()
    assert {table: text for table, text in tables().items() if found_in(text)} == {}
    assert found_in(valkey_content()) == set()
    assert len(log_text.getvalue()) > 1000


def tables() -> dict[str, bytes]:
    """Every table's rows as text."""
    content = {}
    with connection.cursor() as cursor:
        cursor.execute("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace")
        for (table,) in cursor.fetchall():
            with cursor.copy(f'copy "{table}" to stdout') as rows:  # type: ignore[attr-defined]
                content[table] = b"".join(bytes(block) for block in rows)
    return content


def _broken(_member_id: int) -> HttpRequest:
    raise ZeroDivisionError(PHONE)
