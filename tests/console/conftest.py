"""What the tests of console pages may ask for."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client

from apps.stores.models import Role
from tests.console import world
from tests.console.world import House

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture
def house(clock: Callable[[datetime], datetime], db: None) -> House:
    """The small house at noon, where the clock stands."""
    clock(NOON)
    return world.build(NOON)


@pytest.fixture
def admin(at: Callable[..., Client]) -> Client:
    return at(Role.ADMIN)


@pytest.fixture
def at(house: House) -> Callable[..., Client]:
    """`at(role)`: a client of that role."""

    def log_in(role: str = Role.ADMIN) -> Client:
        client = Client()
        world.enter(client, house.users[role])
        return client

    return log_in
