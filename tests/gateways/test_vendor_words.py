"""What vendors may answer, word by word: only a plain yes is a yes, and what cannot be read proves nothing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.client import HTTPMessage
from types import SimpleNamespace
from typing import Any

import pytest

from apps.gateways import aliyun, sms_lines, tencent, vendor_calls, wire
from apps.gateways.errors import NotReached, ReplyLost
from apps.gateways.messages import Outcome, Outgoing
from apps.gateways.pacing import FAILURES_TO_OPEN
from apps.gateways.sms_lines import Sent
from tests.gateways.conftest import NOON

MESSAGE = Outgoing("touch:1", "+8613800000001", "【Siyu】林溪", "marketing", "lapse", (("nickname", "林溪"),))
Says = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, settings: Any, clock: Callable[[datetime], datetime]) -> Says:
    """`says(answer, …)`: what the vendor answers by turns, the last for ever; the list that it returns holds what was asked."""
    clock(NOON)
    settings.ALIYUN_SMS_URL = settings.TENCENT_SMS_URL = "http://vendor"
    settings.ALIYUN_SMS_KEY_ID = settings.TENCENT_SMS_SECRET_ID = settings.TENCENT_SMS_APP_ID = "id"
    settings.ALIYUN_SMS_KEY_SECRET = settings.TENCENT_SMS_SECRET_KEY = "for-tests-only"
    for vendor in (aliyun, tencent):
        monkeypatch.setitem(vendor.approved, "lapse", "T-1")

    def say(*answers: Any) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = []

        def post(_url: str, *, path: str, body: bytes, **_more: Any) -> wire.Reply:
            asked.append(json.loads(body) if body else {"path": path})
            answer = answers[min(len(asked), len(answers)) - 1]
            if isinstance(answer, Exception):
                raise answer
            status, said = answer if isinstance(answer, tuple) else (200, answer)
            return wire.Reply(status, HTTPMessage(), said if isinstance(said, bytes) else json.dumps(said).encode())

        monkeypatch.setattr(wire, "post", post)
        return asked

    return say


def told(outcome: Outcome | None) -> tuple[str, str] | None:
    return outcome and (outcome.state, outcome.code)


def rows(*keys: str, **more: Any) -> dict[str, Any]:
    return {"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": [{"OutId": key, **more} for key in keys]}}


def asked_about(line: Any, key: str = "touch:1", *, days: int = 0) -> tuple[str, str] | None:
    return told(line.ask(key, to="+8613800000001", since=NOON - timedelta(days=days), at=NOON - timedelta(minutes=20)))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"Code": "OK"}, ("unknown", "OK")),
        ({"Code": "OK", "BizId": 7}, ("unknown", "OK")),
        ({"Code": "isv.NEW_WORD"}, ("unknown", "isv.NEW_WORD")),
        ({"Code": "isv.AMOUNT_NOT_ENOUGH"}, ("retry", "VENDOR_ACCOUNT")),
        ((429, b""), ("retry", "HTTP_429")),
        ((503, {"Code": "OK", "BizId": "1"}), ("unknown", "HTTP_503")),
        ((200, b"[]"), ("unknown", "MALFORMED")),
        (NotReached("x"), ("retry", "NOT_REACHED.x")),
        (ReplyLost("x"), ("unknown", "REPLY_LOST.x")),
    ],
)
def test_aliyun_has_a_message_only_when_it_says_so(says: Says, answer: Any, outcome: tuple[str, str]):
    says(answer)
    sent = aliyun.send(MESSAGE)
    assert told(sent) == outcome
    assert sent.retry_after == {"VENDOR_ACCOUNT": 60.0, "HTTP_429": 5.0}.get(sent.code)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ([{"Code": "Ok", "SerialNo": "9", "SessionContext": "touch:1"}], ("accepted", "OK")),
        ([{"Code": "Ok", "SerialNo": "9", "SessionContext": "touch:2"}], ("unknown", "MALFORMED")),
        ([{"Code": "Ok", "SerialNo": "", "SessionContext": "touch:1"}], ("unknown", "Ok")),
        ([{"Code": "Ok", "SerialNo": "9", "SessionContext": "touch:1"}] * 2, ("unknown", "MALFORMED")),
    ],
)
def test_tencent_has_a_message_only_when_its_one_status_says_so(says: Says, status: Any, outcome: tuple[str, str]):
    says({"Response": {"SendStatusSet": status}})
    assert told(tencent.send(MESSAGE)) == outcome


def test_aliyun_lists_page_by_page_and_what_was_not_read_to_the_end_is_unknown(says: Says):
    full = rows(*(f"touch:{n}" for n in range(100, 150)))
    asked = says(full, rows("touch:1"))
    assert asked_about(aliyun) == ("accepted", "OK")
    assert ["CurrentPage=2" in one["path"] for one in asked] == [False, True]

    says(full)
    assert asked_about(aliyun) == ("unknown", "TOO_MANY_DETAILS")
    says({"Code": "isv.SOMETHING"})
    assert asked_about(aliyun) == ("unknown", "isv.SOMETHING")
    says(NotReached("x"))
    assert asked_about(aliyun) == ("unknown", "NOT_REACHED.x")
    aliyun.breaker.succeeded()
    says(rows("touch:1", SendStatus=2, ErrCode="MOBILE_IN_BLACK"))
    assert asked_about(aliyun) == ("refused", "BLACKLIST")
    asked = says(rows())
    assert asked_about(aliyun, days=9) is None
    assert len(asked) == aliyun.MOST_DAYS + 1


def test_tencent_is_asked_from_before_the_message_and_a_failure_is_no_delivery(says: Says):
    listed = {"SessionContext": "touch:1", "ReportStatus": "FAIL", "Description": "DB:0141"}
    asked = says({"Response": {"PullSmsSendStatusSet": [listed]}})
    assert asked_about(tencent) == ("refused", "DB:0141")
    assert asked[0]["BeginTime"] <= NOON.timestamp()
    says({"Response": {"PullSmsSendStatusSet": [listed | {"ReportStatus": "SUCCESS"}]}})
    assert asked_about(tencent) == ("accepted", "OK")


def test_receipts_say_the_house_s_words_and_shop_time_and_strange_ones_say_nothing():
    row = {"success": False, "out_id": "touch:1", "err_code": "MOBILE_IN_BLACK", "report_time": "2026-11-22 12:00:05"}
    [receipt] = aliyun.receipts([row])
    assert (receipt.code, receipt.at) == ("BLACKLIST", datetime(2026, 11, 22, 4, 0, 5, tzinfo=UTC))
    assert [*tencent.receipts([{"report_status": "MAYBE", "ext": "touch:1"}])] == []
    answered = [{"content": "R", "phone_number": number} for number in ("13800000001", "+4512345678")]
    assert [one.phone for one in aliyun.answers(answered)] == ["+8613800000001", "+4512345678"]


def test_the_circuit_opens_by_answers_that_cannot_be_read_and_by_lost_ones(says: Says):
    for trouble in ((503, b""), ReplyLost("x")):
        says(trouble)
        for _ in range(FAILURES_TO_OPEN):
            aliyun.send(MESSAGE)
        assert aliyun.send(MESSAGE).code == "CIRCUIT_OPEN"
        aliyun.breaker.succeeded()


def test_a_refusal_of_one_line_counts_only_when_no_other_may_have_the_message(settings: Any, monkeypatch):
    settings.SMS_PROVIDER, settings.SMS_FALLBACK = "one", "two"
    said: dict[str, str | None] = {}

    def line(name: str) -> Any:
        return SimpleNamespace(ask=lambda key, **_where: said[name] and Outcome(key, said[name], code=name))

    monkeypatch.setattr(sms_lines, "VENDORS", {name: line(name) for name in ("one", "two")})
    sent = {"touch:1": Sent("+8613800000001", NOON, NOON)}
    found = []
    for pair in (("refused", "unknown"), ("unknown", "accepted"), ("refused", None), (None, None)):
        said.update(zip(("one", "two"), pair, strict=True))
        found.append(told(sms_lines.query(["touch:1"], sent=sent).get("touch:1")))
    assert found == [("unknown", "two"), ("accepted", "two"), ("refused", "one"), None]


def test_only_what_is_certainly_not_taken_goes_to_the_second_line_and_its_own_want_of_papers_says_nothing(
    settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.SMS_PROVIDER, settings.SMS_FALLBACK = "one", "two"
    asked: list[str] = []
    first = [("retry", "A"), ("unknown", "B"), ("refused", "C"), ("retry", "D")]
    second = {"k0": ("refused", "TEMPLATE_UNAPPROVED"), "k3": ("refused", "BLACKLIST")}

    def other(message: Outgoing) -> Outcome:
        asked.append(message.key)
        return Outcome(message.key, second[message.key][0], code=second[message.key][1])  # type: ignore[arg-type]

    def one(message: Outgoing) -> Outcome:
        state, code = first[int(message.key[1:])]
        return Outcome(message.key, state, code=code)  # type: ignore[arg-type]

    lines = {"one": SimpleNamespace(send=one), "two": SimpleNamespace(send=other)}
    monkeypatch.setattr(sms_lines, "VENDORS", lines)

    outcomes = sms_lines.send([MESSAGE._replace(key=f"k{n}") for n in range(4)])

    assert [o.code for o in outcomes] == ["A", "B", "C", "BLACKLIST"]
    assert sorted(asked) == ["k0", "k3"]
    settings.SMS_FALLBACK = "one"
    assert sms_lines.names() == ("one",)


def test_words_of_vendors_are_read_as_they_are_written():
    assert vendor_calls.shop_time("soon") is None
    assert vendor_calls.signature_of("【Siyu】x") == "Siyu"
    assert vendor_calls.signature_of("no brackets") == ""
