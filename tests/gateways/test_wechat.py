"""The WeChat door against the running simulator: what each answer and each kind of trouble becomes."""

import contextlib
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured

from apps.gateways import wechat, wechat_calls, wechat_pages
from apps.gateways.errors import (
    ProviderTooOften,
    ProviderUnavailable,
    WechatAppUnknown,
    WechatCodeInvalid,
    WechatUserBlocked,
)
from apps.gateways.messages import Outcome
from apps.gateways.simulator.client import Client
from apps.gateways.simulator.wechat_rules import openid, page_ticket, unionid
from tests.gateways.conftest import NOON

APP = "wx5170000000000001"
TEMPLATE = "sim-live-reminder"
DATA = {"thing1": "新品直播", "time2": "2026年3月2日 20:00", "thing3": "点此进入"}
LOGIN, PHONE, SEND = "/sns/jscode2session", "/wxa/business/getuserphonenumber", "/cgi-bin/message/subscribe/send"


def lin() -> str:
    return openid(app_id=APP, person="lin")


def send(key: str = "k:1", **data: str) -> Outcome:
    return wechat.send_subscribe(key=key, app_id=APP, openid=lin(), template_id=TEMPLATE, data=DATA | data)


def test_a_code_becomes_the_ids_of_its_person(weixin: Client):
    code = weixin.js_code(app_id=APP, person="lin", at=NOON.isoformat())

    assert wechat.session_of(app_id=APP, js_code=code) == wechat.WechatSession(lin(), unionid("lin"))
    with pytest.raises(WechatCodeInvalid):
        wechat.session_of(app_id=APP, js_code=code)


def test_a_token_that_somebody_replaced_already_is_not_thrown_away(clock: Callable[[datetime], datetime]):
    until = clock(NOON) + timedelta(hours=1)
    cache.set(wechat_calls._key(APP), ("new", until), 60)
    wechat_calls.forget_token(APP, "old")
    assert wechat_calls.access_token(APP) == "new"
    wechat_calls.forget_token(APP, "new")
    assert cache.get(wechat_calls._key(APP)) is None


def test_an_app_that_is_not_bound_tells_no_union_id(weixin: Client):
    weixin.wechat_app(APP, is_bound=False)

    assert wechat.session_of(app_id=APP, js_code="sim.lin.1").unionid is None


@pytest.mark.parametrize(
    ("js_code", "error"),
    [
        ("sim.blocked.1", WechatUserBlocked), ("sim.busy.1", ProviderUnavailable), ("sim.toooften.1", ProviderTooOften),
        ("never-seen", WechatCodeInvalid), ("", WechatCodeInvalid), ("码", WechatCodeInvalid), ("a b", WechatCodeInvalid),
        ("a" * 513, WechatCodeInvalid), ("x&secret=y#", WechatCodeInvalid),
    ],
)  # fmt: skip
def test_each_refused_log_in_is_an_error_of_its_own(weixin: Client, js_code: str, error: type[Exception]):
    with pytest.raises(error):
        wechat.session_of(app_id=APP, js_code=js_code)


def test_an_app_that_is_not_ours_is_not_asked_about(weixin: Client):
    with pytest.raises(WechatAppUnknown):
        wechat.session_of(app_id="wxother", js_code="sim.lin.1")
    with pytest.raises(WechatAppUnknown):
        wechat.phone_of(app_id="wxother", code="sim.17000000001.1")

    assert weixin.wechat_calls() == {}


@pytest.mark.parametrize("fault", ["p5xx", "p5xx_after", "malformed", "drop_reply", "busy", "p429", "wrong_code"])
def test_trouble_at_log_in_says_try_again_and_a_new_code_works(weixin: Client, fault: str):
    weixin.faults(**{fault: 1.0, "for_calls": 1, "paths": [LOGIN]})

    with pytest.raises(ProviderUnavailable) as trouble:
        wechat.session_of(app_id=APP, js_code="sim.lin.1")

    assert (trouble.value.code, trouble.value.status, trouble.value.is_retryable) == ("provider_unavailable", 503, True)
    assert wechat.session_of(app_id=APP, js_code="sim.lin.2").openid == lin()


def test_an_answer_that_takes_too_long_is_trouble_too(weixin: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wechat_calls.line, "read_timeout", 0.2)
    weixin.faults(delay_ms=[1500, 1500], for_calls=1, paths=[LOGIN])

    with pytest.raises(ProviderUnavailable):
        wechat.session_of(app_id=APP, js_code="sim.lin.1")


