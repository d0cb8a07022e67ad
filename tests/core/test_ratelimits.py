"""Limits are exact over any number of threads; without Valkey some are counted in the database and the others stay open."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
import redis
from django.conf import settings
from django.db import connection

from apps.core import ratelimits
from apps.core.models import RateWindow
from apps.core.ratelimits import Limit, Mark

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def limit(*, quota: int = 5, name: str = "member", closed: bool = False) -> Limit:
    return Limit(name=name, subject="7", quota=quota, window=60, closed=closed)


@pytest.fixture
def no_valkey(monkeypatch: pytest.MonkeyPatch):
    """An address where nobody listens."""
    monkeypatch.setattr(settings, "REDIS_URL", "unix:///nowhere/valkey.sock?db=0")
    ratelimits.wake()
    yield
    ratelimits.wake()


def test_the_quota_goes_through_and_not_one_more():
    answers = [ratelimits.ask([limit()]) for _ in range(8)]

    assert [one.refusal is None for one in answers] == [True] * 5 + [False] * 3
    assert [one.verdicts[0].remaining for one in answers] == [4, 3, 2, 1, 0, 0, 0, 0]
    assert all(1 <= one.verdicts[0].reset <= 60 for one in answers)


def test_the_quota_is_exact_for_ten_threads():
    gate = Barrier(10)

    def send(_number: int) -> bool:
        gate.wait()
        return ratelimits.ask([limit(quota=37)]).refusal is None

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(send, range(100))) == 37


def test_a_request_that_one_limit_refuses_counts_against_none():
    tight, wide = limit(quota=1, name="tight"), limit(quota=5, name="wide")
    ratelimits.ask([wide, tight])

    refused = ratelimits.ask([wide, tight])

    assert refused.refusal is not None
    assert refused.refusal.limit.name == "tight"
    assert refused.verdicts[0].remaining == 4


def test_counters_and_marks_end_by_themselves():
    ratelimits.ask([limit()], mark="m1")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert 0 < client.pttl("limit:member:7") <= 60_000
        assert 86_000_000 < client.pttl("mark:m1") <= 86_400_000


def test_a_mark_is_fresh_once_then_busy_and_fresh_again_when_taken_back():
    assert [ratelimits.ask([], mark="m1").mark for _ in range(3)] == [Mark.FRESH, Mark.BUSY, Mark.BUSY]

    ratelimits.forget("m1")

    assert ratelimits.ask([], mark="m1").mark == Mark.FRESH


def test_a_mark_whose_minute_is_over_is_seen_but_not_busy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ratelimits, "BUSY", 0)
    ratelimits.ask([], mark="m1")

    assert ratelimits.ask([], mark="m1").mark == Mark.SEEN


def test_a_refused_request_takes_no_mark():
    ratelimits.ask([limit(quota=1)])

    assert ratelimits.ask([limit(quota=1)], mark="m1").mark == Mark.UNKNOWN
    assert ratelimits.ask([], mark="m1").mark == Mark.FRESH


@pytest.mark.django_db
def test_without_valkey_open_limits_let_through_and_closed_ones_count_in_the_database(no_valkey, clock):
    clock(NOON)
    assert ratelimits.ask([limit(quota=1)], mark="m1") == ratelimits.Asked(verdicts=())

    answers = [ratelimits.ask([limit(quota=3, closed=True)]).refusal is None for _ in range(5)]

    assert answers == [True, True, True, False, False]
    clock(NOON + timedelta(seconds=60))
    assert ratelimits.ask([limit(quota=3, closed=True)]).refusal is None
    clock(NOON + timedelta(seconds=121))
    assert ratelimits.purge() == 1


@pytest.mark.django_db(transaction=True)
def test_the_count_in_the_database_is_exact_for_ten_threads(no_valkey):
    gate = Barrier(10)

    def send(_number: int) -> bool:
        try:
            gate.wait()
            return ratelimits.ask([limit(quota=17, closed=True)]).refusal is None
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(send, range(50))) == 17
    assert RateWindow.objects.get().used == 18


@pytest.mark.django_db
def test_whoever_proves_who_they_are_is_counted_anew():
    tries = limit(closed=True)
    for _ in range(5):
        ratelimits.ask([tries])

    ratelimits.clear(tries)

    assert ratelimits.ask([tries]).verdicts[0].remaining == 4


@pytest.mark.django_db
def test_without_valkey_too(no_valkey):
    tries = limit(closed=True)
    for _ in range(6):
        ratelimits.ask([tries])

    ratelimits.clear(tries)

    assert ratelimits.ask([tries]).verdicts[0].remaining == 4


def test_subjects_are_digests():
    assert "17000001234" not in ratelimits.subject_of("17000001234")
    assert ratelimits.subject_of("a") == ratelimits.subject_of("a") != ratelimits.subject_of("b")
