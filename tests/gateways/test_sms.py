"""The SMS door against the running simulator: what each kind of trouble becomes."""

import multiprocessing
import random
import re
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.core import brand
from apps.core import clock as house_clock
from apps.gateways import sms, wire
from apps.gateways.messages import Outcome, Outgoing
from apps.gateways.simulator import rules
from apps.gateways.simulator.client import Client
from tests.gateways.conftest import NOON, marketing
from tests.processes import Simulator


def states(outcomes: list[Outcome]) -> list[str]:
    return [outcome.state for outcome in outcomes]


def test_a_batch_is_accepted_in_order_and_cut_into_requests_of_a_hundred(platform: Client) -> None:
    numbers = random.Random(1).sample(range(10_000), 250)

    outcomes = sms.send_batch([marketing(n) for n in numbers])

    assert [outcome.key for outcome in outcomes] == [f"touch:{n}" for n in numbers]
    assert set(states(outcomes)) == {"accepted"}
    ids = [str(outcome.provider_id) for outcome in outcomes]
    assert ids == sorted(ids)
    assert len(set(ids)) == 250
    assert [m["key"] for m in platform.messages(limit=250)] == [f"touch:{n}" for n in numbers]


def test_one_refused_message_leaves_its_neighbours_alone(platform: Client) -> None:
    wrong = Outgoing("touch:x", "+85212345678", marketing(1).text, "marketing", "lapse")

    outcomes = sms.send_batch([marketing(1), wrong, marketing(2)])

    assert states(outcomes) == ["accepted", "refused", "accepted"]
    assert (outcomes[1].code, outcomes[1].provider_id) == ("NUMBER_INVALID", None)
    assert platform.stats()["deliveries"] == 2


def test_an_empty_batch_calls_nobody() -> None:
    assert sms.send_batch([]) == []
    assert sms.query([]) == {}


def test_a_dropped_reply_is_unknown_and_the_query_finds_the_delivery(platform: Client) -> None:
    platform.faults(drop_reply=1.0, for_calls=1)

    lost = sms.send_batch([marketing(1), marketing(2)])
    found = sms.query(["touch:1", "touch:2", "touch:3"])

    assert states(lost) == ["unknown", "unknown"]
    assert set(found) == {"touch:1", "touch:2"}
    assert {outcome.state for outcome in found.values()} == {"accepted"}
    again = sms.send_batch([marketing(1), marketing(2)])
    assert [outcome.provider_id for outcome in again] == [found[key].provider_id for key in ("touch:1", "touch:2")]
    assert platform.stats()["deliveries"] == 2


@pytest.mark.parametrize(
    ("fault", "state", "code", "delivered"),
    [
        ("p5xx", "unknown", "HTTP_503", 0),
        ("p5xx_after", "unknown", "HTTP_502", 2),
        ("malformed", "unknown", "MALFORMED", 2),
        ("wrong_code", "unknown", "ISV.UNHEARD_OF", 2),
        ("drop_reply", "unknown", "REPLY_LOST.RemoteDisconnected", 2),
        ("p429", "retry", "HTTP_429", 0),
    ],
)
def test_each_fault_becomes_one_state(platform: Client, fault: str, state: str, code: str, delivered: int) -> None:
    platform.faults(**{fault: 1.0, "for_calls": 1})

    outcomes = sms.send_batch([marketing(1), marketing(2)])

    assert [(outcome.state, outcome.code) for outcome in outcomes] == [(state, code)] * 2
    assert platform.stats()["deliveries"] == delivered
    assert states(sms.send_batch([marketing(1), marketing(2)])) == ["accepted", "accepted"]
    assert platform.stats()["deliveries"] == 2


