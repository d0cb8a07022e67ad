"""Granting points over HTTP beside `earn5` in pgbench: as many web processes as `bin/start` runs, with key, limit, validation and
idempotency, called over kept connections by a process of its own.

Each web process has a socket of its own and its share of the connections: on a common one the first to wake takes them all.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import connection

from apps.api import bench_caller, shapes
from apps.core import ids
from apps.core.embedded import children, processes
from apps.points import bench as points
from apps.points.models import Entry
from apps.stores import credentials

CONNECTIONS = children.WEB_WORKERS * children.WEB_THREADS
PROGRAMS = 64  # each may call so often a minute, and is counted


def bench_earn(size: str) -> Iterator[dict[str, Any]]:
    """Grants a second, by turns with `earn5`, and how long 99 of 100 callers waited at the most."""
    first = points.prepare()
    keys = [credentials.issue_client(name=f"bench {n}", scopes=["points.write"]).secret for n in range(PROGRAMS)]
    given = {
        "keys": keys, "members": [ids.encode(shapes.MEMBER, first + number) for number in range(points.MEMBERS)],
        "connections": CONNECTIONS, "seconds": points.SECONDS,
    }  # fmt: skip
    earn5, ours, waits = [], [], list[float]()
    with ExitStack() as running:
        given["addresses"] = [running.enter_context(_web()) for _ in range(children.WEB_WORKERS)]
        _call(given | {"turn": f"{time.time_ns()}w"})  # what a first call builds, every later one has
        for _ in range(points.ROUNDS):
            earn5.append(points.pgbench(points.EARN5))
            before = Entry.objects.count()
            took = _call(given | {"turn": str(time.time_ns())})
            if Entry.objects.count() - before != len(took):
                raise RuntimeError("not every grant that was confirmed stands in the books, or one that was not does")
            ours.append(len(took) / points.SECONDS)
            waits += took
    line = points.line("points earned over HTTP", size, median(ours), median(earn5))
    yield line | {"p50_ms": round(median(waits) * 1000, 1), "p99_ms": round(quantiles(waits, n=100)[98] * 1000, 1)}


def _call(given: dict[str, Any]) -> list[float]:
    said = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", bench_caller.__name__], input=json.dumps(given), cwd=settings.BASE_DIR, check=True,
        stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip
    answer = json.loads(said)
    if answer["others"]:
        raise RuntimeError(f"calls were refused: {answer['others']}")
    waits: list[float] = answer["waits"]
    return waits


@contextmanager
def _web() -> Iterator[str]:
    """A web process of `bin/start` on the scratch database, as the application's role. Answers its socket."""
    environment = children.of_web(os.environ | {"DATABASE_URL": _scratch_url()})
    with TemporaryDirectory() as folder:
        address, log = Path(folder) / "web.sock", Path(folder) / "log"
        command = children.granian("wsgi", "config.wsgi:application", address, workers=1, threads=children.WEB_THREADS)
        with log.open("wb") as out:
            running = subprocess.Popen(  # noqa: S603 - our own server
                [sys.executable, *command], env=environment, cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, preexec_fn=processes.dies_with_parent(),
            )  # fmt: skip
        try:
            _wait(running, address, log)
            yield str(address)
        finally:
            running.terminate()
            running.wait()


def _wait(running: "subprocess.Popen[bytes]", address: Path, log: Path) -> None:
    for _ in range(600):
        if running.poll() is not None:
            break
        if b"Started worker" in log.read_bytes() and address.exists():
            return
        time.sleep(0.05)
    raise RuntimeError(f"a web process did not start:\n{log.read_text()[-2000:]}")


def _scratch_url() -> str:
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
