"""T-M8 for journeys: entering, ticks, edits, pauses, moves and senders of one second, at night too; and the kill switch."""

import contextlib
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import Count

from apps.care import dispatch
from apps.care.journeys import acts, editing, entering, stepping
from apps.care.journeys.errors import NotRunning, Stopped
from apps.care.models import Enrolment, Journey, Policy, Step, Touch
from apps.core import clock as house_clock
from apps.core.errors import NotFound
from apps.gateways.messages import Outcome, Outgoing
from apps.gateways.simulator.client import Client
from tests.care import crowd
from tests.care.conftest import CHINA, NOON, Shop
from tests.care.test_races import assert_within_caps, at_once, deliveries
from tests.care.test_withdrawal_at_work import drained, until_sent
from tests.care.walks import END, journey, rest, sms

pytestmark = pytest.mark.django_db(transaction=True)
Work = Callable[[], object]
START = datetime(2026, 3, 9, tzinfo=CHINA)  # a Monday
HOURS = (12, 21, 23)
WALK = (sms("one", "rest"), rest("rest", "two", days=1), sms("two", "end"))
EDITED = (sms("one", "rest"), rest("rest", "new", days=1), sms("new", "two"), sms("two", "end"))
FORMS = [(20, 2, 8), pytest.param(400, 9, 64, marks=pytest.mark.nightly)]


