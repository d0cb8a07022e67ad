"""Bad days at the platform: whatever fails, asking before resending leaves each key delivered exactly once."""

from apps.gateways import sms
from apps.gateways.messages import Outcome, Outgoing
from apps.gateways.simulator.client import Client
from tests.gateways.conftest import marketing

BATCH = 20


def settle(messages: list[Outgoing], *, rounds: int = 300) -> dict[str, Outcome]:
    """The caller's duty: resend what was not reached, ask about the unknown, resend only what the platform never saw."""
    texts = {m.key: m for m in messages}
    to_send, to_ask = list(texts), list[str]()
    settled: dict[str, Outcome] = {}
    for _ in range(rounds):
        sms.breaker.succeeded()  # stands for the wait until the circuit lets a probe through
        outcomes = sms.send_batch([texts[key] for key in to_send[:BATCH]])
        answers = sms.query(to_ask)
        to_send = to_send[BATCH:] + [key for key in to_ask if key not in answers]
        to_ask = []
        for outcome in [*outcomes, *answers.values()]:
            if outcome.state == "retry":
                to_send.append(outcome.key)
            elif outcome.state == "unknown":
                to_ask.append(outcome.key)
            else:
                settled[outcome.key] = outcome
    assert (to_send, to_ask) == ([], [])
    return settled


def test_dropped_replies_without_keys_at_the_provider_make_no_duplicates(platform: Client) -> None:
    platform.mode(keys="off")
    platform.limits(repeat_seconds=0)  # or the platform itself would hide a blind resend
    platform.faults(seed=5, drop_reply=0.1)

    settled = settle([marketing(n) for n in range(2000)])

    assert {o.state for o in settled.values()} == {"accepted"}
    stats = platform.stats()
    assert (stats["keys"], stats["deliveries"], stats["delivered_twice"]) == (2000, 2000, {})


def test_every_fault_at_once_on_send_and_query_loses_and_doubles_nothing(platform: Client) -> None:
    platform.mode(keys="off")
    platform.limits(repeat_seconds=0)
    shares = dict.fromkeys(("drop_reply", "p429", "p5xx", "p5xx_after", "malformed", "wrong_code"), 0.08)
    platform.faults(seed=11, paths=["/sms/send", "/sms/query"], delay_ms=[0, 3], **shares)

    settled = settle([marketing(n) for n in range(1000)])

    assert {o.state for o in settled.values()} == {"accepted"}
    stats = platform.stats()
    assert (stats["keys"], stats["deliveries"], stats["delivered_twice"]) == (1000, 1000, {})


def test_a_blind_resend_without_keys_does_deliver_twice(platform: Client) -> None:
    """The proof that the counters above can see a duplicate."""
    platform.mode(keys="off")
    platform.limits(repeat_seconds=0)
    platform.faults(drop_reply=1.0, for_calls=1)

    sms.send_batch([marketing(1)])
    sms.send_batch([marketing(1)])

    assert platform.stats()["delivered_twice"] == {"touch:1": 2}
