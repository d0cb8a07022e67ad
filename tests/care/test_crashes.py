"""Each message once, whatever dies: worker processes, answers, the broker. Real workers, the real simulator, kill -9."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from celery import current_app
from django.db import connection
from django.db.models import Count, F

from apps.care import planning
from apps.care.models import Attempt, Touch
from apps.core import clock as house_clock
from apps.gateways.simulator.client import Client
from tests.care import crowd
from tests.care.conftest import Shop
from tests.processes import Broker, LiveWorker

pytestmark = pytest.mark.django_db(transaction=True)
MESSAGES = 1_500


@pytest.fixture
def waiting(shop: Shop, platform: Client) -> Client:
    """1,500 touches that are due now; no hour is quiet, for this runs at any time of the day."""
    now = house_clock.now()
    platform.limits(marketing_from_hour=0, marketing_until_hour=24)
    shop.limits(quiet=None)
    shop.policy(send_hour=0)
    crowd.lapsing(MESSAGES, moment=now)
    assert planning.plan(moment=now).planned == MESSAGES
    return platform


def states() -> dict[str, int]:
    return dict(Touch.objects.values_list("state").annotate(rows=Count("pk")).order_by())


def time_passes() -> None:
    """Three minutes, as the database sees them: leases run out, waits end."""
    span = timedelta(minutes=3)
    Touch.objects.update(lease_until=F("lease_until") - span, send_at=F("send_at") - span)


def wake(broker_url: str = "") -> None:
    """What beat does every ten seconds."""
    with current_app.connection(broker_url or None) as line:
        current_app.send_task("care.drain", connection=line)


def until(happened: Callable[[], bool], *, seconds: float = 180, wakes: str | None = None) -> None:
    """Wait for it; `wakes`: the broker through which the worker is woken meanwhile."""
    limit = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < limit, states()
        if wakes is not None:
            wake(wakes)
        time.sleep(0.05 if wakes is None else 0.5)


def finish(broker_url: str = "") -> None:
    """Let the worker go on, and the minutes pass, until nothing is left to do."""
    limit = time.monotonic() + 240
    while states() != {"sent": MESSAGES}:
        assert time.monotonic() < limit, states()
        wake(broker_url)
        time.sleep(1)
        time_passes()


def assert_each_arrived_once(platform: Client) -> None:
    stats = platform.stats()
    assert (stats["deliveries"], stats["delivered_twice"]) == (MESSAGES, {})
    assert states() == {"sent": MESSAGES}
    assert Attempt.objects.filter(state="accepted").values("touch").distinct().count() == MESSAGES


NIGHTS = [pytest.param(keys, 6, marks=pytest.mark.nightly) for keys in ("off", "on")]


@pytest.mark.parametrize(("keys", "kills"), [("off", 2), *NIGHTS])
def test_killed_workers_lose_nothing_and_send_nothing_twice(
    waiting: Client, live_worker: LiveWorker, keys: str, kills: int
) -> None:
    """T-M1; with `keys="off"` the provider would deliver every repeated call, and only asking first can save us."""
    dice = random.Random(keys)
    waiting.mode(keys=keys)
    waiting.faults(delay_ms=[600, 800])  # the rest of the send lasts seconds longer than any of the waits below
    stranded = []
    for number in range(kills):
        live_worker.start()
        begun = MESSAGES - states().get("planned", 0)  # what the last one left is only asked about
        wake()
        until(lambda: "sending" in states() or states() == {"sent": MESSAGES})
        if number == 1:  # the first kill comes before any receipt, the second after some, the others at any time
            until(lambda begun=begun: states().get("sent", 0) > begun)
        elif number > 1:
            time.sleep(dice.uniform(0.0, 1.2))
        live_worker.kill()
        stranded.append(states().get("sending", 0))
        time_passes()
    assert all(stranded[:2]), stranded  # they hit a worker in the middle of sending
    waiting.faults()
    live_worker.start()
    finish()
    assert_each_arrived_once(waiting)
    assert "138000" not in live_worker.log.read_text()  # T-P2: the beginning of every phone of this crowd


def test_lost_answers_are_asked_about_before_any_resend(waiting: Client, live_worker: LiveWorker) -> None:
    """T-M2: a provider without keys drops answers after it has accepted, fails before, and garbles."""
    waiting.mode(keys="off")
    waiting.faults(seed=5, drop_reply=0.2, p5xx=0.1, malformed=0.05, p5xx_after=0.05)
    live_worker.start()
    until(lambda: "unknown" in states(), wakes="")
    finish()
    assert_each_arrived_once(waiting)


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    with Broker(log=tmp_path / "broker.log") as running:
        monkeypatch.setenv("CELERY_BROKER_URL", running.url)
        yield running


@pytest.mark.parametrize("losses", [1, pytest.param(20, marks=pytest.mark.nightly)])
def test_the_broker_may_lose_everything_and_die(
    waiting: Client, broker: Broker, live_worker: LiveWorker, losses: int
) -> None:
    """T-M3: flushed, killed and started empty in the middle of sending; after each loss the next wake-up is enough."""
    waiting.faults(delay_ms=[300, 300])
    live_worker.start()
    for _ in range(losses):
        before = states().get("sent", 0)
        with redis.Redis.from_url(broker.url) as client:
            client.flushall()
        until(lambda: "sending" in states(), wakes=broker.url)
        broker.kill()
        broker.start()
        until(lambda before=before: states().get("sent", 0) > before or "planned" not in states(), wakes=broker.url)
        if "planned" not in states():
            break
    waiting.faults()
    finish(broker.url)
    assert_each_arrived_once(waiting)


def test_a_chunk_leaves_no_transaction_open_while_it_sends(waiting: Client, live_worker: LiveWorker) -> None:
    waiting.faults(delay_ms=[3_000, 3_000])  # twenty requests, two at a time: half a minute
    live_worker.start(concurrency=1)
    wake()
    until(lambda: "sending" in states())
    seen = []
    for _ in range(20):
        with connection.cursor() as cursor:
            cursor.execute(
                "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
                " and state like 'idle in transaction%'"
            )
            seen.append(cursor.fetchone()[0])
        time.sleep(0.05)
    assert "sending" in states(), "it was looked at while it sent"
    assert sum(seen) == 0
