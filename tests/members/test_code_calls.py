"""A code read out by a call, for whom no message reaches: the same limits, the same guard, the same silence."""

import re
from collections.abc import Callable
from datetime import datetime

import pytest

from apps.members import codes, guard, login
from apps.members import services as members
from apps.members.errors import CodeNotSent, CodeSpent, TooManyCodes
from apps.members.models import CodeAlarm, CodeRequest, Member
from tests.members.conftest import NOON, Phone

Noon = Callable[[float], datetime]
NUMBER, TAIL, HERE = "17000000042", "0042", "203.0.113.9"
pytestmark = pytest.mark.django_db


def ask(*, number: str = NUMBER, network: str = HERE, purpose: str = "login") -> str:
    return login.request_code(phone=number, network=network, purpose=purpose).request_id


def call(request_id: str, *, network: str = HERE) -> str:
    return codes.call(request_id=request_id, network=network, device="").request_id


def refused(request_id: str, *, network: str = HERE) -> int:
    """Seconds to wait; nothing is stored."""
    before = CodeRequest.objects.count()
    with pytest.raises(TooManyCodes) as refusal:
        call(request_id, network=network)
    assert CodeRequest.objects.count() == before
    return int(str(refusal.value.facts["retry_after"]))


def spoken(phone: Phone) -> str:
    """The six digits of the newest call."""
    text = phone.texts(TAIL)[-1]
    found = re.findall(r"((?:\d，){5}\d)。", text)
    assert len(found) == 2, text
    assert found[0] == found[1]
    return str(found[0]).replace("，", "")


def test_a_call_reads_a_code_out_that_logs_in(phone: Phone, noon: Noon):
    first = ask()
    noon(61)
    second = call(first)

    message = phone.client.messages(tail=TAIL)[-1]
    assert (message["kind"], message["template"]) == ("voice", "call_login")
    assert message["text"].startswith("您的登录验证码是：")
    found = login.log_in_by_code(request_id=second, code=spoken(phone), source="portal")
    assert (found.is_new, Member.objects.get().pk) == (True, found.member_id)


@pytest.mark.parametrize("purpose", ["login", "step_up", "change_phone", "guardian"])
def test_every_purpose_has_words_that_a_call_can_read_out(phone: Phone, noon: Noon, purpose: str):
    first = codes.request(phone=NUMBER, network=HERE, purpose=purpose, device="").request_id
    noon(61)

    second = call(first)

    assert codes.redeem(request_id=second, code=spoken(phone), purpose=purpose) == (f"+86{NUMBER}", None)


def test_a_call_comes_a_minute_after_the_message_at_the_earliest(phone: Phone, noon: Noon):
    first = ask()
    noon(20)
    assert refused(first) == 41
    noon(61)
    second = call(first)
    noon(90)
    assert refused(second) == 32
    with pytest.raises(TooManyCodes):
        ask()
    assert len(phone.texts(TAIL)) == 2


def test_messages_and_calls_share_the_hours_limit(phone: Phone, noon: Noon):
    """Three unused ones on devices where the phone never proved itself, however they came."""
    first = ask()
    noon(61)
    call(first)
    noon(122)
    third = ask()
    noon(183)
    assert refused(third) > 3000
    assert [message["kind"] for message in phone.client.messages(tail=TAIL)] == [
        "transactional",
        "voice",
        "transactional",
    ]


def test_messages_and_calls_share_the_networks_limit(phone: Phone, noon: Noon):
    asked = [ask(number=str(13_900_000_000 + n)) for n in range(29)]
    noon(61)
    call(asked[0])
    assert refused(asked[1]) > 3000
    call(asked[1], network="198.51.100.7")


def test_nobody_is_called_who_was_not_sent_a_message_a_moment_ago(phone: Phone, noon: Noon):
    for unknown in ("otp_nothing", ""):
        with pytest.raises(CodeSpent):
            call(unknown)
    first = ask()
    login.log_in_by_code(request_id=first, code=phone.code(TAIL), source="portal")
    noon(61)
    with pytest.raises(CodeSpent):
        call(first)
    second = ask()
    noon(61 + 301)
    with pytest.raises(CodeSpent):
        call(second)
    assert (CodeRequest.objects.count(), len(phone.texts(TAIL))) == (2, 2)


def test_the_guard_holds_calls_back_as_it_holds_messages_and_says_the_same(phone: Phone, noon: Noon, monkeypatch):
    monkeypatch.setattr(codes, "EVEN_SECONDS", 0.0)
    monkeypatch.setattr(guard, "PROBES", 0)
    members.register(source="portal", phone="13900000001")
    newcomer, member = ask(), ask(number="13900000001", network="198.51.100.7")
    CodeAlarm.objects.create(opened_at=NOON, sent=50, used=0)
    moment = noon(61)
    CodeRequest.objects.create(
        key="held", purpose="login", state="held", phone_digest=b"x", network_digest=b"x", is_newcomer=True,
        is_at_home=False, code_digest=b"x", created_at=moment, expires_at=moment,
    )  # fmt: skip

    held, called = call(newcomer), call(member, network="198.51.100.7")

    assert CodeRequest.objects.get(key=held).state == "held"
    assert CodeRequest.objects.get(key=called).state == "sent"
    assert [message["kind"] for message in phone.client.messages(tail=TAIL)] == ["transactional"]
    assert [message["kind"] for message in phone.client.messages(tail="0001")] == ["transactional", "voice"]


def test_a_provider_that_cannot_be_reached_is_told_and_counts_for_no_limit(settings, phone: Phone, noon: Noon):
    first, there = ask(), settings.SIMULATOR_URL
    noon(61)
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    with pytest.raises(CodeNotSent):
        call(first)

    settings.SIMULATOR_URL = there
    assert call(first)
    assert spoken(phone)