def test_too_many_requests_says_when_to_come_back_and_stops_the_rest(platform: Client) -> None:
    platform.faults(p429=1.0, retry_after=7)

    outcomes = sms.send_batch([marketing(n) for n in range(250)])

    assert {(outcome.state, outcome.retry_after) for outcome in outcomes} == {("retry", 7.0)}
    assert len(outcomes) == 250
    platform.faults(p429=1.0, retry_after=None)
    assert sms.send_batch([marketing(1)])[0].retry_after is None
    assert sms.breaker.wait() == 0  # a provider that answers 429 is alive


def test_a_retry_after_may_be_a_date_and_is_bounded() -> None:
    assert sms._seconds("12.5") == 12.5
    assert sms._seconds("Wed, 01 Jan 2020 00:00:00 GMT") == 0
    assert sms._seconds("Wed, 01 Jan 2120 00:00:00 GMT") == 3600
    assert sms._seconds("999999") == 3600
    assert (sms._seconds("soon"), sms._seconds("nan"), sms._seconds(None)) == (None, None, None)


def test_a_reply_that_takes_too_long_is_unknown(platform: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "READ_TIMEOUT", 0.2)
    wire._drop(platform.url)
    platform.faults(delay_ms=[1500, 1500], for_calls=1)

    assert sms.send_batch([marketing(1)])[0] == Outcome("touch:1", "unknown", code="REPLY_LOST.TimeoutError")
    assert sms.query(["touch:1"])["touch:1"].state == "accepted"


def test_a_refused_connection_is_retry_and_opens_the_circuit(simulator: Simulator) -> None:
    simulator.kill()

    outcomes = [sms.send_batch([marketing(1)])[0] for _ in range(4)]

    assert states(outcomes) == ["retry"] * 4
    assert [o.code for o in outcomes] == ["NOT_REACHED.ConnectionRefusedError"] * 3 + ["CIRCUIT_OPEN"]
    assert 9 < (outcomes[3].retry_after or 0) <= 10


def test_a_query_without_an_answer_is_unknown_and_never_absent(simulator: Simulator) -> None:
    simulator.kill()

    assert sms.query(["touch:1"])["touch:1"].state == "unknown"


def test_a_platform_without_query_answers_unknown(platform: Client) -> None:
    platform.mode(query="off")

    assert sms.query(["touch:1"])["touch:1"] == Outcome("touch:1", "unknown", code="HTTP_400")


def test_a_connection_closed_while_idle_is_opened_anew(simulator: Simulator, platform: Client) -> None:
    assert states(sms.send_batch([marketing(1)])) == ["accepted"]
    simulator.kill()
    simulator.start()

    assert states(sms.send_batch([marketing(2)])) == ["accepted"]


def test_another_text_under_a_used_key_is_left_to_the_query(platform: Client) -> None:
    sms.send_batch([marketing(1)])

    assert states(sms.send_batch([marketing(2, key="touch:1")])) == ["unknown"]
    assert sms.query(["touch:1"])["touch:1"].state == "accepted"
    assert platform.stats()["deliveries"] == 1


def test_fifty_copies_of_one_key_at_once_are_one_delivery(platform: Client) -> None:
    def send(_: int) -> Outcome:
        with house_clock.frozen(NOON):  # a frozen clock belongs to its thread
            return sms.send_batch([marketing(1)])[0]

    with ThreadPoolExecutor(50) as pool:
        outcomes = list(pool.map(send, range(50)))

    assert set(states(outcomes)) == {"accepted"}
    assert len({outcome.provider_id for outcome in outcomes}) == 1
    assert platform.query(["touch:1"])["touch:1"]["calls"] == 50
    assert platform.stats()["deliveries"] == 1


def test_a_forked_worker_opens_a_connection_of_its_own(platform: Client) -> None:
    sms.send_batch([marketing(1)])
    parent = wire._connections.__dict__[platform.url].sock.getsockname()

    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)

    def child() -> None:
        outcome = sms.send_batch([marketing(2)])[0]
        writer.send((outcome.state, wire._connections.__dict__[platform.url].sock.getsockname()))

    process = context.Process(target=child)
    process.start()
    assert reader.poll(20)
    state, own = reader.recv()
    process.join(20)

    assert state == "accepted"
    assert own != parent
    assert states(sms.send_batch([marketing(3)])) == ["accepted"]