def test_a_platform_that_fails_three_times_is_left_alone(weixin: Client):
    weixin.faults(p5xx=1.0, paths=[LOGIN])
    for n in range(3):
        with pytest.raises(ProviderUnavailable):
            wechat.session_of(app_id=APP, js_code=f"sim.lin.{n}")
    weixin.faults()

    with pytest.raises(ProviderUnavailable) as trouble:
        wechat.session_of(app_id=APP, js_code="sim.lin.9")

    assert 0 < int(str(trouble.value.facts["retry_after"])) <= 10
    assert weixin.wechat_calls() == {}


def test_an_unreachable_platform_is_trouble(weixin: Client, monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(settings, "SIMULATOR_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(ProviderUnavailable):
            wechat.phone_of(app_id=APP, code="sim.17000000001.1")
        assert send().state == "retry"


def test_a_phone_code_becomes_a_number(weixin: Client):
    code = weixin.phone_code(app_id=APP, phone="17000000001", at=NOON.isoformat())

    assert wechat.phone_of(app_id=APP, code=code) == "+8617000000001"
    with pytest.raises(WechatCodeInvalid):
        wechat.phone_of(app_id=APP, code=code)
    assert wechat.phone_of(app_id=APP, code="sim.+8517000000001.1") == "+8517000000001"


def test_neither_codes_nor_ids_nor_numbers_nor_secrets_are_logged(weixin: Client, caplog: pytest.LogCaptureFixture):
    weixin.faults(busy=1.0, for_calls=1, paths=[PHONE])
    for code in ("sim.17000000001.1", "sim.17000000001.1", "sim.17000000001.1"):
        with contextlib.suppress(ProviderUnavailable, WechatCodeInvalid):
            wechat.phone_of(app_id=APP, code=code)
    with pytest.raises(WechatUserBlocked):
        wechat.session_of(app_id=APP, js_code="sim.blocked.1")
    send()

    assert "getuserphonenumber" in caplog.text
    for secret in ("17000000001", "sim.blocked", lin(), "simulator-only-secret", "sim_"):
        assert secret not in caplog.text


def test_the_token_is_asked_for_once_by_many_threads_and_kept_in_valkey(weixin: Client):
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(wechat_calls.access_token, [APP] * 16))

    assert len(tokens) == 1
    wechat_calls._own_tokens.clear()  # another process
    assert wechat_calls.access_token(APP) in tokens
    assert sum(weixin.wechat_calls()["stable_token"].values()) <= 8  # threads of a test have clocks of their own
    assert cache.get(f"wechat:token:{APP}")[0] in tokens


def test_the_token_is_renewed_five_minutes_early(weixin: Client, clock: Callable[[datetime], datetime]):
    first = wechat_calls.access_token(APP)
    clock(NOON + timedelta(seconds=6_899))
    assert wechat_calls.access_token(APP) == first
    clock(NOON + timedelta(seconds=6_901))

    assert wechat_calls.access_token(APP) != first
    assert weixin.wechat_calls()["stable_token"] == {"0": 2}


def test_without_valkey_the_process_keeps_the_token_itself(weixin: Client, monkeypatch: pytest.MonkeyPatch):
    def away(*_: object, **__: object) -> None:
        raise redis.ConnectionError

    for name in ("get", "set", "delete"):
        monkeypatch.setattr(cache, name, away)

    assert wechat_calls.access_token(APP) == wechat_calls.access_token(APP)
    assert weixin.wechat_calls()["stable_token"] == {"0": 1}


def test_a_token_ended_by_somebody_else_is_replaced_once_and_the_call_repeated(weixin: Client):
    weixin.grant(app_id=APP, openid=lin(), template_id=TEMPLATE)
    wechat_calls.access_token(APP)
    weixin.end_tokens(app_id=APP)

    assert send().state == "accepted"
    assert weixin.wechat_calls() == {"send": {"0": 1, "40001": 1}, "stable_token": {"0": 2}}


def test_a_wrong_secret_is_reported_as_our_trouble(weixin: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings, "WECHAT_APPS", [{"app_id": APP, "secret": "old"}])

    with pytest.raises(ProviderUnavailable):
        wechat.session_of(app_id=APP, js_code="sim.lin.1")
    with pytest.raises(ProviderUnavailable):
        wechat.phone_of(app_id=APP, code="sim.17000000001.1")
    assert send() == Outcome("k:1", "retry", code="WECHAT_40125")


def test_a_subscribe_message_is_delivered_with_long_values_cut(weixin: Client):
    weixin.grant(app_id=APP, openid=lin(), template_id=TEMPLATE)

    outcome = send(thing1="二〇二六年春夏限定  联名款 超轻量防晒连帽外套（女款）雾霾蓝")

    assert (outcome.state, outcome.code) == ("accepted", "OK")
    (message,) = weixin.wechat_messages()
    assert message["data"]["thing1"] == "二〇二六年春夏限定 联名款 超轻量防晒…"
    assert len(message["data"]["thing1"]) == 20


@pytest.mark.parametrize(
    ("fault", "state", "code", "delivered"),
    [
        ("p5xx", "unknown", "HTTP_503", 0),
        ("p5xx_after", "unknown", "HTTP_502", 1),
        ("malformed", "unknown", "MALFORMED", 1),
        ("wrong_code", "unknown", "99999", 1),
        ("drop_reply", "unknown", "REPLY_LOST.RemoteDisconnected", 1),
        ("busy", "retry", "WECHAT_-1", 0),
        ("p429", "retry", "HTTP_429", 0),
    ],
)
def test_each_fault_of_a_send_becomes_one_state(weixin: Client, fault: str, state: str, code: str, delivered: int):
    weixin.grant(app_id=APP, openid=lin(), template_id=TEMPLATE)
    weixin.faults(**{fault: 1.0, "for_calls": 1, "paths": [SEND]})

    outcome = send()

    assert (outcome.state, outcome.code) == (state, code)
    assert len(weixin.wechat_messages()) == delivered


def test_refusals_are_refusals(weixin: Client):
    assert send() == Outcome("k:1", "refused", code="40003")
    weixin.grant(app_id=APP, openid=lin(), template_id=TEMPLATE)
    assert send(time2="soon").code == "47003"
    assert send().state == "accepted"
    assert send() == Outcome("k:1", "refused", code="43101")


def test_scenes_name_their_templates(settings):
    settings.WECHAT_APPS = [{"app_id": "wxa", "secret": "s", "scenes": {"live": ["a", "b"], "order": ["b", "c"]}}]

    assert wechat.scene_templates(app_id="wxa", scene="live") == ("a", "b")
    assert wechat.scene_templates(app_id="wxa", scene="nothing") == ()
    assert wechat.all_templates("wxa") == {"a", "b", "c"}


def test_an_unknown_provider_is_a_mistake_of_the_installation(settings):
    settings.WECHAT_PROVIDER = "other"

    with pytest.raises(ImproperlyConfigured):
        wechat.session_of(app_id=APP, js_code="sim.lin.1")


def test_a_page_inside_wechat_signs_as_wechats_own_example_does_and_asks_for_its_ticket_once(
    weixin: Client, monkeypatch: pytest.MonkeyPatch
):
    theirs = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
    example = wechat_pages.signed(
        ticket=theirs, nonce="Wm3WZYTPz0wzccnW", stamp=1_414_587_457, url="http://mp.weixin.qq.com?params=value"
    )
    assert example == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
    page, ours = "https://shop.example/counter/?a=1", "wxpages"
    with pytest.raises(ProviderUnavailable):
        wechat_pages.pass_for(page)
    monkeypatch.setattr(settings, "WECHAT_PAGES", [{"app_id": ours, "secret": "s"}])
    weixin.wechat_app(ours, secret="s")

    for _ in range(2):
        shown = wechat_pages.pass_for(page)

    stamp = int(NOON.timestamp())
    right = wechat_pages.signed(ticket=page_ticket(ours), nonce=shown.nonce, stamp=stamp, url=page)
    assert shown == wechat_pages.Pass(ours, stamp, shown.nonce, right)
    assert weixin.wechat_calls() == {"stable_token": {"0": 1}, "getticket": {"0": 1}}
    weixin.end_tokens(app_id=ours)
    wechat_pages.tickets.forget(ours, page_ticket(ours))
    assert wechat_pages.pass_for(page).app_id == ours
    assert weixin.wechat_calls()["getticket"] == {"0": 2, "40001": 1}
    with pytest.raises(WechatAppUnknown):
        wechat.session_of(app_id=ours, js_code="sim.lin.1")
