"""Every rule of the simulated SMS platform, on the platform itself and without HTTP."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from apps.gateways.simulator.platform import Platform

LOCAL = timezone(timedelta(hours=8))
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=LOCAL)
PROMO = "【Siyu】林，好久不见，送您一张券，拒收请回复R"


class Desk:
    """Speaks to a platform as its HTTP server does."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def post(self, path: str, body: object, *, at: datetime = NOON) -> tuple[int, dict]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = self.platform.answer(method="POST", target=path, headers={"x-sim-now": at.isoformat()}, body=content)
        return reply.status, json.loads(reply.body)

    def get(self, target: str) -> dict:
        return json.loads(self.platform.answer(method="GET", target=target, headers={}, body=b"").body)

    def send(self, key: str, *, at: datetime = NOON, **changes: str) -> dict:
        message = {
            "key": key,
            "to": "+8613800138000",
            "text": PROMO,
            "kind": "marketing",
            "template": "lapse",
        } | changes
        return self.post("/sms/send", {"messages": [message]}, at=at)[1]["results"][0]

    def notice(self, key: str, words: str, *, at: datetime = NOON, template: str = "ready") -> str:
        return self.send(
            key, at=at, text=f"【Siyu】您的订单{words}可以取货了", kind="transactional", template=template
        )["code"]

    def otp(self, key: str, code: str, *, at: datetime, template: str = "login") -> str:
        return self.send(key, at=at, text=f"【Siyu】验证码{code}", kind="transactional", template=template)["code"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    platform = Platform(folder=tmp_path, seed=1)
    desk = Desk(platform)
    templates = [
        {"name": "lapse", "kind": "promo", "text": "{name}，好久不见，送您一张券"},
        {"name": "ready", "kind": "notice", "text": "您的订单{order}可以取货了"},
        *({"name": name, "kind": "otp", "text": "验证码${code}"} for name in ("login", "pay", "bind", "close", "gift")),
    ]
    assert desk.post("/sms/templates", {"signatures": ["Siyu"], "templates": templates})[0] == 200
    yield desk
    platform.store.close()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "OK"),
        ({"text": "【Siyu】林，好久不见，送您一张券拒收请回复R"}, "OK"),
        ({"to": "13800138000"}, "NUMBER_INVALID"),
        ({"to": "+8612800138000"}, "NUMBER_INVALID"),
        ({"to": "+861380013800"}, "NUMBER_INVALID"),
        ({"to": "+85213800138000"}, "NUMBER_INVALID"),
        ({"to": "+861380013800٣"}, "NUMBER_INVALID"),
        ({"text": PROMO.removeprefix("【Siyu】")}, "SIGNATURE_UNAPPROVED"),
        ({"text": PROMO.replace("Siyu", "Siyou")}, "SIGNATURE_UNAPPROVED"),
        ({"template": "autumn"}, "TEMPLATE_UNAPPROVED"),
        ({"kind": "transactional"}, "TEMPLATE_UNAPPROVED"),
        ({"template": "ready"}, "TEMPLATE_UNAPPROVED"),
        ({"text": "【Siyu】林，好久不见，送您两张券，拒收请回复R"}, "TEMPLATE_MISMATCH"),
        ({"text": "【Siyu】林，好久不见，送您一张券！点开就领，拒收请回复R"}, "TEMPLATE_MISMATCH"),
        ({"text": "【Siyu】林，好久不见，送您一张券"}, "OPT_OUT_MISSING"),
        ({"text": "【Siyu】林，拒收请回复R，好久不见，送您一张券"}, "OPT_OUT_MISSING"),
        ({"text": PROMO.replace("林", "林" * 500)}, "CONTENT_TOO_LONG"),
        ({"text": PROMO.replace("林", "林先生代开发票")}, "SENSITIVE_WORD"),
        ({"key": "has space"}, "KEY_INVALID"),
        ({"key": ""}, "KEY_INVALID"),
    ],
)
def test_a_message_is_judged_by_its_form(desk: Desk, changes: dict[str, str], code: str) -> None:
    result = desk.send(**({"key": "t:1"} | changes))  # type: ignore[arg-type]

    assert result["code"] == code
    assert (result["biz_id"] is not None) == (code == "OK")
    assert desk.get("/sms/stats")["deliveries"] == (1 if code == "OK" else 0)


