"""Sockets of the back office: they tell who may know, and nobody else, that there is something to look at."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from django.contrib.auth.models import AnonymousUser

from apps.core import jobs
from apps.core.models import Job, User
from apps.stores.models import Role, Staff
from config.sockets import websocket_urlpatterns
from tests.console import world
from tests.console.world import House

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def house(transactional_db: None) -> House:
    return world.build()


def watching(user: object, job: Job, then: Callable[[ApplicationCommunicator], Awaitable[None]]) -> bool:
    """Whether the socket was opened; `then` goes on with it."""

    async def watch() -> bool:
        path = f"/ws/jobs/{jobs.public_id(job)}/"
        scope = {"type": "websocket", "path": path, "headers": [], "subprotocols": [], "user": user}
        socket = ApplicationCommunicator(URLRouter(websocket_urlpatterns), scope)
        await socket.send_input({"type": "websocket.connect"})
        is_open = (await socket.receive_output())["type"] == "websocket.accept"
        if is_open:
            await then(socket)
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await socket.wait()
        return is_open

    return async_to_sync(watch)()


async def move(job: Job) -> None:
    await get_channel_layer().group_send(f"job-{job.pk}", {"type": "job.changed"})


async def nothing(_socket: ApplicationCommunicator) -> None:
    """Open is all that is asked."""


def dismiss(user: User) -> None:
    Staff.objects.filter(user=user).update(is_active=False)


def lock_out(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("end", [dismiss, lock_out])
def test_who_watches_hears_of_moves_until_they_are_out(house: House, end: Callable[[User], None]):
    """T-S5: the socket was open before."""
    user, job = house.users[Role.ANALYST], house.job
    heard: list[dict[str, Any]] = []

    async def hear(socket: ApplicationCommunicator) -> None:
        await move(job)
        heard.append(await socket.receive_output())
        await sync_to_async(end)(user)
        await move(job)
        heard.append(await socket.receive_output())

    assert watching(user, job, hear)
    assert json.loads(heard[0]["text"]) == {"changed": True}
    assert (heard[1]["type"], heard[1]["code"]) == ("websocket.close", 4403)


def test_who_may_not_see_jobs_gets_no_socket(house: House):
    for user in (AnonymousUser(), house.users[Role.CLERK]):
        assert not watching(user, house.job, nothing)
