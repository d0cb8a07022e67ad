"""The simulator that the replayed messages go to: the one that runs, or one of our own on the same state for as long as we need it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from apps.core.embedded import processes
from apps.gateways.simulator.client import Client


@contextmanager
def reachable() -> Iterator[None]:
    """Inside, `settings.SIMULATOR_URL` answers."""
    if settings.SIMULATOR_URL and _answers(settings.SIMULATOR_URL):
        yield
        return
    earlier = settings.SIMULATOR_URL
    state = settings.SIYU_HOME / "simulator"
    state.mkdir(parents=True, exist_ok=True)
    child = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "apps.gateways.simulator", "--port", "0", "--state", str(state)],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=processes.dies_with_parent(),  # a killed load must not leave it holding the state
    )
    try:
        assert child.stdout  # noqa: S101 - it was asked for
        settings.SIMULATOR_URL = child.stdout.readline().split()[-1]
        yield
    finally:
        settings.SIMULATOR_URL = earlier
        child.terminate()
        child.wait(timeout=10)


def _answers(url: str) -> bool:
    try:
        Client(url).stats()
    except OSError:
        return False
    return True