@pytest.mark.parametrize(
    ("local_time", "code"),
    [
        ("07:59:59", "NIGHT_BLOCKED"),
        ("08:00:00", "OK"),
        ("21:59:59", "OK"),
        ("22:00:00", "NIGHT_BLOCKED"),
        ("00:00:00", "NIGHT_BLOCKED"),
    ],
)
def test_marketing_rests_at_night_and_notices_do_not(desk: Desk, local_time: str, code: str) -> None:
    at = datetime.fromisoformat(f"2026-03-02T{local_time}+08:00").astimezone(UTC)

    assert desk.send("t:1", at=at)["code"] == code
    assert desk.notice("t:2", "A1", at=at) == "OK"


def test_the_same_content_goes_to_a_number_once_in_thirty_seconds(desk: Desk) -> None:
    assert desk.send("t:1")["code"] == "OK"
    assert desk.send("t:2", at=NOON + timedelta(seconds=29.999))["code"] == "REPEATED"
    assert desk.send("t:3", to="+8613800138001")["code"] == "OK"
    assert desk.send("t:4", at=NOON + timedelta(seconds=30))["code"] == "OK"


def test_two_copies_in_one_request_count_for_each_other(desk: Desk) -> None:
    message = {"to": "+8613800138000", "text": PROMO, "kind": "marketing", "template": "lapse"}
    _, answer = desk.post("/sms/send", {"messages": [{"key": k} | message for k in ("t:1", "t:2", "t:1")]})

    assert [r["code"] for r in answer["results"]] == ["OK", "REPEATED", "OK"]
    assert answer["results"][2] == answer["results"][0] | {"duplicate": True}
    assert desk.get("/sms/stats")["deliveries"] == 1


@pytest.mark.parametrize("kind", ["promo", "notice"])
def test_a_number_gets_fifty_of_one_template_in_a_rolling_day(desk: Desk, kind: str) -> None:
    def send(n: int, at: datetime) -> str:
        text = PROMO.replace("林", f"林{n}")
        return (
            desk.send(f"t:{n}", at=at, text=text)["code"] if kind == "promo" else desk.notice(f"t:{n}", f"A{n}", at=at)
        )

    assert {send(n, NOON + timedelta(minutes=n)) for n in range(50)} == {"OK"}
    assert send(50, NOON + timedelta(hours=1)) == "DAY_LIMIT"
    assert send(51, NOON + timedelta(hours=24) - timedelta(milliseconds=1)) == "DAY_LIMIT"
    assert send(52, NOON + timedelta(hours=24)) == "OK"  # the first has left the window
    assert send(53, NOON + timedelta(hours=24)) == "DAY_LIMIT"


