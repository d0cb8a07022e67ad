"""Logging in, staying in and leaving, against the strict simulator of SMS and WeChat."""

import re
from datetime import timedelta

import pytest

from apps.activity import codes
from apps.api import door
from apps.core import clock as house
from apps.core import ratelimits
from apps.core.models import AuditEntry, IdempotencyKey, TokenFamily
from apps.gateways.models import SubscribeGrant
from apps.gateways.simulator.client import Client as SimulatorClient
from apps.members.models import CodeRequest, Member
from apps.members.selectors import find_by_phone
from tests.api.conftest import Caller
from tests.api.test_frame import is_problem

APP = "wx5170000000000001"
pytestmark = pytest.mark.django_db(transaction=True)


def wechat(nobody: Caller, person: str = "xiaoman", once: str = "a1", **more: str) -> Caller:
    answer = nobody.post("auth/wechat", {"app_id": APP, "js_code": f"sim.{person}.{once}", **more})
    assert answer.status_code == 200, answer.data
    return Caller(secret=answer.data["access_token"])


def newest_code(url: str, tail: str) -> str:
    """The six digits of the newest message to a phone, as its owner reads them."""
    messages = SimulatorClient(url).messages(tail=tail)
    return re.search(r"验证码：(\d{6})", messages[-1]["text"])[1]


def test_a_mini_program_logs_in_refreshes_and_logs_out(nobody: Caller, simulator):
    asked = {"app_id": APP, "js_code": "sim.xiaoman.a1", "label": "iPhone", "rules_version": "2026-12"}
    first = nobody.post("auth/wechat", asked)
    again = nobody.post("auth/wechat", {"app_id": APP, "js_code": "sim.xiaoman.a2"})

    assert (first.data["is_new"], again.data["is_new"]) == (True, False)
    assert first.data["member"] == again.data["member"]
    agreed = AuditEntry.objects.filter(action="policy.agreed").values_list("after", flat=True)
    assert list(agreed) == [{"version": "2026-12", "at": f"mini:{APP}"}]  # only what was said
    caller = Caller(secret=first.data["access_token"])
    assert caller.get("me").data["id"] == first.data["member"]
    sessions = caller.get("me/sessions").data
    assert [(one["label"], one["is_this"]) for one in sessions if one["is_this"]] == [("iPhone", True)]

    fresh = nobody.post("auth/refresh", {"refresh_token": first.data["refresh_token"]})
    renewed = Caller(secret=fresh.data["access_token"])
    assert renewed.get("me").status_code == 200
    assert renewed.post("auth/logout").status_code == 204
    assert is_problem(renewed.get("me"), 401, "unauthenticated")
    assert is_problem(
        nobody.post("auth/refresh", {"refresh_token": fresh.data["refresh_token"]}), 401, "unauthenticated"
    )


def test_a_session_of_mine_can_be_ended_and_nobody_else_s(nobody: Caller, simulator):
    mine, other = wechat(nobody, once="a1"), wechat(nobody, once="a2")
    stranger = wechat(nobody, person="other", once="b1")
    [there] = [one["id"] for one in mine.get("me/sessions").data if not one["is_this"]]

    assert is_problem(stranger.delete(f"me/sessions/{there}"), 404, "not_found")
    assert other.get("me").status_code == 200
    assert mine.delete(f"me/sessions/{there}").status_code == 204
    assert is_problem(other.get("me"), 401, "unauthenticated")


def test_codes_of_wechat_are_good_once(nobody: Caller, simulator):
    wechat(nobody)

    assert is_problem(
        nobody.post("auth/wechat", {"app_id": APP, "js_code": "sim.xiaoman.a1"}), 422, "wechat_code_invalid"
    )
    assert is_problem(nobody.post("auth/wechat", {"app_id": "wx0", "js_code": "sim.x.1"}), 422, "wechat_app_unknown")
    assert is_problem(
        nobody.post("auth/wechat", {"app_id": APP, "js_code": "sim.blocked.1"}), 403, "wechat_user_blocked"
    )
    assert is_problem(nobody.post("auth/wechat", {"app_id": APP, "js_code": "sim.busy.1"}), 503, "provider_unavailable")


