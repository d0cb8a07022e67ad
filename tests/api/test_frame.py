"""What holds for every answer of the API, whoever made it."""

import json
import logging
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.api import door, frame, request_log
from apps.core import clock as house
from apps.core import ratelimits, tokens
from apps.core.models import AuditEntry, RequestLine
from apps.members.models import Member
from apps.stores import access
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db


def is_problem(answer, status: int, code: str) -> bool:
    assert answer["Content-Type"] == "application/problem+json", answer.content
    assert (answer.status_code, answer.data["status"], answer.data["code"]) == (status, status, code), answer.data
    assert answer.data["type"] == f"/problems/{code}"
    assert answer.data["doc"] == f"/api/docs/errors#{code}"
    assert answer.data["request_id"] == answer["X-Request-Id"]
    assert answer.data["title"]
    return True


def test_a_member_reads_their_profile_with_the_headers_of_every_answer(me: Caller):
    answer = me.get("me")

    assert answer.status_code == 200
    assert answer.data["nickname"] == "小满"
    assert answer.data["phone"] == "170****0001"
    assert answer.data["id"].startswith("mem_")
    assert answer["Api-Version"] == "2026-12-01"
    assert answer["RateLimit-Policy"] == '"member";q=120;w=60, "token";q=90;w=60'
    assert re.fullmatch(r'"member";r=119;t=\d+, "token";r=89;t=\d+', answer["RateLimit"])
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", answer["traceparent"])
    assert "Set-Cookie" not in answer


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("POST", "me/exchanges/%00:cancel", {"Idempotency_Key": "k1"}, 404, "not_found"),
        ("POST", "codes/%00/opened", {}, 404, "not_found"),
        ("GET", "nothing/here", {}, 404, "not_found"),
        ("GET", "/api/", {}, 404, "not_found"),
        ("POST", "me", {}, 405, "method_not_allowed"),
        ("OPTIONS", "me", {}, 405, "method_not_allowed"),
        ("PATCH", "me", {}, 405, "method_not_allowed"),
        ("GET", "me", {"Accept": "text/html"}, 406, "not_acceptable"),
        ("GET", "me", {"Api_Version": "2020-01-01"}, 400, "api_version_unknown"),
        ("GET", "me/messages?limit=0", {}, 422, "validation_failed"),
        ("GET", "me/messages?limit=1000000000", {}, 422, "validation_failed"),
        ("GET", "me/messages?cursor=abc", {}, 400, "cursor_invalid"),
        ("GET", "me/orders/ord_0000000000000", {}, 404, "not_found"),
        ("GET", "me/orders/17", {}, 404, "not_found"),
    ],
)
def test_refusals_are_problem_documents(me: Caller, method: str, path: str, headers: dict, status: int, code: str):
    assert is_problem(me.call(method, path, **headers), status, code)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_request"),
        (b'{"nickname": "\xff"}', "application/json", 400, "malformed_request"),
        (b'{"nickname": NaN}', "application/json", 400, "malformed_request"),
        (b"[" * 100_000, "application/json", 400, "malformed_request"),
        (b"[]", "application/json", 422, "validation_failed"),
        (b"nickname=x", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"x" * (1024 * 1024 + 1), "application/json", 413, "upload_too_large"),
    ],
)
def test_bodies_that_cannot_be_read_are_refused(me: Caller, body: bytes, content_type: str, status: int, code: str):
    answer = me.put("me", body, Content_Type=content_type, If_Match="*")

    assert is_problem(answer, status, code)
    assert Member.objects.get().nickname == "小满"


def test_wrong_fields_are_pointed_at_and_unknown_or_protected_ones_refused(me: Caller):
    before = Member.objects.values().get()
    body = {"nickname": "x" * 41, "is_staff": True, "balance": 5, "tier": "gold", "member_no": "M1", "status": "frozen"}

    answer = me.put("me", body, If_Match="*")
    alone = me.put("me", {"nickname": "x" * 41, "birthday": "1994-02-30"}, If_Match="*")

    assert is_problem(answer, 422, "validation_failed")
    assert {(line["pointer"], line["code"]) for line in answer.data["errors"]} == {
        (f"/{name}", "unknown_field") for name in ("is_staff", "balance", "tier", "member_no", "status")
    }
    assert [line["pointer"] for line in alone.data["errors"]] == ["/nickname", "/birthday"]
    assert Member.objects.values().get() == before


def test_titles_follow_the_language_that_is_asked_for(nobody: Caller):
    assert nobody.get("me", Accept_Language="en").data["title"] == "Log in first."
    assert nobody.get("me", Accept_Language="zh-CN,zh;q=0.9").status_code == 401