class Crowd:
    """What people and programs do to five journeys; a refusal that the house words is an answer, everything else a fault."""

    def __init__(self, members: list[int]) -> None:
        self.members, self.dice, self.failed = members, random.Random(8), list[str]()
        self.ids = [journey(*WALK, key=f"j{n}", priority=n, late_days=3).pk for n in range(5)]

    def works(self, moment: datetime, *, last: bool) -> list[Work]:
        done: list[Work] = [lambda m=moment: self.tick(m) for _ in range(4)]
        done += [partial(self.enter, n, self.part(), moment) for n in range(5)]
        done += [lambda: dispatch.drain_channel("sms", deadline=1e12)] * 3
        some = self.dice.sample(self.ids, 3)
        done += [lambda: self.edit(some[0]), lambda: self.pauses(some[1]), lambda: self.told(editing.move, some[2])]
        done += [lambda: self.take_out()]
        if last:
            done += [lambda: self.told(editing.stop, self.ids[4])]
        self.dice.shuffle(done)
        return done

    def part(self) -> list[int]:
        return self.dice.sample(self.members, len(self.members) // 2)

    def tick(self, moment: datetime) -> None:
        self.failed.extend(stepping.tick(moment).failed)

    def enter(self, number: int, members: list[int], moment: datetime) -> None:
        with contextlib.suppress(NotRunning):  # paused, or stopped, at this very moment
            stamp = {"occurrence": "x", "moment": moment, "by_program": True}
            entering.put_in(journey_key=f"j{number}", member_ids=members, **stamp)

    def told(self, act: Callable[..., object], journey_id: int) -> None:
        with contextlib.suppress(Stopped):
            act(journey_id=journey_id)

    def pauses(self, journey_id: int) -> None:
        self.told(editing.pause, journey_id)
        self.told(editing.resume, journey_id)

    def edit(self, journey_id: int) -> None:
        nodes = EDITED if self.dice.random() < 0.5 else WALK
        draft = {"entry": {"kind": "call"}, "late_days": 3, "nodes": [*nodes, END]}
        editing.save_draft(journey_id=journey_id, draft=draft)
        self.told(editing.publish, journey_id)

    def take_out(self) -> None:
        walks = list(Enrolment.objects.filter(ended_at=None).values_list("pk", flat=True)[:50])
        if walks:
            with contextlib.suppress(NotFound):
                editing.take_out(enrolment_id=self.dice.choice(walks))


@pytest.mark.parametrize(("people", "days", "writers"), FORMS)
def test_five_journeys_and_many_writers_keep_caps_nights_and_every_step_once(
    shop: Shop, platform: Client, people: int, days: int, writers: int
) -> None:
    platform.limits(marketing_from_hour=0, marketing_until_hour=24)  # so that only our own gate keeps the night quiet
    shop.limits(day_cap=1, week_cap=3)
    race = Crowd(crowd.lapsing(people, moment=START))
    for day in range(days):
        for hour in HOURS:
            moment = START + timedelta(days=day, hours=hour, minutes=59 if hour == 21 else 1)
            works = race.works(moment, last=(day, hour) == (days - 1, HOURS[-1]))
            at_once(works, moment=moment, threads=writers)
    over = START + timedelta(days=days, hours=12)
    for journey_id in race.ids:
        race.told(editing.resume, journey_id)
    with house_clock.frozen(over):
        race.tick(over)
        dispatch.drain()

    zeros = counted(race, over)
    sys.stdout.write(f"\n{people} members, {writers} writers: {zeros}\n")
    assert set(zeros.values()) == {0}, zeros
    sent = deliveries(platform)
    assert_within_caps(sent, day_cap=1, week_cap=3)
    assert len(sent) >= people * min(days, 3) // 2  # they did get something
    assert platform.stats()["delivered_twice"] == {}
    assert Touch.objects.filter(reason="cap").exists()


def counted(race: Crowd, over: datetime) -> dict[str, int]:
    """What must be zero when everybody has had their turn."""
    stopped = Journey.objects.get(pk=race.ids[4])
    assert stopped.status == "stopped"
    of_stopped = Enrolment.objects.filter(journey=stopped, ended_at=None)
    live = Enrolment.objects.filter(journey__status="live", ended_at=None)
    each = Enrolment.objects.values("journey", "member", "occurrence").annotate(rows=Count("pk"))
    decided = Touch.objects.filter(policy__journey__isnull=False)
    told = Step.objects.exclude(touch_id=None).values_list("touch_id", flat=True)
    noted = Counter(Step.objects.filter(node__in=["one", "two", "new"]).values_list("touch_id", flat=True))
    return {
        "ticks that failed": len(race.failed),
        "steps that nobody came to": live.filter(due_at__lte=over).count(),
        "walks of the stopped one": of_stopped.count(),
        "messages of the stopped one that wait": decided.filter(policy__journey=stopped, settled_at=None).count(),
        "entered twice": sum(row["rows"] > 1 for row in each),
        "messages without a step": decided.exclude(pk__in=told).count(),
        "steps of one message": sum(rows > 1 for rows in noted.values()),
        "sends without a message": noted[None],
    }


@pytest.fixture
def under_way(shop: Shop, platform: Client) -> Callable[[int], tuple[int, threading.Thread]]:
    """So many messages of a journey that are being sent: the journey, and the thread that sends."""

    def begin(size: int) -> tuple[int, threading.Thread]:
        now = house_clock.now()
        platform.limits(marketing_from_hour=0, marketing_until_hour=24)
        shop.limits(quiet=None)
        made = journey(sms("one", "end", send_hour=0))
        people = crowd.lapsing(size, moment=now)
        entering.put_in(journey_key="care", member_ids=people, occurrence="x", moment=now)
        stepping.tick(now, seconds=600)
        sending = threading.Thread(target=drained)
        sending.start()
        return made.pk, sending

    return begin


@pytest.mark.parametrize("act", [editing.stop, editing.pause])
def test_what_is_claimed_and_not_yet_in_a_request_stops_with_the_journey(
    under_way: Callable, monkeypatch: pytest.MonkeyPatch, act: Callable
) -> None:
    monkeypatch.setattr(dispatch, "CHUNK", 10)
    accepted: list[str] = []

    opened, asked, posters = threading.Event(), threading.Semaphore(0), set[int]()
    seen, look = threading.Event(), dispatch._Switch.look

    def send_batch(messages: Sequence[Outgoing]) -> list[Outcome]:
        """The first request of each thread that posts passes, its next one waits: whichever of them is quicker, four are made."""
        asked.release()
        if threading.get_ident() in posters:
            assert opened.wait(timeout=120), "nobody stopped the journey"
        posters.add(threading.get_ident())
        accepted.extend(message.key for message in messages)
        return [Outcome(message.key, "accepted", code="OK") for message in messages]

    monkeypatch.setattr(dispatch.sms, "send_batch", send_batch)

    def looks(switch: dispatch._Switch) -> None:
        look(switch)
        if switch.off:
            seen.set()

    monkeypatch.setattr(dispatch._Switch, "look", looks)
    journey_id, sending = under_way(200)
    for _ in range(4):  # two requests have passed, two wait at the provider
        assert asked.acquire(timeout=60)
    act(journey_id=journey_id)
    assert seen.wait(timeout=20)
    opened.set()
    sending.join()
    states = dict(Touch.objects.values_list("state").annotate(rows=Count("pk")).order_by())
    assert states == {"sent": 40, "skipped": 160}  # two requests of ten were under way; two more chunks were claimed
    assert len(accepted) == len(set(accepted)) == 40


def test_a_stop_is_heard_by_senders_before_the_walks_are_ended(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    made, seen = journey(sms("one", "end")), list[tuple[bool, str]]()

    def end_all(_journey_id: int) -> int:
        seen.append((connection.in_atomic_block, Policy.objects.get().status))
        return 0

    monkeypatch.setattr(editing, "_end_all", end_all)
    editing.stop(journey_id=made.pk)
    assert seen == [(False, "paused")]


def test_who_pauses_waits_for_the_chunk_that_is_under_way(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    made = journey(sms("one", "end", send_hour=0))
    member = shop.lapsing_member()
    entering.put_in(journey_key="care", member_ids=[member.pk], occurrence="x", moment=NOON)
    waited: list[str] = []

    def impatient() -> None:
        with connection.cursor() as cursor:
            cursor.execute("set lock_timeout = '50ms'")
        try:
            editing.pause(journey_id=made.pk)
        except OperationalError as refused:
            waited.append(type(refused.__cause__).__name__)
        finally:
            connection.close()

    def send(*given: Any) -> None:
        other = threading.Thread(target=impatient)
        other.start()
        other.join()
        acts.send(*given)

    monkeypatch.setitem(acts.ACTS, "send", send)
    with house_clock.frozen(NOON):
        stepping.tick(NOON)
    assert waited == ["LockNotAvailable"]
    assert Touch.objects.get().state == "planned"


@pytest.mark.nightly
def test_the_kill_switch_stops_99_of_100_unsent_messages_within_ten_seconds(
    platform: Client, under_way: Callable
) -> None:
    """A hundred thousand at the pace of a provider that takes a tenth of a second for a hundred."""
    size = 100_000
    platform.faults(delay_ms=[80, 120])
    journey_id, sending = under_way(size)
    until_sent(1_000)
    pressed, begun = datetime.now(UTC), time.monotonic()
    editing.stop(journey_id=journey_id)
    took = time.monotonic() - begun
    sending.join()
    late = [(datetime.fromisoformat(m["at"]) - pressed).total_seconds() for m in deliveries(platform)]
    late = sorted(seconds for seconds in late if seconds > 0)
    unsent = size - platform.stats()["deliveries"] + len(late)
    sys.stdout.write(
        f"\n{unsent} of {size} not sent when it was pressed: {len(late)} went out later, the last {late[-1:]} s after;"
        f" the stop took {took:.2f} s\n"
    )
    assert took < 10
    assert late[-1] < 10
    assert len(late) <= 0.01 * unsent
    assert set(Touch.objects.values_list("state", flat=True)) == {"sent", "skipped"}
    assert not Enrolment.objects.filter(ended_at=None).exists()
