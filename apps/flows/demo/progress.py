"""What the person at the keyboard sees while the demo is loaded: a line per step, with counts and time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Say = Callable[[str], None]
EVERY = 3.0  # seconds between two lines of one long step


class Steps:
    """Counts of a long step, said at most every three seconds."""

    def __init__(self, name: str, *, total: int, say: Say) -> None:
        self.name, self.total, self.say = name, total, say
        self._last = time.monotonic()

    def at(self, done: int, detail: str = "") -> None:
        if time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            self.say(f"{self.name} {done:,} of {self.total:,}" + (f", {detail}" if detail else ""))


@contextmanager
def step(name: str, *, say: Say) -> Iterator[list[str]]:
    """Say what was done and how long it took; put counts into the yielded list."""
    begun = time.monotonic()
    counts: list[str] = []
    yield counts
    say(f"  {name}: {', '.join(counts)} ({time.monotonic() - begun:.1f} s)")
