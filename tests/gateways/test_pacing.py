import random

import pytest

from apps.gateways.pacing import BACKOFF_CAP, Breaker, backoff


class Watch:
    """Seconds that move when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def opened(watch: Watch) -> Breaker:
    breaker = Breaker(seconds=watch)
    for _ in range(3):
        assert breaker.wait() == 0
        breaker.failed()
    return breaker


def test_three_failures_in_a_row_open_the_circuit() -> None:
    watch = Watch()
    breaker = Breaker(seconds=watch)
    breaker.failed()
    breaker.failed()
    assert breaker.wait() == 0

    breaker.failed()

    assert breaker.wait() == 10


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker(seconds=Watch())
    for _ in range(5):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    breaker.failed()

    assert breaker.wait() == 0


@pytest.mark.parametrize(("gap", "wait"), [(15.0, 10.0), (15.1, 0.0)])
def test_failures_count_within_thirty_seconds(gap: float, wait: float) -> None:
    watch = Watch()
    breaker = Breaker(seconds=watch)
    for n in range(3):
        watch.now = n * gap
        breaker.failed()

    assert breaker.wait() == wait


def test_one_probe_goes_through_and_its_success_closes_the_circuit() -> None:
    watch = Watch()
    breaker = opened(watch)
    watch.now = 9.9
    assert breaker.wait() == pytest.approx(0.1)

    watch.now = 10
    assert (breaker.wait(), breaker.wait(), breaker.wait()) == (0, 10, 10)
    breaker.succeeded()

    assert (breaker.wait(), breaker.wait()) == (0, 0)


def test_a_failed_probe_opens_it_again_and_a_lost_probe_only_delays() -> None:
    watch = Watch()
    breaker = opened(watch)
    watch.now = 10
    assert breaker.wait() == 0
    watch.now = 12
    breaker.failed()
    assert breaker.wait() == 10

    watch.now = 22
    assert breaker.wait() == 0  # this probe never reports
    watch.now = 32
    assert breaker.wait() == 0


@pytest.mark.parametrize(("attempt", "ceiling"), [(1, 2), (2, 4), (5, 32), (9, 512), (10, 600), (10_000, 600), (0, 2)])
def test_backoff_doubles_with_full_jitter_up_to_ten_minutes(attempt: int, ceiling: float) -> None:
    jitter = random.Random(3)
    waits = [backoff(attempt, jitter=jitter) for _ in range(2000)]

    assert 0 <= min(waits) < ceiling * 0.01
    assert ceiling * 0.99 < max(waits) <= ceiling <= BACKOFF_CAP
