"""The worker and the clock that tests borrow are the real ones."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import transaction

from apps.core import clock as house_clock
from apps.events import services as events
from apps.events.models import Event
from tests.processes import LiveWorker

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def publish(key: str) -> int:
    with transaction.atomic():
        return events.publish("test.said", key=key).pk


def finished(event_id: int) -> bool:
    return Event.objects.filter(pk=event_id, finished_at__isnull=False).exists()


def test_the_clock_stands_until_it_is_moved_on(clock):
    clock(NEW_YEAR)
    assert house_clock.now() == NEW_YEAR

    clock(NEW_YEAR + timedelta(days=1))
    assert house_clock.now() == NEW_YEAR + timedelta(days=1)


@pytest.mark.parametrize("turn", [1, 2])
def test_a_cache_entry_does_not_outlive_its_test(turn):
    assert cache.get("left") is None
    cache.set("left", turn)


@pytest.mark.django_db
def test_run_flows_finishes_every_open_fact(run_flows):
    event_ids = [publish("a"), publish("b")]

    run_flows()

    assert [finished(event_id) for event_id in event_ids] == [True, True]


def test_a_live_worker_takes_facts_and_after_kill_9_another_goes_on(live_worker: LiveWorker):
    live_worker.start()
    first = publish("first")
    live_worker.wait_for(lambda: finished(first))

    live_worker.kill()
    second = publish("second")
    assert not finished(second)

    live_worker.start()
    live_worker.wait_for(lambda: finished(second))
