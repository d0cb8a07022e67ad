"""bin/start, bin/stop and bin/manage as a newcomer runs them: real processes, a home of their own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from apps.core.embedded import page, places, processes
from apps.core.embedded.servers import free_port


@dataclass
class Newcomer:
    """A person with an empty home folder who types commands in the clone."""

    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def state(self) -> Path:
        return self.folder / "私域 state"

    @property
    def card(self) -> dict:
        return json.loads((self.state / "supervisor.json").read_text())

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "home").mkdir(exist_ok=True)
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder / "home"), "SIYU_HOME": str(self.state)}
        return subprocess.run(
            [str(places.CLONE / "bin" / command[0]), *command[1:]],
            env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def start(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.run("start", "--detach", "--empty", "--port", str(self.port), *options)


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    newcomer = Newcomer(tmp_path)
    yield newcomer
    newcomer.run("stop")
    shutil.rmtree(places.locate(state=newcomer.state).short, ignore_errors=True)


def ours(newcomer: Newcomer) -> list[int]:
    return processes.marked(str(places.locate(state=newcomer.state).short))


def servers_of(newcomer: Newcomer) -> list[int]:
    """Of pages and of sockets."""
    found = [pid for pid in ours(newcomer) if b"granian" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(found) >= 4
    return found


def mapped(pid: int) -> set[str]:
    """Names in the paths of the libraries that a process has loaded."""
    return set(Path(f"/proc/{pid}/maps").read_text().replace("\n", "/").split("/"))


# Every merge a killed supervisor is survived in test_supervisor.py and test_servers.py; the whole house starts anew at night.
@pytest.mark.parametrize("is_killed", [False, pytest.param(True, marks=pytest.mark.nightly)])
def test_manage_leaves_no_server_and_start_serves_one_address_survives_kill_9_and_stops_without_a_trace(
    newcomer, is_killed
):
    _manage_passes_output_and_exit_codes_through_and_leaves_no_server(newcomer)

    first = newcomer.start()
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"Siyu is ready: http://127.0.0.1:{newcomer.port}/\n" in first.stdout
    assert page.is_served(newcomer.port)

    again = newcomer.start()
    assert (again.returncode, again.stdout) == (0, f"Siyu is running already: http://127.0.0.1:{newcomer.port}/\n")

    said = (
        "import os; from apps.care.models import Policy; from apps.points.models import Tier; "
        "print(os.environ['SIMULATOR_URL'], Policy.objects.count(), Tier.objects.count())"
    )
    beside = newcomer.run("manage", "shell", "-v", "0", "-c", said)
    assert beside.stdout == f"http://127.0.0.1:{newcomer.card['simulator_port']} 5 4\n"
    assert page.is_served(newcomer.port)

    heavy = [package for pid in servers_of(newcomer) for package in mapped(pid) & {"numpy", "pyarrow"}]
    assert heavy == []  # each costs every process that serves pages a quarter of its start

    if is_killed:
        os.kill(newcomer.card["pid"], signal.SIGKILL)
        begun = time.monotonic()
        assert newcomer.start().returncode == 0
        assert page.is_served(newcomer.port)
        assert time.monotonic() - begun < 30

    left = ours(newcomer)
    assert len(left) >= 6
    stopped = newcomer.run("stop")
    assert stopped.stdout == "Stopping ...\nSiyu has stopped.\n"
    assert ours(newcomer) == []
    assert [pid for pid in left if processes.alive(pid)] == []
    assert newcomer.run("stop").stdout == "Siyu is not running.\n"


def _manage_passes_output_and_exit_codes_through_and_leaves_no_server(newcomer):
    too_early = newcomer.run("manage", "refresh_stats")
    assert (too_early.returncode, too_early.stdout) == (1, "")
    assert "`bin/start`" in too_early.stderr
    assert "Traceback" not in too_early.stderr

    as_application = (
        "from django.db import connection as c; x = c.cursor(); x.execute('SELECT current_user'); "
        "print(x.fetchone()[0]); raise SystemExit(7)"
    )
    printed = newcomer.run("manage", "shell", "-v", "0", "-c", as_application)
    assert (printed.returncode, printed.stdout) == (7, "siyu_app\n")
    pid_files = list(places.locate(state=newcomer.state).short.glob("*/postmaster.pid"))
    assert [*pid_files, *newcomer.state.glob("postgres/postmaster.pid")] == []


def test_a_port_in_use_is_said_before_anything_slow(newcomer):
    with socket.create_server(("127.0.0.1", newcomer.port)):
        refused = newcomer.start()

    assert refused.returncode == 1
    assert f"Port {newcomer.port} cannot be used" in refused.stderr
    assert not (newcomer.state / "secrets.json").exists()


def test_fresh_asks_and_drops_nothing_when_nobody_can_answer(newcomer):
    newcomer.state.mkdir()
    (newcomer.state / "stamps.json").write_text("{}")

    refused = newcomer.run("start", "--fresh")

    assert refused.returncode == 1
    assert "say --yes as well" in refused.stderr
    assert (newcomer.state / "stamps.json").exists()