def test_codes_are_limited_by_minute_hour_day_and_over_all_templates(desk: Desk) -> None:
    start = NOON
    minute = timedelta(minutes=1)
    assert desk.otp("o:1", "1", at=start) == "OK"
    assert desk.otp("o:2", "2", at=start + minute - timedelta(milliseconds=1)) == "OTP_LIMIT"
    assert [desk.otp(f"o:h{n}", f"h{n}", at=start + n * minute) for n in range(1, 6)] == ["OK"] * 4 + ["OTP_LIMIT"]
    later = start + timedelta(hours=2)
    assert [desk.otp(f"o:d{n}", f"d{n}", at=later + n * minute) for n in range(5)] == ["OK"] * 5
    assert desk.otp("o:d9", "d9", at=start + timedelta(hours=6)) == "OTP_LIMIT"  # ten within the day
    for template in ("pay", "bind", "close"):
        for n in range(10):
            at = start + timedelta(hours=7 + n // 5 * 2, minutes=n)
            assert desk.otp(f"o:{template}{n}", f"{template}{n}", at=at, template=template) == "OK"
    assert desk.otp("o:40", "40", at=start + timedelta(hours=12), template="gift") == "OTP_LIMIT"  # forty over all


def test_a_number_that_answered_r_gets_nothing_more(desk: Desk) -> None:
    desk.send("t:1")

    status, answer = desk.post("/sms/inbound", {"key": "t:1", "text": " r "})

    assert (status, answer["opt_out"]) == (200, True)
    assert desk.send("t:2", at=NOON + timedelta(hours=1))["code"] == "BLACKLIST"
    assert desk.send("t:3", to="+8613900138000")["code"] == "OK"
    replies = desk.get("/sms/inbound?after=0")["replies"]
    assert [(r["key"], r["tail"], r["text"], r["opt_out"]) for r in replies] == [("t:1", "8000", "r", True)]


def test_an_ordinary_answer_is_kept_and_blocks_nothing(desk: Desk) -> None:
    desk.send("t:1")
    desk.post("/sms/inbound", {"to_tail": "8000", "text": "谢谢"})

    assert desk.get("/sms/inbound")["replies"][0]["opt_out"] is False
    assert desk.send("t:2", at=NOON + timedelta(hours=1))["code"] == "OK"


def test_a_key_is_delivered_once_and_names_one_number_and_text(desk: Desk) -> None:
    first = desk.send("t:1")
    again = desk.send("t:1", at=NOON + timedelta(days=3))

    assert again == first | {"duplicate": True}
    assert desk.send("t:1", to="+8613800138001")["code"] == "KEY_REUSED"
    assert desk.send("t:1", text=PROMO.replace("林", "王"))["code"] == "KEY_REUSED"
    known = desk.post("/sms/query", {"keys": ["t:1", "t:2"]})[1]["results"]
    assert known == [first | {"calls": 2, "deliveries": 1}]
    assert desk.get("/sms/stats")["codes"] == {"DUPLICATE": 1, "KEY_REUSED": 2, "OK": 1}


def test_a_refused_key_may_be_tried_again_and_never_unaccepts(desk: Desk) -> None:
    night = NOON.replace(hour=23)
    assert desk.send("t:1", at=night)["code"] == "NIGHT_BLOCKED"
    refused = desk.post("/sms/query", {"keys": ["t:1"]})[1]["results"][0]
    assert (refused["code"], refused["biz_id"], refused["deliveries"]) == ("NIGHT_BLOCKED", None, 0)

    accepted = desk.send("t:1", at=night + timedelta(hours=10))
    assert (accepted["code"], accepted.get("duplicate")) == ("OK", None)
    assert desk.get("/sms/stats")["deliveries"] == 1
    assert desk.send("t:1", at=night + timedelta(days=1))["biz_id"] == accepted["biz_id"]


def test_without_keys_each_accepted_call_is_a_delivery(desk: Desk) -> None:
    desk.post("/control/mode", {"keys": "off"})
    desk.post("/control/limits", {"repeat_seconds": 0})

    first, second = desk.send("t:1"), desk.send("t:1")

    assert (first["code"], second["code"]) == ("OK", "OK")
    assert first["biz_id"] != second["biz_id"]
    assert desk.get("/sms/stats")["delivered_twice"] == {"t:1": 2}
    known = desk.post("/sms/query", {"keys": ["t:1"]})[1]["results"][0]
    assert (known["biz_id"], known["calls"], known["deliveries"]) == (first["biz_id"], 2, 2)


def test_without_keys_a_refused_repeat_leaves_the_delivery_known(desk: Desk) -> None:
    desk.post("/control/mode", {"keys": "off"})
    desk.send("t:1")

    assert desk.send("t:1")["code"] == "REPEATED"
    known = desk.post("/sms/query", {"keys": ["t:1"]})[1]["results"][0]
    assert (known["code"], known["calls"], known["deliveries"]) == ("OK", 2, 1)


def test_limits_are_data(desk: Desk) -> None:
    assert desk.post("/control/limits", {"content_length": 10})[0] == 200
    assert desk.send("t:1")["code"] == "CONTENT_TOO_LONG"
    assert desk.post("/control/limits", {"batch_size": -1})[0] == 400
    assert desk.post("/control/limits", {"unheard_of": 1})[0] == 400
    assert desk.get("/control/limits")["batch_size"] == 100


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'{"messages": []}',
        b'{"messages": {}}',
        b'{"messages": [{"key": "t:1"}]}',
        b'{"messages": [7]}',
        b'{"messages": [{"key": 1, "to": "x", "text": "x", "kind": "marketing", "template": "x"}]}',
        b'{"messages": [{"key": "1", "to": null, "text": "x", "kind": "marketing", "template": "x"}]}',
        json.dumps({"messages": [{"key": "t", "to": "x", "text": "x", "kind": "k", "template": "x"}] * 101}).encode(),
    ],
)
def test_a_request_that_is_not_a_batch_is_refused_whole(desk: Desk, body: bytes) -> None:
    assert desk.post("/sms/send", body)[0] == 400
    assert desk.get("/sms/stats") == {"keys": 0, "deliveries": 0, "codes": {}, "delivered_twice": {}}


@pytest.mark.parametrize("text", ["{name}", "${a}{{ b }}", "。{name}"])
def test_a_template_needs_words_of_its_own(desk: Desk, text: str) -> None:
    _, answer = desk.post("/sms/templates", {"templates": [{"name": "all", "kind": "promo", "text": text}]})

    assert (answer["results"][0]["code"], answer["results"][0]["detail"]) == (
        "NOT_APPROVED",
        "a template needs fixed words",
    )
    assert desk.send("t:1", template="all")["code"] == "TEMPLATE_UNAPPROVED"


