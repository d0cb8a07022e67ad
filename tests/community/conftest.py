"""WeCom's simulator at noon, with three of its staff known here, and the callbacks that it would post."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest

from apps.community import callbacks, syncing
from apps.core import clock as house_clock
from apps.gateways import wecom_inbox
from apps.gateways.simulator.client import Client
from tests.processes import Simulator

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=timezone(timedelta(hours=8)))  # a Monday
LIN, CHEN, WANG = "sim-lin", "sim-chen", "sim-wang"
WHOLE_WEEK = list(range(1, 8))


class WeCom(Client):
    """The platform, and a worker that hears what it tells."""

    def do(self, what: str, **content: object) -> dict:
        return self.wecom(what, at=house_clock.now().isoformat(), **content)

    def hear(self, **how: object) -> int:
        """Post every event so far, then let the worker handle the inbox."""
        for request in self.wecom_told("callbacks", at=house_clock.now().isoformat(), **how)["requests"]:
            wecom_inbox.take(request["query"], request["body"].encode())
        return callbacks.take_all()

    def calls(self, api: str) -> dict[str, int]:
        return self.wecom_told("stats")["calls"].get(f"externalcontact/{api}", {})


@pytest.fixture
def wecom_house(db: None, simulator: Simulator, clock: Callable[[datetime], datetime]) -> WeCom:
    clock(NOON)
    syncing.take_staff([LIN, CHEN, WANG], moment=NOON)
    return WeCom(simulator.url)
