"""Aliyun and Tencent lines against the strict simulator, which checks every signature by code of its own."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from apps.core import clock as house_clock
from apps.gateways import aliyun, signing, sms, sms_templates, tencent
from apps.gateways.messages import Outcome, Outgoing
from apps.gateways.models import SmsTemplate
from apps.gateways.simulator.client import Client
from apps.gateways.sms_lines import Sent
from tests.gateways.conftest import NOON
from tests.processes import Simulator

TEXT = "{{ nickname }}，有{{ days }}天没见到您了"
BOTH = pytest.mark.parametrize("line", ["aliyun", "tencent"])


@pytest.fixture
def vendors(db: None, simulator: Simulator, settings: object, clock: Callable[[datetime], datetime]) -> Client:
    clock(NOON)
    for name, value in {
        "SMS_PROVIDER": "aliyun", "ALIYUN_SMS_URL": simulator.url, "TENCENT_SMS_URL": simulator.url,
        "ALIYUN_SMS_KEY_ID": "simulator-key", "ALIYUN_SMS_KEY_SECRET": "simulator-only-secret",
        "TENCENT_SMS_SECRET_ID": "simulator-id", "TENCENT_SMS_SECRET_KEY": "simulator-only-secret",
        "TENCENT_SMS_APP_ID": "1400000001",
    }.items():  # fmt: skip
        setattr(settings, name, value)
    client = Client(simulator.url)
    client.register(signatures=["Siyu"], templates=[])
    return client


def approve(name: str = "lapse") -> Outcome:
    return sms.register(name=name, kind="promo", text=TEXT)


def marketing(number: int, *, nickname: str = "林溪", key: str = "", template: str = "lapse") -> Outgoing:
    text = sms.compose(f"{nickname}，有45天没见到您了", kind="marketing", signature="Siyu")
    values = (("nickname", nickname), ("days", "45"))
    return Outgoing(key or f"touch:{number}", f"+86138{number:08d}", text, "marketing", template, values)


def test_both_signatures_are_those_of_the_vendors_own_samples() -> None:
    query = {"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai"}
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com", "x-acs-action": "RunInstances", "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d", "x-acs-version": "2014-05-26",
    }  # fmt: skip
    acs3 = signing.acs3(
        key_id="YourAccessKeyId", secret="YourAccessKeySecret", query=signing.canonical_query(query), headers=headers
    )
    assert acs3.endswith("Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0")

    tc3 = signing.tc3(
        key_id="AKID", secret="*" * 32, service="cvm",
        headers={"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com",
                 "x-tc-action": "DescribeInstances"},
        body=b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}',
        moment=datetime.fromtimestamp(1551113065, UTC),
    )  # fmt: skip
    assert tc3.endswith("Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f")


@BOTH
def test_a_batch_goes_out_in_the_vendor_s_template_and_comes_back_in_order(
    vendors: Client, settings: object, line: str
) -> None:
    settings.SMS_PROVIDER = line  # type: ignore[attr-defined]
    assert approve().state == "accepted"

    outcomes = sms.send_batch([marketing(n, nickname="a b+c/é~") for n in range(20)])

    assert [(o.key, o.state) for o in outcomes] == [(f"touch:{n}", "accepted") for n in range(20)]
    assert all(str(o.provider_id).startswith(f"{line}:") for o in outcomes)
    shown = vendors.messages(key="touch:7")
    assert [m["text"] for m in shown] == ["【Siyu】a b+c/é~，有45天没见到您了，拒收请回复R"]
    assert vendors.stats()["deliveries"] == 20


@BOTH
def test_a_wrong_secret_an_old_clock_or_an_empty_purse_is_no_message_s_fault(
    vendors: Client, settings: object, clock: Callable[[datetime], datetime], line: str
) -> None:
    settings.SMS_PROVIDER = line  # type: ignore[attr-defined]
    approve()
    secret = {"aliyun": "ALIYUN_SMS_KEY_SECRET", "tencent": "TENCENT_SMS_SECRET_KEY"}[line]
    good = getattr(settings, secret)

    setattr(settings, secret, "wrong")
    [wrong] = sms.send_batch([marketing(1)])
    setattr(settings, secret, good)
    vendors.vendors(**{f"{line}_broke": "on"})
    [broke] = sms.send_batch([marketing(1)])
    vendors.vendors(**{f"{line}_broke": ""})

    signature = {"aliyun": "SignatureDoesNotMatch", "tencent": "AuthFailure.SignatureFailure"}[line]
    assert (wrong.state, wrong.code, wrong.detail) == ("retry", "VENDOR_ACCOUNT", signature)
    assert (broke.state, broke.code) == ("retry", "VENDOR_ACCOUNT")
    assert vendors.stats()["deliveries"] == 0
    assert sms.send_batch([marketing(1)])[0].state == "accepted"


@BOTH
def test_what_the_platform_forbids_comes_back_in_the_house_s_words(
    vendors: Client, settings: object, line: str
) -> None:
    settings.SMS_PROVIDER = line  # type: ignore[attr-defined]
    approve()
    unknown = marketing(2, template="never-registered")
    short = marketing(3)._replace(values=(("nickname", "林溪"),))
    long = marketing(4, nickname="长" * 36)
    stranger = marketing(5)._replace(text="【别人】林溪，有45天没见到您了，拒收请回复R")
    abroad = marketing(6)._replace(to="+8612345")

    answers = [(o.state, o.code) for o in sms.send_batch([unknown, short, long, stranger, abroad])]

    assert answers == [
        ("refused", "TEMPLATE_UNAPPROVED"),
        ("refused", "TEMPLATE_MISMATCH"),
        ("refused", "CONTENT_TOO_LONG"),
        ("refused", "SIGNATURE_UNAPPROVED"),
        ("refused", "NUMBER_INVALID"),
    ]
    assert vendors.stats()["deliveries"] == 0


@BOTH
def test_a_template_waits_for_its_review_and_is_handed_in_once(
    vendors: Client, settings: object, clock: Callable[[datetime], datetime], line: str
) -> None:
    settings.SMS_PROVIDER = line  # type: ignore[attr-defined]
    vendors.vendors(reviews_held="on")

    assert [approve().state, approve().state] == ["refused", "refused"]
    vendors.review_templates()
    assert approve().state == "refused"  # asked a moment ago
    clock(NOON + timedelta(minutes=2))
    assert approve().state == "accepted"
    SmsTemplate.objects.update(state="pending")
    assert approve().state == "refused"  # whoever asks again within the minute takes the word of a moment ago
    SmsTemplate.objects.update(state="approved")

    [row] = SmsTemplate.objects.all()
    wanted = {
        "aliyun": "${nickname}，有${days}天没见到您了，拒收请回复R",
        "tencent": "{1}，有{2}天没见到您了，拒收请回复R",
    }
    assert (row.state, row.text) == ("approved", wanted[line])


def test_a_review_that_says_no_says_why(vendors: Client) -> None:
    answer = sms.register(name="bare", kind="promo", text="{{ nickname }}")

    assert (answer.state, answer.code) == ("refused", "NOT_APPROVED")
    assert SmsTemplate.objects.get().reason == "a template needs fixed words"


def test_the_second_line_takes_only_what_the_first_certainly_has_not(vendors: Client, settings: object) -> None:
    settings.SMS_FALLBACK = "tencent"  # type: ignore[attr-defined]
    approve()
    vendors.vendors(aliyun_broke="on")
    [moved] = sms.send_batch([marketing(1)])
    vendors.vendors(aliyun_broke="")
    vendors.faults(paths=["/"], drop_reply=1.0, for_calls=1)
    [lost] = sms.send_batch([marketing(2)])

    assert (moved.state, str(moved.provider_id)[:8]) == ("accepted", "tencent:")
    assert lost.state == "unknown"  # Aliyun may have it: Tencent is not asked to send it
    assert vendors.stats()["deliveries"] == 2
    assert vendors.stats()["delivered_twice"] == {}


def test_a_second_line_without_the_template_changes_nothing(vendors: Client, settings: object) -> None:
    approve()
    settings.SMS_FALLBACK = "tencent"  # type: ignore[attr-defined]
    vendors.vendors(aliyun_broke="on")

    [answer] = sms.send_batch([marketing(1)])

    assert (answer.state, answer.code) == ("retry", "VENDOR_ACCOUNT")


@BOTH
def test_a_lost_answer_is_asked_about_by_number_and_reference(
    vendors: Client, settings: object, clock: Callable[[datetime], datetime], line: str
) -> None:
    settings.SMS_PROVIDER = line  # type: ignore[attr-defined]
    approve()
    vendors.faults(paths=["/"], drop_reply=1.0, for_calls=1)
    assert sms.send_batch([marketing(1)])[0].state == "unknown"
    sent = {f"touch:{n}": Sent(f"+86138{n:08d}", NOON, NOON) for n in (1, 2)}

    clock(NOON + timedelta(minutes=2))
    soon = sms.query(["touch:1", "touch:2"], sent=sent)
    clock(NOON + timedelta(minutes=11))
    later = sms.query(["touch:1", "touch:2", "touch:3"], sent=sent)

    assert (soon["touch:1"].state, soon["touch:2"].state) == ("accepted", "unknown")
    # Aliyun lists what it took; Tencent only what has a receipt, so that absence there proves nothing.
    assert ("touch:2" in later) == (line == "tencent")
    assert later["touch:3"] == Outcome("touch:3", "unknown", code="NO_NUMBER")


def test_aliyun_takes_a_number_that_opted_out_and_tells_by_receipt(vendors: Client) -> None:
    approve()
    message = marketing(1)._replace(to="+8617000009002")

    [answer] = sms.send_batch([message])
    report = next(iter(aliyun.receipts(vendors.callbacks("aliyun")["reports"])))

    assert answer.state == "accepted"
    assert (report.key, report.is_delivered, report.code) == ("touch:1", False, "BLACKLIST")


@BOTH
def test_callbacks_become_receipts_and_replies(vendors: Client, settings: object, line: str) -> None:
    settings.SMS_PROVIDER = line  # type: ignore[attr-defined]
    approve()
    sms.send_batch([marketing(1)])
    vendors.reply("退订", key="touch:1", at=house_clock.now().isoformat())
    vendor, told = {"aliyun": aliyun, "tencent": tencent}[line], vendors.callbacks(line)

    [receipt] = vendor.receipts(told["reports"])
    [answered] = vendor.answers(told["replies"])

    assert (receipt.key, receipt.is_delivered, receipt.at) == ("touch:1", True, NOON)
    assert (answered.phone, answered.text) == ("+8613800000001", "退订")
    assert [*vendor.receipts([{}, 1, None]), *vendor.answers(["x", {"text": 1}])] == []


def test_a_replayed_request_is_refused(vendors: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    approve()
    monkeypatch.setattr(aliyun.secrets, "token_hex", lambda _size: "0" * 32)

    first, second = sms.send_batch([marketing(1)])[0], sms.send_batch([marketing(2)])[0]

    assert (first.state, second.state, second.detail) == ("accepted", "retry", "SignatureNonceUsed")


def test_every_placeholder_is_written_as_the_vendor_wants_it() -> None:
    text = "验证码{code}，${code}分钟内有效"

    assert sms_templates.written(text, line="aliyun", kind="otp") == "验证码${code}，${code}分钟内有效"
    assert sms_templates.written(text, line="tencent", kind="otp") == "验证码{1}，{2}分钟内有效"