def test_the_phone_view_shows_text_time_and_tail_but_no_number(desk: Desk) -> None:
    desk.send("t:1", text=PROMO.replace("林", "林13912345678先生"))
    desk.send("t:2", to="+8613800138001")

    shown = desk.get("/sms/messages?tail=8000")["messages"]

    assert [(m["key"], m["to"], m["at"]) for m in shown] == [("t:1", "*******8000", "2026-03-02T04:00:00+00:00")]
    assert shown[0]["text"] == "【Siyu】林13912345678先生，好久不见，送您一张券，拒收请回复R".replace(
        "13912345678", "[number]"
    )
    assert [m["key"] for m in desk.get(f"/sms/messages?after={shown[0]['number']}")["messages"]] == ["t:2"]
    assert [m["key"] for m in desk.get("/sms/messages?limit=1&newest=1")["messages"]] == ["t:2"]


def test_faults_repeat_with_their_seed_and_end_after_their_calls(desk: Desk) -> None:
    plan = {"seed": 7, "p429": 0.2, "p5xx": 0.2, "for_calls": 50}

    def statuses() -> list[int]:
        desk.post("/control/faults", plan)
        return [desk.post("/sms/send", {"messages": []})[0] for _ in range(60)]

    first = statuses()

    assert statuses() == first
    assert {429, 503, 400} == set(first[:50])
    assert set(first[50:]) == {400}


@pytest.mark.parametrize(
    ("fault", "deliveries"),
    [("p429", 0), ("p5xx", 0), ("p5xx_after", 1), ("drop_reply", 1), ("malformed", 1), ("wrong_code", 1)],
)
def test_a_fault_strikes_before_or_after_acceptance(desk: Desk, fault: str, deliveries: int) -> None:
    desk.post("/control/faults", {fault: 1.0, "for_calls": 1})
    body = {"key": "t:1", "to": "+8613800138000", "text": PROMO, "kind": "marketing", "template": "lapse"}

    desk.platform.answer(
        method="POST",
        target="/sms/send",
        headers={"x-sim-now": NOON.isoformat()},
        body=json.dumps({"messages": [body]}).encode(),
    )

    assert desk.get("/sms/stats")["deliveries"] == deliveries
    assert desk.send("t:1")["code"] == "OK"
    assert desk.get("/sms/stats")["deliveries"] == 1


def test_reset_forgets_all_but_the_registrations(desk: Desk) -> None:
    before = desk.send("t:1")
    desk.post("/sms/inbound", {"key": "t:1", "text": "R"})
    desk.post("/control/limits", {"content_length": 10})

    desk.post("/control/reset", {})

    after = desk.send("t:1")
    assert (after["code"], after.get("duplicate")) == ("OK", None)
    assert after["biz_id"] > before["biz_id"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("您的验证码是：1，2，3，4，5，6。", "OK"),
        ("您的验证码是：123456。", "NOT_SPEAKABLE"),
        ("【Siyu】您的验证码是：1，2。", "NOT_SPEAKABLE"),
        ("您的验证码是：http://a.example。", "NOT_SPEAKABLE"),
        ("您的密码是：1，2。", "TEMPLATE_MISMATCH"),
    ],
)
def test_a_call_reads_out_what_can_be_spoken_only(desk: Desk, text: str, code: str):
    desk.post("/sms/templates", {"templates": [{"name": "say", "kind": "voice", "text": "您的验证码是：{code}。"}]})
    assert desk.send("v1", text=text, kind="voice", template="say")["code"] == code
    assert desk.send("v2", text=text, kind="voice", template="login")["code"] in {
        "TEMPLATE_UNAPPROVED",
        "NOT_SPEAKABLE",
    }
    assert (
        desk.send("v3", text=f"【Siyu】{text}", kind="transactional", template="say")["code"] == "TEMPLATE_UNAPPROVED"
    )


def test_spoken_codes_count_beside_sent_ones(desk: Desk):
    desk.post("/sms/templates", {"templates": [{"name": "say", "kind": "voice", "text": "验证码{code}。"}]})
    desk.platform.store.set_limits({"otp_per_day_all": 2})
    assert desk.otp("a", "123456", at=NOON) == "OK"
    say = {"kind": "voice", "template": "say"}
    assert desk.send("b", at=NOON + timedelta(minutes=1), text="验证码1，2。", **say)["code"] == "OK"
    assert desk.send("c", at=NOON + timedelta(minutes=9), text="验证码3，4。", **say)["code"] == "OTP_LIMIT"
    assert desk.otp("d", "654321", at=NOON + timedelta(minutes=9)) == "OTP_LIMIT"
