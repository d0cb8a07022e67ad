"""T-P5: people withdraw while a send of many is under way: what had not left, does not leave; carriers' opt-outs count the same."""

import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection

from apps.care import dispatch, planning, replies, services
from apps.care.models import Touch
from apps.core import clock as house_clock
from apps.gateways import sms
from apps.gateways.messages import Outcome, Outgoing
from apps.gateways.simulator.client import Client
from apps.members import services as members
from apps.members.models import ConsentNow
from tests.care import crowd
from tests.care.conftest import Shop

pytestmark = pytest.mark.django_db(transaction=True)
GRACE = 60.0  # seconds within which a withdrawal must hold
SIZES = [1_500, pytest.param(100_000, marks=pytest.mark.nightly)]


class Held:
    """Stands before the provider: the first `free` messages pass, the others when `opened` is set. However fast or slow
    the machine is, the send is then neither at its beginning nor at its end.
    """

    def __init__(self, *, free: int) -> None:
        self.opened, self._free, self._lock = threading.Event(), free, threading.Lock()
        self._send = sms.send_batch

    def send_batch(self, messages: Sequence[Outgoing]) -> list[Outcome]:
        with self._lock:
            self._free -= len(messages)
            passes = self._free >= 0
        assert passes or self.opened.wait(timeout=120), "nobody withdrew"
        return self._send(messages)


def deliveries(platform: Client) -> Iterator[dict]:
    after = 0
    while page := platform.messages(after=after, limit=1000):
        yield from page
        after = page[-1]["number"]


def drained() -> None:
    try:
        while dispatch.drain():
            pass
    finally:
        connection.close()


def until_sent(count: int, *, seconds: float = 120) -> None:
    limit = datetime.now(UTC).timestamp() + seconds
    while Touch.objects.filter(state="sent").count() < count:
        assert datetime.now(UTC).timestamp() < limit, "the send does not get on"


@pytest.mark.parametrize("size", SIZES)
def test_half_of_the_house_withdraws_in_the_middle_of_a_send(
    shop: Shop, platform: Client, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    now = house_clock.now()
    platform.limits(marketing_from_hour=0, marketing_until_hour=24)
    chunk, free = min(dispatch.CHUNK, size // 40), size // 8
    held = Held(free=free)
    monkeypatch.setattr(dispatch, "CHUNK", chunk)
    monkeypatch.setattr(sms, "send_batch", held.send_batch)
    shop.limits(quiet=None)
    shop.policy(send_hour=0)
    everybody = crowd.lapsing(size, moment=now)
    leaving = everybody[1::2]
    assert planning.plan(moment=now).planned == size

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(drained)
        until_sent(1)
        members.grant_consents(
            member_ids=leaving, purpose="care", channel="sms", source="portal", text_version="1", is_granted=False
        )
        held.opened.set()
        withdrawn_at = datetime.now(UTC)
        sending.result(timeout=1_200)

    owners = dict(Touch.objects.values_list("pk", "member_id"))
    gone, late, longest = set(leaving), 0, 0.0
    for message in deliveries(platform):
        if owners[int(message["key"].removeprefix("touch:"))] in gone:
            after = (datetime.fromisoformat(message["at"]) - withdrawn_at).total_seconds()
            longest, late = max(longest, after), late + (after > GRACE)
    line = (
        f"{size} messages, {len(leaving)} withdrawals: {late} later than {GRACE:.0f} s, the last {longest:.2f} s after"
    )
    sys.stdout.write(f"\n{line}\n")
    stopped = Touch.objects.filter(member_id__in=leaving, state="skipped", reason="no_consent").count()
    sent_to_them = Touch.objects.filter(member_id__in=leaving, state="sent").count()
    assert late == 0
    assert longest < 10, "only what was in the provider's hands already"
    assert stopped + sent_to_them == len(leaving)
    under_way = free + (dispatch._AHEAD + 1) * chunk  # at most: what had passed, and what was claimed behind it
    assert stopped >= (size - under_way) // 2, "who was not claimed yet when the withdrawals came, is not sent to"
    assert sent_to_them > 0, "the withdrawals came in the middle"
    assert Touch.objects.exclude(member_id__in=leaving).filter(state="sent").count() == size - len(leaving)
    assert platform.stats()["delivered_twice"] == {}


@pytest.mark.parametrize("word", ["R", "r ", "TD", "退订", "T"])
def test_every_word_of_opting_out_withdraws(shop: Shop, noon: datetime, platform: Client, word: str) -> None:
    member = shop.lapsing_member()
    shop.policy()
    services.run(moment=noon)
    platform.reply(word, key=f"touch:{Touch.objects.get().pk}")

    assert replies.take() == {"taken": 1, "withdrawn": 1}

    said = ConsentNow.objects.filter(member=member, channel="sms").values_list("purpose", "is_granted")
    assert dict(said) == {"care": False, "marketing": False}