def test_a_phone_logs_in_with_its_code(nobody: Caller, simulator):
    sent = nobody.post("auth/codes", {"phone": "13900000001"})
    assert (sent.status_code, sent.data["expires_in"]) == (200, 300)
    wrong = nobody.post("auth/code", {"request_id": sent.data["request_id"], "code": "000000"})
    code = newest_code(simulator.url, "0001")

    came_in = nobody.post("auth/code", {"request_id": sent.data["request_id"], "code": code})
    spent = nobody.post("auth/code", {"request_id": sent.data["request_id"], "code": code})

    assert wrong.data["code"] in {"code_wrong"}
    assert came_in.data["is_new"] is True
    assert Caller(secret=came_in.data["access_token"]).get("me").data["phone"] == "139****0001"
    assert is_problem(spent, 409, "code_expired")
    assert is_problem(nobody.post("auth/codes", {"phone": "13900000001"}), 429, "rate_limited")
    assert is_problem(nobody.post("auth/codes", {"phone": "12"}), 422, "phone_invalid")


def test_a_code_is_read_out_when_no_message_came(nobody: Caller, simulator):
    sent = nobody.post("auth/codes", {"phone": "13900000001"}).data["request_id"]
    assert is_problem(nobody.post("auth/code-calls", {"request_id": sent}), 429, "rate_limited")
    assert is_problem(nobody.post("auth/code-calls", {"request_id": "otp_other"}), 409, "code_expired")
    CodeRequest.objects.update(created_at=house.now() - timedelta(minutes=2))

    called = nobody.post("auth/code-calls", {"request_id": sent})

    assert (called.status_code, called.data["resend_after"], called.data["expires_in"]) == (200, 60, 300)
    text = SimulatorClient(simulator.url).messages(tail="0001")[-1]["text"]
    code = "".join(re.findall(r"\d", text)[:6])
    came_in = nobody.post("auth/code", {"request_id": called.data["request_id"], "code": code})
    assert (came_in.status_code, came_in.data["is_new"]) == (200, True)


def test_a_phone_proved_by_wechat_is_taken_over(nobody: Caller, simulator):
    caller = wechat(nobody)

    answer = caller.post("auth/wechat-phone", {"app_id": APP, "code": "sim.13900000009.p1"})

    assert answer.data == {"outcome": "bound"}
    assert caller.get("me").data["phone"] == "139****0009"


def test_a_stolen_token_puts_no_phone_beside_the_members_own(nobody: Caller, simulator):
    caller = wechat(nobody)
    mine, thief_s = ({"app_id": APP, "code": f"sim.1390000000{number}.p1"} for number in (9, 8))
    caller.post("auth/wechat-phone", mine)

    assert is_problem(caller.post("auth/wechat-phone", thief_s), 401, "step_up_required")
    assert find_by_phone("13900000008") is None
    again = caller.post("auth/wechat-phone", mine | {"code": "sim.13900000009.p2"})
    sent = caller.post("auth/step-up-codes")
    proof = {"request_id": sent.data["request_id"], "code": newest_code(simulator.url, "0009")}
    assert caller.post("auth/step-up", proof).status_code == 204
    proved = caller.post("auth/wechat-phone", thief_s | {"code": "sim.13900000008.p2"})

    assert again.data == proved.data == {"outcome": "bound"}
    assert find_by_phone("13900000008") == find_by_phone("13900000009")


def test_a_new_phone_needs_a_step_up(nobody: Caller, simulator):
    caller = wechat(nobody)
    caller.post("auth/wechat-phone", {"app_id": APP, "code": "sim.13900000009.p1"})
    body = {"request_id": "otp_x", "code": "123456"}
    assert is_problem(caller.put("me/phone", body), 401, "step_up_required")

    sent = caller.post("auth/step-up-codes")
    code = newest_code(simulator.url, "0009")
    assert caller.post("auth/step-up", {"request_id": sent.data["request_id"], "code": code}).status_code == 204

    assert is_problem(caller.put("me/phone", body), 409, "code_expired")


