"""Delivery of facts: each step once, in order per lane, retried, parked, never lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from threading import Event as Flag

import pytest
from django.db import connection, transaction

from apps.events import services as events
from apps.events.models import Event, StepRun
from apps.flows import services
from apps.flows.subscriptions import STEPS
from tests.waiting import somebody_waits, until

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


class Story:
    """Steps that note what they did; those named in `broken` raise."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int]] = []
        self.broken: set[int] = set()

    def reward(self, event: Event) -> None:
        self._note("reward", event)

    def engage(self, event: Event) -> None:
        self._note("engage", event)

    def _note(self, step: str, event: Event) -> None:
        number = event.payload["number"]
        if step == "engage" and number in self.broken:
            raise ZeroDivisionError
        self.done.append((step, number))


@pytest.fixture
def story(monkeypatch) -> Story:
    story = Story()
    monkeypatch.setitem(STEPS, "test.done", (story.reward, story.engage))
    return story


def publish(number: int, *, lane: str = "") -> int:
    with transaction.atomic():
        return events.publish("test.done", key=str(number), lane=lane, number=number).pk


def later(event_id: int) -> datetime:
    return Event.objects.get(pk=event_id).next_try_at


@pytest.mark.django_db
class TestOneFact:
    def test_its_steps_run_once_in_order(self, story):
        event_id = publish(1)

        assert services.deliver(event_id=event_id) is True
        assert services.deliver(event_id=event_id) is True

        assert story.done == [("reward", 1), ("engage", 1)]
        assert sorted(StepRun.objects.values_list("step", flat=True)) == [
            "test_services.engage", "test_services.reward",
        ]  # fmt: skip

    def test_a_fact_that_nobody_follows_is_finished(self, db):
        with transaction.atomic():
            event = events.publish("test.unheard", key="1")

        assert services.deliver(event_id=event.pk) is True
        assert Event.objects.get().finished_at is not None

    def test_a_failing_step_is_retried_alone_and_later(self, story, clock):
        clock(NOON)
        story.broken = {1}
        event_id = publish(1)

        assert services.deliver(event_id=event_id) is False
        assert services.deliver(event_id=event_id) is False
        event = Event.objects.get()
        assert (event.attempts, event.error) == (1, "test_services.engage: ZeroDivisionError")
        assert NOON + timedelta(seconds=1) <= event.next_try_at <= NOON + timedelta(seconds=2)

        story.broken = set()
        clock(NOON + timedelta(seconds=2))
        assert services.deliver(event_id=event_id) is True
        assert story.done == [("reward", 1), ("engage", 1)]

    def test_pauses_grow_and_the_eighth_failure_parks(self, story, clock):
        moment, pauses = clock(NOON), []
        story.broken = {1}
        event_id = publish(1)
        for _ in range(8):
            services.deliver(event_id=event_id)
            pauses.append((later(event_id) - moment).total_seconds())
            moment = clock(later(event_id))

        event = Event.objects.get()
        assert (event.attempts, event.parked_at is None) == (8, False)
        assert all(2**n / 2 <= pause <= 2**n for n, pause in enumerate(pauses, start=1))
        assert services.deliver(event_id=event_id) is True
        assert services.sweep() == 0

    def test_a_fact_whose_workers_die_is_parked_after_three(self, story, clock, monkeypatch):
        """T-M11: no `Exception` comes back from a process that is gone."""
        moment = clock(NOON)
        dying, other = publish(1), publish(2)

        def die(event: Event) -> None:
            if event.pk == dying:
                raise SystemExit

        monkeypatch.setitem(STEPS, "test.done", (story.reward, die))
        for _ in range(3):
            with pytest.raises(SystemExit):
                services.deliver(event_id=dying)
            moment = clock(moment + services.LEASE)
        assert services.deliver(event_id=other) is True
        assert services.deliver(event_id=dying) is True
        event = Event.objects.get(pk=dying)
        assert (event.attempts, event.deaths, event.parked_at) == (3, 2, moment)
        assert event.error == "the worker died in the middle of a step"

        monkeypatch.setitem(STEPS, "test.done", (story.reward,))
        assert events.retry(event_id=dying) is True
        assert services.deliver(event_id=dying) is True
        assert Event.objects.get(pk=dying).finished_at == moment

    def test_starts_that_end_in_errors_or_in_waiting_are_no_deaths(self, story, clock):
        clock(NOON)
        story.broken = {1}
        event_id = publish(1)
        for _ in range(4):
            services.deliver(event_id=event_id)
            clock(later(event_id))
        event = Event.objects.get()
        assert (event.attempts, event.deaths, event.is_in_hand, event.parked_at) == (4, 0, False, None)

    def test_a_parked_fact_is_taken_up_again_by_hand(self, story, clock):
        clock(NOON)
        event_id = publish(1)
        Event.objects.update(parked_at=NOON, attempts=8, error="x: Y")

        assert events.retry(event_id=event_id) is True
        assert events.retry(event_id=event_id) is False
        assert services.deliver(event_id=event_id) is True
        assert story.done == [("reward", 1), ("engage", 1)]

    def test_a_step_that_kills_its_worker_eight_times_is_parked_not_started_again(self, story, clock):
        """A killed worker leaves the counted start and the lease, nothing else."""
        clock(NOON)
        event_id = publish(1)
        Event.objects.update(attempts=8, next_try_at=NOON)

        services.sweep()

        event = Event.objects.get(pk=event_id)
        assert (event.parked_at, event.error) == (NOON, "the worker died in the middle of a step")
        assert story.done == []

    def test_a_fact_in_a_worker_s_hands_is_left_alone_until_the_lease_ends(self, story, clock):
        clock(NOON)
        event_id = publish(1)
        assert services._claim(event_id) is not None

        assert services.sweep() == 0
        clock(NOON + services.LEASE)
        assert services.sweep() == 1
        assert story.done == [("reward", 1), ("engage", 1)]


