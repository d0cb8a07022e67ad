"""Each step of a journey once, whatever dies: a real worker walks, kill -9 in the middle, another goes on; two tick side by side."""

import multiprocessing
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from multiprocessing.process import BaseProcess

import pytest
from celery import current_app
from django.db import connection, connections
from django.db.models import Count

from apps.care import dispatch
from apps.care.journeys import entering, stepping
from apps.care.models import Enrolment, Step, Touch
from apps.core import clock as house_clock
from apps.coupons.models import Coupon
from apps.gateways.simulator.client import Client
from apps.points.models import Account
from tests.care import crowd
from tests.care.conftest import Shop
from tests.care.test_crashes import time_passes
from tests.care.walks import journey
from tests.coupons.making import template
from tests.processes import LiveWorker

pytestmark = pytest.mark.django_db(transaction=True)
ARMS = [{"percent": 50, "next": "points"}, {"percent": 50, "next": "gift"}]
INBOX = {"kind": "send", "channel": "inbox", "send_hour": 0, "template": "{{ brand }}上新了，来看看吧。"}
WALK = (
    {"key": "arms", "kind": "split", "arms": ARMS},
    {"key": "points", "kind": "points", "amount": 50, "next": "gift"},
    {"key": "gift", "kind": "coupon", "template": "back", "next": "tell"},
    {"key": "tell", **INBOX, "next": "end"},
)


@pytest.fixture
def walkers(shop: Shop) -> list[int]:
    shop.limits(quiet=None)
    template("back")
    journey(*WALK)
    member_ids = crowd.lapsing(PEOPLE, moment=house_clock.now())
    entering.put_in(journey_key="care", member_ids=member_ids, occurrence="x")
    return member_ids


PEOPLE = 2_500
NIGHT, KILLS = 100_000, 200


def assert_everybody_walked_once(member_ids: list[int]) -> None:
    rows = Step.objects.values_list("node").annotate(rows=Count("pk"), walks=Count("enrolment", distinct=True))
    counts = {node: (rows_, walks) for node, rows_, walks in rows.order_by()}
    halves = counts.pop("points")
    everybody = (len(member_ids), len(member_ids))
    assert counts == {"arms": everybody, "gift": everybody, "tell": everybody, "end": everybody}
    assert halves[0] == halves[1]
    assert 0.4 < halves[0] / len(member_ids) < 0.6
    assert Account.objects.filter(balance=50).count() == Account.objects.count() == halves[0]
    assert Coupon.objects.count() == Coupon.objects.values("member").distinct().count() == len(member_ids)
    assert Touch.objects.count() == Touch.objects.values("member").distinct().count() == len(member_ids)
    assert set(Enrolment.objects.values_list("ending", flat=True)) == {"done"}


@pytest.mark.parametrize("kills", [2, pytest.param(40, marks=pytest.mark.nightly)])
def test_a_killed_worker_leaves_nobody_behind_and_gives_nothing_twice(
    walkers: list[int], live_worker: LiveWorker, kills: int
) -> None:
    dice = random.Random(kills)
    seen = []
    for number in range(kills):
        live_worker.start()
        begun = Step.objects.count()
        current_app.send_task("care.walk_journeys")
        limit = time.monotonic() + 60
        while Step.objects.count() == begun and number < 2 and time.monotonic() < limit:
            time.sleep(0.01)  # until it has committed something: the next chunk is under way then
        time.sleep(dice.uniform(0, 0.3))
        live_worker.kill()
        seen.append(Step.objects.count())
    assert 0 < seen[0] < 4.5 * PEOPLE, seen  # it was hit in the middle
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from care_enrolment where node <> 'end' and ended_at is not null")
        assert cursor.fetchone() == (0,)
    limit = time.monotonic() + 60
    while Enrolment.objects.filter(ended_at=None).exists():  # whom the dead one's session still holds is passed over
        assert time.monotonic() < limit
        assert stepping.tick(house_clock.now() + timedelta(minutes=1)).failed == []
    assert_everybody_walked_once(walkers)


def _walks() -> None:
    while True:
        stepping.tick(house_clock.now())


def _sends() -> None:
    while True:
        dispatch.drain()


def _working(works: Sequence[Callable[[], None]]) -> list[BaseProcess]:
    connections.close_all()  # a session must not be shared with who is about to die
    processes = [multiprocessing.get_context("fork").Process(target=work, daemon=True) for work in works]
    for process in processes:
        process.start()
    return processes


@pytest.mark.nightly
def test_a_hundred_thousand_walk_and_are_written_to_while_two_hundred_processes_die(
    shop: Shop, platform: Client
) -> None:
    """T-M1 in full: before each kill 500 more come in, so that who dies has walks and messages in their hands."""
    platform.limits(marketing_from_hour=0, marketing_until_hour=24)
    platform.faults(delay_ms=[300, 500])
    shop.limits(quiet=None)
    template("back")
    walk = {node["key"]: node for node in WALK}
    journey(*WALK[:3], walk["tell"] | {"channel": "sms"})
    member_ids = crowd.lapsing(NIGHT, moment=house_clock.now())
    dice, hit, part = random.Random(200), Counter[str](), NIGHT // KILLS
    for number in range(KILLS):
        coming = member_ids[number * part : (number + 1) * part]
        entering.put_in(journey_key="care", member_ids=coming, occurrence="x", by_program=True)
        begun = Step.objects.count()
        pair = _working([_walks, _sends])
        time.sleep(dice.uniform(0.2, 4))
        for process in pair:
            process.kill()
            process.join()
        hit["while walking"] += Enrolment.objects.filter(ended_at=None).exists()
        hit["while sending"] += Touch.objects.filter(state="sending").exists()
        hit["had got on"] += Step.objects.count() > begun
        time_passes()
    sys.stdout.write(f"\n{KILLS} kills of a pair: {dict(hit)}\n")
    assert min(hit.values()) > KILLS // 10, hit
    platform.faults()
    begun_at = time.monotonic()
    while Enrolment.objects.filter(ended_at=None).exists() or Touch.objects.exclude(state="sent").exists():
        assert time.monotonic() < begun_at + 600
        assert stepping.tick(house_clock.now() + timedelta(minutes=1)).failed == []
        dispatch.drain()
        time_passes()
    stats = platform.stats()
    lost, twice = NIGHT - stats["deliveries"], stats["delivered_twice"]
    sys.stdout.write(f"{lost} lost, {len(twice)} delivered twice, at rest after {time.monotonic() - begun_at:.0f} s\n")
    assert (lost, twice) == (0, {})
    assert_everybody_walked_once(member_ids)


def test_two_clocks_that_disagree_take_each_step_once(walkers: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """T-M4 in small: ticks side by side, minutes apart, in chunks that interleave."""
    monkeypatch.setattr(stepping, "CHUNK", 150)
    failed: list[str] = []

    def ticking(skew: int) -> None:
        try:
            for _ in range(3):
                failed.extend(stepping.tick(house_clock.now() + timedelta(minutes=skew)).failed)
        finally:
            connection.close()

    threads = [threading.Thread(target=ticking, args=(skew,)) for skew in (0, 5, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert stepping.tick(house_clock.now() + timedelta(minutes=11)).failed == []
    assert_everybody_walked_once(walkers)
