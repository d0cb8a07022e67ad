"""A running simulator whose phone we can read: for log-in by code."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest

from apps.gateways.simulator.client import Client
from tests.processes import Simulator

Figure = Callable[[str], None]
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=timezone(timedelta(hours=8)))


class Phone:
    """What came to a number: read by its last four digits, as the simulator keeps no whole number."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def texts(self, tail: str) -> list[str]:
        return [message["text"] for message in self.client.messages(tail=tail)]

    def code(self, tail: str) -> str:
        """The newest code that came there."""
        found = re.search(r"验证码：(\d{6})", self.texts(tail)[-1])
        assert found
        return found[1]


@pytest.fixture
def phone(simulator: Simulator) -> Phone:
    return Phone(Client(simulator.url))


@pytest.fixture
def figure(pytestconfig: pytest.Config) -> Figure:
    """`figure("…")` prints a measured figure among the results."""
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")
    capture = pytestconfig.pluginmanager.get_plugin("capturemanager")

    def show(line: str) -> None:
        if reporter and capture:
            with capture.global_and_fixture_disabled():
                reporter.write_line(f"\n{line}")

    return show


@pytest.fixture
def noon(clock: Callable[[datetime], datetime]) -> Callable[[float], datetime]:
    """`noon(90)`: let it be 90 seconds past noon of a Monday."""
    clock(NOON)
    return lambda seconds: clock(NOON + timedelta(seconds=seconds))
