"""`python -m tests.forked`: Celery workers out of one process that has imported the house: alone, each spends 3 s of a core on that.

A line of JSON on standard input begins a worker: its arguments, its log. The answer is its pid; it leads its own session and dies
with this process.
"""

import gc
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from apps.core.embedded import processes

MAY_DIFFER = {"SIMULATOR_URL", "PYTEST_CURRENT_TEST"}  # what a worker may be told that this process was not


class Forker:
    """The process that workers are forked from; one per test process, with the surroundings of its first worker."""

    def __init__(self, root: Path) -> None:
        self._surroundings = _compared(os.environ)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forked"], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=processes.dies_with_parent(),
        )  # fmt: skip

    def suits(self) -> bool:
        """False in other surroundings than it was started in: then a worker must start by itself."""
        return self._process.poll() is None and self._surroundings == _compared(os.environ)

    def start(self, arguments: tuple[str, ...], *, log: Path) -> "Forked":
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        wanted = {"arguments": arguments, "log": str(log), "simulator": os.environ.get("SIMULATOR_URL", "")}
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        return Forked(int(self._process.stdout.readline()))


class Forked:
    """What the tests need of `subprocess.Popen`, for a process that is another one's child."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._end = os.pidfd_open(pid)

    def poll(self) -> int | None:
        return 0 if select.select([self._end], [], [], 0)[0] else None

    def wait(self, timeout: float | None = None) -> int:
        if not select.select([self._end], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("worker", timeout or 0)
        return 0

    def terminate(self) -> None:
        signal.pidfd_send_signal(self._end, signal.SIGTERM)


def _compared(surroundings: Any) -> dict[str, str]:
    return {name: value for name, value in surroundings.items() if name not in MAY_DIFFER}


def serve() -> None:
    """Fork a worker for each line, until there is none."""
    from config.celery import app  # noqa: PLC0415 - the house, and only in this process

    app.loader.import_default_modules()
    app.finalize()
    gc.freeze()  # shared with what is forked
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    dies_with_this = processes.dies_with_parent()
    for line in sys.stdin:
        wanted = json.loads(line)
        ready, begun = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(ready)
            dies_with_this()
            _become_worker(begun, **wanted)
        os.close(begun)
        os.read(ready, 1)  # nothing: it leads its session now
        os.close(ready)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _become_worker(begun: int, *, arguments: list[str], log: str, simulator: str) -> None:
    from celery.__main__ import main  # noqa: PLC0415 - as above
    from django.conf import settings  # noqa: PLC0415

    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nothing, out = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for number, source in enumerate((nothing, out, out)):
            os.dup2(source, number)
        os.close(begun)
        os.environ["SIMULATOR_URL"] = settings.SIMULATOR_URL = simulator
        sys.argv = ["celery", *arguments]
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
