"""Many at once, for races and benches: seats in threads, and the threads in one process or several.

One Python process runs one thread at a time, so a crowd in a single process measures that lock as much as the database.
"""

import multiprocessing
import os
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from django.db import connection, connections

T = TypeVar("T")
PATIENCE = 120  # seconds that a gate waits for the last seat


class Gate:
    """Opens when every seat waits at it, again and again."""

    def __init__(self, seats: int, processes: int) -> None:
        fork = multiprocessing.get_context("fork")
        self._at = fork.Value("d", 0.0, lock=False)
        kind: Any = fork if processes > 1 else threading
        self._barrier = kind.Barrier(seats, action=self._open, timeout=PATIENCE)

    def wait(self) -> float:
        """The moment (`time.monotonic`, the same in all processes) at which the last seat came: waking up late counts."""
        self._barrier.wait()
        return float(self._at.value)

    def abort(self) -> None:
        self._barrier.abort()

    def _open(self) -> None:
        self._at.value = time.monotonic()


def run(work: Callable[[int, Gate], T], *, seats: int, processes: int = 1) -> list[T]:
    """What `work` answers in each seat, by seat; each has a thread and a connection of its own, which is open before it begins.

    With several processes these are forked, connections of this thread are closed before, and answers come back pickled. An error of
    a seat aborts the gate and is raised here, from another process as a RuntimeError.
    """
    gate = Gate(seats, processes)
    if processes == 1:
        return list(_threads(work, gate, range(seats)).values())
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    lines, crowd = [], []
    for first in range(processes):
        ours, theirs = fork.Pipe(duplex=False)
        crowd.append(fork.Process(target=_child, args=(theirs, work, gate, range(first, seats, processes))))
        crowd[-1].start()
        theirs.close()
        lines.append(ours)
    found: dict[int, T] = {}
    wrong: list[str] = []
    for line in lines:
        said = "a process of the crowd ended without an answer"
        with suppress(EOFError):
            said = line.recv()
        if isinstance(said, dict):
            found.update(said)
        else:
            wrong.append(said)
    for process in crowd:
        process.join()
    if wrong:
        raise RuntimeError("\n".join(wrong))
    return [found[seat] for seat in range(seats)]


def _threads(work: Callable[[int, Gate], T], gate: Gate, seats: range) -> dict[int, T]:
    def sit(seat: int) -> T:
        try:
            connection.ensure_connection()
            return work(seat, gate)
        except BaseException:
            gate.abort()
            raise
        finally:
            connection.close()

    with ThreadPoolExecutor(len(seats)) as pool:
        return dict(zip(seats, pool.map(sit, seats), strict=True))


def _child(line: Any, work: Callable[[int, Gate], Any], gate: Gate, seats: range) -> None:
    try:
        said: Any = _threads(work, gate, seats)
    except BaseException:
        said = traceback.format_exc()
    line.send(said)
    line.close()
    os._exit(0)  # nothing of the parent is cleaned up twice