def test_without_a_token_or_with_a_wrong_or_old_one_nobody_passes(nobody: Caller, me: Caller, clock):
    for given in ({}, {"Authorization": "Bearer sya_wrong"}, {"Authorization": "Basic eDp5"}, {"Authorization": "x"}):
        answer = nobody.get("me", **given)
        assert is_problem(answer, 401, "unauthenticated")
        assert answer["WWW-Authenticate"] == 'Bearer realm="siyu"'
    clock(house.now() + timedelta(minutes=30, seconds=1))
    assert is_problem(me.get("me"), 401, "token_expired")


def test_a_session_cookie_opens_nothing(me: Caller, nobody: Caller):
    nobody.http.force_login(Member.objects.get().user)

    assert is_problem(nobody.get("me"), 401, "unauthenticated")


def test_a_revoked_log_in_and_a_member_who_is_not_active_are_refused_on_the_next_call(me: Caller):
    assert me.get("me").status_code == 200
    Member.objects.update(status="frozen")
    assert is_problem(me.get("me"), 401, "unauthenticated")
    Member.objects.update(status="active")
    assert me.get("me").status_code == 200

    tokens.revoke_family(family_id=me.family_id)

    assert is_problem(me.get("me"), 401, "unauthenticated")


def test_put_and_delete_can_come_as_post(me: Caller):
    answer = me.post("me", {"nickname": "阿满"}, X_HTTP_Method_Override="PUT", If_Match="*")

    assert answer.status_code == 200
    assert Member.objects.get().nickname == "阿满"
    assert is_problem(me.post("me", {}, X_HTTP_Method_Override="PATCH"), 405, "method_not_allowed")


