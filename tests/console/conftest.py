"""What the tests of console pages may ask for."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.stores.models import Role
from tests.console import world
from tests.console.world import House


@pytest.fixture
def at(house: House) -> Callable[..., Client]:
    """`at(role)`: a client of that role."""

    def log_in(role: str = Role.ADMIN) -> Client:
        client = Client()
        world.enter(client, house.users[role])
        return client

    return log_in
