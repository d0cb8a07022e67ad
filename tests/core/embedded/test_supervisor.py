"""Restart, backoff, order, and what happens when the supervisor itself is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from apps.core.embedded import processes
from apps.core.embedded.say import Voice
from apps.core.embedded.supervisor import Backoff, Child, Supervisor, rotate_logs

ROOT = Path(__file__).resolve().parents[3]


def child(folder: Path, name: str, script: str, **more: object) -> Child:
    return Child(
        name=name,
        command=[sys.executable, "-c", script],
        environment=dict(os.environ),
        log=folder / f"{name}.log",
        folder=folder,
        **more,  # type: ignore[arg-type]
    )


def pid_of(running: Child) -> int:
    assert running.process is not None
    return running.process.pid


@contextmanager
def supervised(folder: Path, *children: Child) -> Iterator[Supervisor]:
    with (folder / "voice.log").open("w") as stream:
        supervisor = Supervisor(children=list(children), revive=list, voice=Voice(stream))
        thread = threading.Thread(target=supervisor.run)
        thread.start()
        try:
            yield supervisor
        finally:
            supervisor.ask_to_stop()
            thread.join()


def wait_until(true: Callable[[], object], seconds: float = 20) -> None:
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.02)


def test_waits_double_up_to_half_a_minute():
    backoff = Backoff()

    assert [backoff.after(lived=1) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_calm_minute_makes_the_next_wait_short_again():
    backoff = Backoff()
    for _ in range(5):
        backoff.after(lived=1)

    assert backoff.after(lived=60) == 0.5
    assert backoff.after(lived=59.9) == 1


def test_what_began_ahead_is_not_started_twice_and_waited_for(tmp_path):
    script = f"open({str(tmp_path / 'lives')!r}, 'a').write('x'); import time; time.sleep(600)"
    early = child(tmp_path, "web", script, ready=lambda: (tmp_path / "go").exists())
    late = child(tmp_path, "worker", "import time; time.sleep(600)")
    supervisor = Supervisor(children=[early, late], revive=list, voice=Voice(sys.stderr, quiet=True))
    supervisor.begin("web")
    begun = pid_of(early)
    try:
        wait_until(lambda: (tmp_path / "lives").exists())
        supervisor._tick()
        assert (pid_of(early), late.process) == (begun, None)

        (tmp_path / "go").touch()
        supervisor._tick()
        assert pid_of(early) == begun
        assert late.process is not None
    finally:
        supervisor.stop()
    assert not processes.alive(begun)


def test_a_killed_child_is_started_again_and_what_it_had_started_is_gone(tmp_path):
    script = f"""
import subprocess, time
inner = subprocess.Popen(["sleep", "600"])
open({str(tmp_path / "inner")!r}, "a").write(f"{{inner.pid}}\\n")
time.sleep(600)
"""
    watched = child(tmp_path, "worker", script, backoff=Backoff(first=0.05))
    with supervised(tmp_path, watched):
        wait_until(lambda: (tmp_path / "inner").exists() and (tmp_path / "inner").read_text().endswith("\n"))
        first, inner = pid_of(watched), int((tmp_path / "inner").read_text())

        os.kill(first, signal.SIGKILL)

        wait_until(lambda: len((tmp_path / "inner").read_text().splitlines()) == 2)
        assert pid_of(watched) != first
        assert processes.wait_gone(inner, seconds=5)

    second_inner = int((tmp_path / "inner").read_text().splitlines()[1])
    assert processes.wait_gone(second_inner, seconds=5)
    assert "worker stopped; it starts again in 0." in (tmp_path / "voice.log").read_text()


def test_children_start_when_the_one_before_is_ready_and_stop_in_reverse_order(tmp_path):
    order = tmp_path / "order"
    script = """
import signal, sys, time
name, order = {name!r}, {order!r}
def note(word):
    with open(order, "a") as file:
        file.write(f"{{name}} {{word}}\\n")
def leave(*_):
    note("stopped")
    sys.exit()
signal.signal(signal.SIGTERM, leave)
time.sleep(0.3)
note("ready")
time.sleep(600)
"""

    def ready(name: str) -> Callable[[], bool]:
        return lambda: order.exists() and f"{name} ready" in order.read_text()

    pair = [
        child(tmp_path, name, script.format(name=name, order=str(order)), ready=ready(name)) for name in ("web", "beat")
    ]
    with supervised(tmp_path, *pair):
        wait_until(ready("beat"))

    assert order.read_text().splitlines() == ["web ready", "beat ready", "beat stopped", "web stopped"]


@pytest.mark.parametrize("stop_seconds", [0.2, 600])  # one so young is not waited for that long
def test_a_child_that_does_not_listen_is_killed_after_its_time(tmp_path, stop_seconds):
    script = f"""
import pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path({str(tmp_path / "deaf")!r}).touch()
time.sleep(600)
"""
    deaf = child(tmp_path, "deaf", script, stop_seconds=stop_seconds)
    with supervised(tmp_path, deaf):
        wait_until((tmp_path / "deaf").exists)
        pid = pid_of(deaf)

    assert processes.wait_gone(pid, seconds=5)


def test_children_die_with_a_killed_supervisor(tmp_path):
    script = f"""
import sys, os
from pathlib import Path
from apps.core.embedded.say import Voice
from apps.core.embedded.supervisor import Child, Supervisor
folder = Path({str(tmp_path)!r})
def tell():
    (folder / "pid").write_text(str(sleeper.process.pid) + "\\n")
sleeper = Child(
    name="sleeper", command=["sleep", "600"], environment=dict(os.environ), log=folder / "log", folder=folder, once_ready=tell
)
Supervisor(children=[sleeper], revive=list, voice=Voice(sys.stdout)).run()
"""
    supervisor = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    pid_file = tmp_path / "pid"
    wait_until(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"))
    sleeper = int(pid_file.read_text())

    supervisor.kill()
    supervisor.wait()

    assert processes.wait_gone(sleeper, seconds=5)


def test_processes_that_outlived_their_supervisor_are_recognised_by_their_mark(tmp_path):
    lost = subprocess.Popen(["sleep", "600"], env={**os.environ, processes.MARK: str(tmp_path)})
    try:
        wait_until(lambda: processes.marked(str(tmp_path)) == [lost.pid])
        assert processes.marked(str(tmp_path / "other")) == []

        processes.end(processes.marked(str(tmp_path)), seconds=5)

        assert lost.wait(timeout=5) == -signal.SIGTERM
    finally:
        lost.kill()


def test_a_recycled_pid_is_not_taken_for_the_process_of_the_card():
    assert processes.started_at(os.getpid()) != processes.started_at(os.getppid())
    assert processes.started_at(2**22 + 1) is None


def test_a_big_log_is_set_aside_and_its_writer_goes_on(tmp_path):
    log = tmp_path / "web.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 101)
        rotate_logs([log, tmp_path / "absent.log"], most=100)
        writer.write(b"next")

    assert log.read_bytes() == b"next"
    assert (tmp_path / "web.log.1").read_bytes() == b"x" * 101
