"""A proof of who is there holds for ten minutes, and none that lies ahead."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from apps.stores import step_up

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(("seconds", "fresh"), [(0, True), (-599, True), (-600, False), (1, False)])
def test_only_the_last_ten_minutes_count(clock: Any, seconds: int, fresh: bool):
    clock(NOON)
    request: Any = SimpleNamespace(session={"proved_at": (NOON + timedelta(seconds=seconds)).timestamp()})
    assert step_up.is_fresh(request) is fresh
    request.session = {}
    assert not step_up.is_fresh(request)