def test_who_has_no_phone_proves_by_wechat_that_it_is_them(nobody: Caller, simulator):
    caller = wechat(nobody)
    assert is_problem(caller.post("me/export"), 401, "step_up_required")
    assert is_problem(caller.post("auth/step-up-codes"), 404, "not_found")
    stranger = caller.post("auth/step-up-wechat", {"app_id": APP, "js_code": "sim.mei.b1"})
    assert is_problem(stranger, 401, "step_up_required")
    assert is_problem(caller.post("me/export"), 401, "step_up_required")

    proved = caller.post("auth/step-up-wechat", {"app_id": APP, "js_code": "sim.xiaoman.a2"})

    assert proved.status_code == 204
    assert caller.post("me/export").status_code == 202
    assert caller.post("me/erasure").status_code == 202
    assert is_problem(caller.get("me"), 401, "unauthenticated")


def test_wechat_alone_takes_nobody_their_phone(nobody: Caller, simulator):
    caller = wechat(nobody)
    caller.post("auth/wechat-phone", {"app_id": APP, "code": "sim.13900000009.p1"})

    proved = caller.post("auth/step-up-wechat", {"app_id": APP, "js_code": "sim.xiaoman.a2"})

    assert is_problem(proved, 401, "step_up_required")
    assert is_problem(caller.put("me/phone", {"request_id": "otp_x", "code": "123456"}), 401, "step_up_required")


def test_who_joins_in_a_mini_program_came_by_the_code_that_was_opened_there(nobody: Caller, simulator):
    code = codes.create(name="poster", target="mini:pages/index").slug
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.54"
    nobody.post(f"codes/{code}/opened", {"anonymous_id": "phone-of-xiaoman"}, User_Agent=phone)

    wechat(nobody, anonymous_id="phone-of-xiaoman")
    wechat(nobody, person="mei", once="b1", anonymous_id="phone-of-mei-1")

    assert list(Member.objects.order_by("pk").values_list("source", flat=True)) == [f"code:{code}", f"wechat:{APP}"]


def test_answers_with_tokens_are_never_stored(nobody: Caller, simulator):
    caller = wechat(nobody)
    caller.post("auth/logout", None, Idempotency_Key="k1")

    assert IdempotencyKey.objects.count() == 0
    assert TokenFamily.objects.get().revoked_at is not None


def test_subscribe_answers_are_counted_once_a_prompt(nobody: Caller, simulator):
    caller = wechat(nobody)
    asked = caller.get(f"me/subscribe-templates?app_id={APP}&scene=live_reminder")
    [template] = asked.data["template_ids"]
    body = {"app_id": APP, "prompt_id": "p-00000001", "results": {template: "accept"}}

    first = caller.post("me/subscriptions", body)
    again = caller.post("me/subscriptions", body)

    assert first.data == again.data == {"credits": {template: 1}}
    assert SubscribeGrant.objects.get().credits == 1
    assert is_problem(caller.get("me/subscribe-templates?app_id=wx1&scene=x"), 422, "wechat_app_unknown")
    assert is_problem(caller.get("me/subscribe-templates"), 422, "validation_failed")
    wrong = caller.post("me/subscriptions", body | {"results": {template: "perhaps"}})
    assert is_problem(wrong, 422, "validation_failed")


def test_the_log_in_limit_holds_by_address_without_valkey(nobody: Caller, monkeypatch: pytest.MonkeyPatch, settings):
    monkeypatch.setitem(door.QUOTAS, "login", 3)
    settings.REDIS_URL = "unix:///nowhere/valkey.sock?db=0"
    ratelimits.wake()
    try:
        statuses = [nobody.post("auth/refresh", {"refresh_token": f"syr_{n}"}).status_code for n in range(5)]
    finally:
        ratelimits.wake()

    assert statuses == [401, 401, 401, 429, 429]
    assert Member.objects.count() == 0
