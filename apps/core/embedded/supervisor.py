"""Keeps the processes running: starts them in order, restarts with backoff, stops them in reverse."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from apps.core.embedded import processes
from apps.core.embedded.say import Refusal, Voice

TICK = 0.1
READY_LIMIT = 60.0  # seconds after which the next process starts although this one is not ready
SERVER_CHECK_SECONDS = 1.0
SERVER_RETRY_SECONDS = 15.0
LOG_BYTES = 10 * 1024 * 1024
LOG_CHECK_SECONDS = 30
YOUNG = 5.0  # seconds in which a server may lose the signal to stop, because it is still importing; it has served nobody yet
YOUNG_STOPS_WITHIN = 2.0


@dataclass
class Backoff:
    """Seconds to wait before the next start: doubling while it dies young, short again after a calm life."""

    first: float = 0.5
    most: float = 30.0
    calm: float = 60.0
    _next: float = 0.0

    def after(self, lived: float) -> float:
        if lived >= self.calm or not self._next:
            self._next = self.first
        wait, self._next = self._next, min(self._next * 2, self.most)
        return wait


@dataclass
class Child:
    """One supervised process, the leader of its own group."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    folder: Path
    ready: Callable[[], bool] = lambda: True
    once_ready: Callable[[], None] = lambda: None  # called at its first readiness, before the next one starts
    stop_seconds: float = 10.0
    files: tuple[int, ...] = ()
    stale: Path | None = None  # a socket that a killed predecessor left in the way
    backoff: Backoff = field(default_factory=Backoff)
    is_ready: bool = False
    process: subprocess.Popen[bytes] | None = None
    begun: float = 0.0
    due: float = 0.0

    def start(self) -> None:
        if self.stale is not None:
            self.stale.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, pass_fds=self.files, preexec_fn=processes.dies_with_parent(),
            )  # fmt: skip
        self.begun = time.monotonic()

    def has_died(self) -> bool:
        """True once per death. What it started and left behind is ended, too."""
        if self.process is None or self.process.poll() is None:
            return False
        processes.signal_group(self.process.pid, signal.SIGKILL)
        self.process = None
        return True

    def stop(self) -> None:
        if self.process is None:
            return
        is_young = time.monotonic() - self.begun < YOUNG
        self.process.terminate()
        try:
            self.process.wait(timeout=min(self.stop_seconds, YOUNG_STOPS_WITHIN) if is_young else self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        processes.signal_group(self.process.pid, signal.SIGKILL)
        self.process = None


class Supervisor:
    """Runs its children until `asked_to_stop`; `revive` restarts the servers they stand on."""

    def __init__(self, *, children: list[Child], revive: Callable[[], list[str]], voice: Voice) -> None:
        self.children = children
        self.voice = voice
        self.asked_to_stop = False
        self._revive = revive
        self._next_log_check = 0.0
        self._next_server_check = 0.0

    def begin(self, *names: str) -> None:
        """Start these ahead of `run`, which waits for them as for the others. Then somebody must call `stop` whatever happens."""
        for child in self.children:
            if child.name in names:
                child.start()

    def run(self) -> None:
        """Until asked to stop; then everything is stopped in reverse order."""
        try:
            while not self.asked_to_stop:
                self._tick()
                time.sleep(TICK)
            self.voice.line("Stopping ...")
        finally:
            self.stop()

    def stop(self) -> None:
        for child in reversed(self.children):
            child.stop()

    def ask_to_stop(self, *_: object) -> None:
        """A signal handler. A second Ctrl-C does not wait for anybody."""
        if self.asked_to_stop:
            for child in self.children:
                child.stop_seconds = 0.0
        self.asked_to_stop = True

    def _tick(self) -> None:
        moment = time.monotonic()
        if moment >= self._next_server_check:
            self._next_server_check = moment + self._check_servers()
        for child in self.children:
            if child.has_died():
                child.due = moment + child.backoff.after(moment - child.begun)
                self.voice.line(
                    f"{child.name} stopped; it starts again in {child.due - moment:.1f} s (see {child.log})"
                )
        self._start_due(moment)
        if moment >= self._next_log_check:
            self._next_log_check = moment + LOG_CHECK_SECONDS
            rotate_logs([child.log for child in self.children])

    def _check_servers(self) -> float:
        """Seconds until the next look. A server that cannot start (a full disk) is tried again, not given up."""
        try:
            for name in self._revive():
                self.voice.line(f"{name} had stopped and was started again")
        except Refusal as refusal:
            self.voice.line(str(refusal))
            return SERVER_RETRY_SECONDS
        return SERVER_CHECK_SECONDS

    def _start_due(self, moment: float) -> None:
        """One after another at first: the next waits until the one before is ready, so that the page comes soon."""
        for child in self.children:
            if child.process is None and moment >= child.due:
                child.start()
            if not child.is_ready:
                late = bool(child.begun) and moment - child.begun > READY_LIMIT
                child.is_ready = late or (child.process is not None and child.ready())
                if not child.is_ready:
                    return
                child.once_ready()


def rotate_logs(logs: list[Path], *, most: int = LOG_BYTES) -> None:
    """Copy a big log to `.1` and empty it in place: its writer appends and keeps its file open."""
    for log in logs:
        if log.exists() and log.stat().st_size > most:
            shutil.copyfile(log, log.with_name(log.name + ".1"))
            os.truncate(log, 0)