def test_the_platform_judges_by_the_frozen_clock(platform: Client, clock: Callable) -> None:
    clock(datetime.fromisoformat("2026-03-02T22:00:00+08:00"))

    outcome = sms.send_batch([marketing(1)])[0]

    assert (outcome.state, outcome.code) == ("refused", "NIGHT_BLOCKED")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"results": {}}',
        b'{"results": [1]}',
        b'{"results": []}',
        b'{"results": [{"key": "other", "code": "OK", "biz_id": "s1"}]}',
        b'{"results": [{"key": "touch:1", "code": "OK"}]}',
        b'{"results": [{"key": "touch:1"}]}',
        b"[" * 100_000,
    ],
)
def test_an_answer_that_does_not_line_up_proves_nothing(settings: object, body: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        settings.SIMULATOR_URL = f"http://127.0.0.1:{listener.getsockname()[1]}"  # type: ignore[attr-defined]

        def answer_once() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

        answering = pool.submit(answer_once)
        outcomes = sms.send_batch([marketing(1)])
        answering.result()

    assert states(outcomes) == ["unknown"]


def test_a_provider_that_is_not_there_is_a_setting_to_mend(settings: object) -> None:
    settings.SIMULATOR_URL = ""  # type: ignore[attr-defined]

    with pytest.raises(ImproperlyConfigured):
        sms.send_batch([marketing(1)])


def test_every_refusal_of_the_platform_is_known_to_the_door() -> None:
    source = Path(rules.__file__).read_text(encoding="utf-8")

    assert set(re.findall(r'"([A-Z_]{4,})"', source)) | {"NOT_APPROVED"} == sms.REFUSALS


def test_a_template_or_signature_that_is_not_approved_says_why(platform: Client, settings: object) -> None:
    refused = sms.register(name="all", kind="promo", text="{text}")
    assert refused == Outcome("all", "refused", code="NOT_APPROVED", detail="a template needs fixed words")

    settings.SMS_SIGNATURE = "一个长得超过十二个字的品牌签名"  # type: ignore[attr-defined]
    assert sms.register(name="new", kind="promo", text="秋天到了").detail == "a signature has 2 to 12 characters"
    platform.faults(paths=["/sms/templates"], drop_reply=1.0)
    assert sms.register(name="new", kind="promo", text="秋天到了").state == "unknown"


@pytest.mark.parametrize(
    ("text", "kind", "composed"),
    [
        ("好久不见", "marketing", "【Siyu】好久不见，拒收请回复R"),
        ("好久不见！", "marketing", "【Siyu】好久不见！拒收请回复R"),
        ("【Siyu】好久不见，拒收请回复R", "marketing", "【Siyu】好久不见，拒收请回复R"),
        ("您的订单可以取货了", "transactional", "【Siyu】您的订单可以取货了"),
    ],
)
def test_the_text_gets_signature_and_opt_out_words_once(text: str, kind: str, composed: str) -> None:
    assert sms.compose(text, kind=kind, signature="Siyu") == composed  # type: ignore[arg-type]


@pytest.mark.django_db
def test_the_signature_is_the_brand_s_own_or_its_name() -> None:
    assert sms.compose("好", kind="transactional") == "【Siyu】好"

    brand.write("core.name", "禾汀生活")
    assert sms.compose("好", kind="transactional") == "【禾汀生活】好"

    brand.write("core.signature", "禾汀")
    assert sms.compose("好", kind="transactional") == "【禾汀】好"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("好", 1),
        ("好" * 70, 1),
        ("好" * 71, 2),
        ("好" * 134, 2),
        ("好" * 135, 3),
        ("a" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_seventy_characters_are_one_message_and_longer_ones_are_billed_by_67(text: str, count: int) -> None:
    assert sms.segments(text) == count