@pytest.mark.django_db
class TestLanes:
    def test_a_later_fact_waits_for_the_failing_one_before_it_step_by_step(self, story, clock):
        clock(NOON)
        story.broken = {1}
        first, second = publish(1, lane="member:1"), publish(2, lane="member:1")

        services.deliver(event_id=first)
        services.deliver(event_id=second)

        assert story.done == [("reward", 1), ("reward", 2)]
        waiting = Event.objects.get(pk=second)
        assert (waiting.attempts, waiting.error, waiting.next_try_at) == (0, "", later(first))

        story.broken = set()
        clock(later(first))
        services.deliver(event_id=first)
        assert story.done[2:] == [("engage", 1), ("engage", 2)]

    def test_delivered_backwards_they_still_run_forwards(self, story):
        event_ids = [publish(number, lane="member:1") for number in range(5)]

        for event_id in reversed(event_ids):
            services.deliver(event_id=event_id)

        assert [number for step, number in story.done if step == "reward"] == [0, 1, 2, 3, 4]
        assert [number for step, number in story.done if step == "engage"] == [0, 1, 2, 3, 4]
        assert Event.objects.filter(finished_at=None).exists() is False

    def test_a_parked_fact_holds_nobody_up(self, story, clock):
        clock(NOON)
        first, second = publish(1, lane="member:1"), publish(2, lane="member:1")
        Event.objects.filter(pk=first).update(parked_at=NOON)

        assert services.deliver(event_id=second) is True

    def test_parking_lets_the_next_one_go_at_once(self, story, clock):
        clock(NOON)
        story.broken = {1}
        first, second = publish(1, lane="member:1"), publish(2, lane="member:1")
        Event.objects.filter(pk=first).update(attempts=7)

        services.deliver(event_id=first)

        assert Event.objects.get(pk=second).finished_at == NOON

    def test_other_lanes_go_on(self, story, clock):
        clock(NOON)
        story.broken = {1}
        first, other = publish(1, lane="member:1"), publish(2, lane="member:2")

        services.deliver(event_id=first)

        assert services.deliver(event_id=other) is True


@pytest.mark.django_db
class TestSweep:
    def test_it_finds_lost_wake_ups_oldest_first(self, story, clock):
        for number in range(3):
            clock(NOON + timedelta(seconds=number))
            publish(number)

        assert services.sweep() == 3
        assert [number for step, number in story.done if step == "reward"] == [0, 1, 2]

    def test_one_poisoned_fact_does_not_stop_the_others(self, story, clock):
        clock(NOON)
        story.broken = {0}
        for number in range(3):
            publish(number)

        services.sweep()

        assert Event.objects.filter(finished_at=NOON).count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_the_same_fact_run_its_step_once(story):
    for number in range(20):
        event_id, gate = publish(number), Barrier(2)

        def work(event_id: int = event_id, gate: Barrier = gate) -> None:
            gate.wait()
            services.deliver(event_id=event_id)
            connection.close()

        with ThreadPoolExecutor(2) as pool:
            for outcome in [pool.submit(work), pool.submit(work)]:
                outcome.result()

    assert sorted(story.done) == sorted((step, n) for n in range(20) for step in ("reward", "engage"))
    assert set(Event.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_even_a_lease_that_ran_out_lets_a_step_run_once(story):
    """Worker one is in the middle of the step when worker two takes the fact: two waits for the row and finds the step done."""
    event_id, entered, is_inside = publish(1), [], Flag()

    def slow(event: Event) -> None:
        entered.append(event.pk)
        is_inside.set()
        until(lambda: len(entered) == 2 or somebody_waits())

    STEPS["test.done"] = (slow,)

    def first() -> None:
        services.deliver(event_id=event_id)
        connection.close()

    def second() -> None:
        is_inside.wait()
        services._run(slow, event_id)
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        for outcome in [pool.submit(first), pool.submit(second)]:
            outcome.result()

    assert entered == [event_id]