def test_a_trace_goes_on_and_a_request_id_is_kept(me: Caller):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    answer = me.get("me", traceparent=trace, X_Request_Id="till-7_abcdef")

    assert answer["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    assert answer["traceparent"] != trace
    assert answer["X-Request-Id"] == "till-7_abcdef"


def test_an_error_of_ours_is_a_problem_document_too(me: Caller, monkeypatch: pytest.MonkeyPatch):
    def broken(_member_id: int) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("apps.api.views.me.members.card", broken)
    logging.disable(logging.CRITICAL)
    answer = me.get("me")
    logging.disable(logging.NOTSET)

    assert is_problem(answer, 500, "server_error")
    assert answer.data["retryable"] is True


def test_while_the_house_is_being_worked_on_programs_are_told_when_to_come_again(me: Caller, settings):
    settings.API_MAINTENANCE = 120

    answers = [me.get("me"), me.put("me", {"nickname": "二"}, If_Match="*"), me.get("openapi.json"), me.get("no/such")]

    assert all(is_problem(answer, 503, "maintenance") and answer["Retry-After"] == "120" for answer in answers)
    assert answers[0].data["retryable"] is True
    settings.API_MAINTENANCE = 0
    assert me.get("me").data["nickname"] == "小满"


def test_the_limit_refuses_with_retry_after(me: Caller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(door.QUOTAS, "member", 3)

    answers = [me.get("me") for _ in range(5)]

    assert [one.status_code for one in answers] == [200, 200, 200, 429, 429]
    assert is_problem(answers[-1], 429, "rate_limited")
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert answers[-1]["RateLimit"].startswith('"member";r=0;t=')


def test_wrong_tokens_count_against_the_address(nobody: Caller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(door.QUOTAS, "ip", 3)

    statuses = [nobody.get("me", Authorization=f"Bearer sya_{number}").status_code for number in range(5)]

    assert statuses == [401, 401, 401, 429, 429]


def test_the_frame_costs_one_statement_and_one_round_trip_on_a_read(me: Caller, monkeypatch: pytest.MonkeyPatch):
    trips = count_trips(monkeypatch)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        me.call("POST", "me")  # 405: nothing but the frame

    assert len(seen) == 1, [one["sql"] for one in seen]
    assert len(trips) == 1


def test_the_frame_costs_two_statements_and_one_round_trip_on_a_keyed_write(me: Caller, monkeypatch):
    me.put("me/consents/care/sms", {"is_granted": True, "text_version": "1"})
    with CaptureQueriesContext(connection) as plain:
        me.put("me/consents/care/sms", {"is_granted": True, "text_version": "1"})
    trips = count_trips(monkeypatch)
    with CaptureQueriesContext(connection) as keyed:
        me.put("me/consents/care/sms", {"is_granted": True, "text_version": "1"}, Idempotency_Key="k1")

    assert len(statements(keyed)) - len(statements(plain)) == 1, statements(keyed)
    assert sum("core_token" in sql for sql in statements(keyed)) == 1
    assert len(trips) == 1


def test_a_replay_costs_two_statements_and_one_round_trip(me: Caller, monkeypatch: pytest.MonkeyPatch):
    me.put("me/consents/care/sms", {"is_granted": True, "text_version": "1"}, Idempotency_Key="k1")
    trips = count_trips(monkeypatch)
    with CaptureQueriesContext(connection) as seen:
        again = me.put("me/consents/care/sms", {"is_granted": True, "text_version": "1"}, Idempotency_Key="k1")

    assert again["Idempotency-Replayed"] == "true"
    assert len(statements(seen)) == 2, statements(seen)
    assert len(trips) == 1


def statements(seen: CaptureQueriesContext) -> list[str]:
    return [one["sql"] for one in seen if "SAVEPOINT" not in one["sql"]]


def count_trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent to Valkey from now on, once the script is loaded."""
    trips: list[str] = []
    ratelimits.ask([])
    line, client = ratelimits._line(settings.REDIS_URL), ratelimits._client(settings.REDIS_URL)
    for speaker, method in ((line, "send_packed_command"), (client, "execute_command")):
        send = getattr(speaker, method)
        monkeypatch.setattr(
            speaker, method, lambda *args, _send=send, **options: trips.append(args[0]) or _send(*args, **options)
        )
    return trips


def test_each_call_leaves_a_line_of_ids(me: Caller, nobody: Caller):
    app = "https://servicewechat.com/wx5170000000000001/{}/page-frame.html?token=secret"
    answer = me.get("me/orders/ord_0000000000000?phone=17000000001", Referer=app.format(12))
    nobody.get("nothing?token=secret", Referer=app.format("secret"))

    assert request_log.flush() >= 2

    line = RequestLine.objects.get(request_id=answer["X-Request-Id"])
    assert (line.method, line.route, line.status, line.code) == ("GET", "api:my_order", 404, "not_found")
    assert (line.actor, line.app) == (f"user:{me.member.user_id}", "wx5170000000000001/12")
    stored = json.dumps(list(RequestLine.objects.values()), default=str)
    assert "17000000001" not in stored
    assert "secret" not in stored


def test_a_refused_route_is_written_to_the_audit_trail(me: Caller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(access, "rules", lambda: access.Rules(permissions={}, routes={"api:me": "client:orders:read"}))

    assert is_problem(me.get("me"), 403, "forbidden")
    assert AuditEntry.objects.filter(action="access.refused", object_id="api:me").count() == 1


def test_a_version_says_when_it_ends_and_is_refused_after_that(me: Caller, monkeypatch: pytest.MonkeyPatch, clock):
    ends = datetime(2027, 12, 1, tzinfo=UTC)
    old = frame.Version("2026-12-01", deprecated_at=datetime(2026, 12, 1, tzinfo=UTC), ends_at=ends)
    monkeypatch.setattr(frame, "VERSIONS", (old, frame.Version("2027-03-01")))

    newest, given = me.get("me"), me.get("me", Api_Version="2026-12-01")

    assert (newest["Api-Version"], "Deprecation" in newest, "Sunset" in newest) == ("2027-03-01", False, False)
    assert (given["Api-Version"], given["Deprecation"]) == ("2026-12-01", "@1796083200")
    assert given["Sunset"] == "Wed, 01 Dec 2027 00:00:00 GMT"
    clock(ends)
    refused = Caller().get("me", Api_Version="2026-12-01")
    assert is_problem(refused, 400, "api_version_unknown")
    assert refused.data["known"] == ["2027-03-01"]


def test_bodies_are_utf_8_whatever_they_say_and_one_mark_is_let_pass(me: Caller):
    body = json.dumps({"nickname": "阿满"}, ensure_ascii=False)

    marked = me.put("me", b"\xef\xbb\xbf" + body.encode(), If_Match="*", Content_Type="application/json; charset=gbk")
    other = me.put("me", body.encode("gbk"), If_Match="*", Content_Type="application/json; charset=gbk")

    assert (marked.status_code, marked.data["nickname"]) == (200, "阿满")
    assert not marked.content.startswith(b"\xef\xbb\xbf")
    assert is_problem(other, 400, "malformed_request")


@pytest.mark.parametrize("body", [{"nickname": 5}, {"nickname": True}, {"gender": 1}, {"birthday": 19940521}])
def test_json_is_taken_as_it_is_typed(me: Caller, body: dict):
    assert is_problem(me.put("me", body, If_Match="*"), 422, "validation_failed")
    assert Member.objects.get().nickname == "小满"


def test_no_cookie_is_read_or_set_and_the_page_chain_is_not_walked(me: Caller):
    me.http.cookies["django_language"] = "en"
    answer = me.get("nothing", Accept_Language="zh-CN")

    assert answer["Content-Language"] == "zh-hans"
    assert "Set-Cookie" not in answer
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert int(answer["Content-Length"]) == len(answer.content)
    assert not hasattr(answer.wsgi_request, "session")
