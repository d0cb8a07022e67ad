"""When a provider may be called again: exponential backoff and a circuit breaker."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable

BACKOFF_FIRST = 2.0  # seconds
BACKOFF_CAP = 600.0

FAILURES_TO_OPEN = 3  # read timeouts of 10 s open the circuit within 30 s
FAILURE_WINDOW = 30.0  # seconds
OPEN_FOR = 10.0  # seconds between probes


def backoff(attempt: int, *, jitter: random.Random) -> float:
    """Seconds to wait after the given failed attempt (1 is the first): full jitter, doubling, at most ten minutes."""
    ceiling = min(BACKOFF_CAP, BACKOFF_FIRST * 2 ** min(max(attempt - 1, 0), 20))
    return jitter.uniform(0, ceiling)


class Breaker:
    """Stops calls to a provider that fails, and lets one probe through every `OPEN_FOR` seconds until one succeeds.

    One per process; a crashed probe holds nothing, because the right to probe lapses by itself.
    """

    def __init__(self, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._failures: deque[float] = deque(maxlen=FAILURES_TO_OPEN)
        self._is_open = False
        self._next_probe_at = 0.0

    @property
    def is_open(self) -> bool:
        return self._is_open

    def wait(self) -> float:
        """0.0: call now and report back. Otherwise the seconds until the next probe."""
        if not self._is_open:
            return 0.0
        with self._lock:
            now = self._seconds()
            if self._is_open and now < self._next_probe_at:
                return self._next_probe_at - now
            self._next_probe_at = now + OPEN_FOR
            return 0.0

    def succeeded(self) -> None:
        with self._lock:
            self._failures.clear()
            self._is_open = False

    def failed(self) -> None:
        with self._lock:
            now = self._seconds()
            self._failures.append(now)
            if self._is_open or (len(self._failures) == FAILURES_TO_OPEN and now - self._failures[0] <= FAILURE_WINDOW):
                self._is_open = True
                self._next_probe_at = now + OPEN_FOR
