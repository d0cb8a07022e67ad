"""A live board that a thousand people look at: how long an update takes from its figures to the last socket.

All sockets are held by this one process, over the channel layer that the house uses; each reads what came.
"""

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter
from django.utils.module_loading import import_string

from apps.analytics import live_board
from apps.core import clock, ids
from apps.core.models import User
from apps.livestream import planning
from apps.livestream.models import Stream, Subscription
from apps.members.models import Member
from apps.stores.models import Role, Staff

SOCKETS = {"S": 100, "M": 1_000, "L": 1_000}
UPDATES = 20
PATIENCE = 30  # seconds
Line = dict[str, Any]


def bench_boards(size: str) -> Iterator[Line]:
    """Each update is one more member who wants to be reminded, told as the beat tells it."""
    row, user = _prepare()
    taken = asyncio.run(_watch(row, user, count=SOCKETS[size]))
    taken.sort()
    for share in (50, 95, 100):
        figure = taken[min(len(taken) - 1, len(taken) * share // 100)]
        yield {
            "name": f"live board, update to a socket, p{share}, seconds", "size": size, "figure": round(figure, 3),
            "rows": SOCKETS[size], "baseline": None, "ratio": None,
        }  # fmt: skip


def _prepare() -> tuple[Stream, User]:
    run = uuid4().hex[:8]
    user = User.objects.create_user(username=run)
    Staff.objects.create(user=user, code=run, name="bench", role=Role.ADMIN)
    room, host = planning.add_room(platform="douyin", name=run), planning.add_host(name=run)
    at = clock.now() + timedelta(minutes=10)
    wanted = planning.Wanted(title=run, room_id=room.pk, host_id=host.pk, starts_at=at, ends_at=at + timedelta(hours=1))
    return planning.plan(wanted=wanted), user


async def _watch(row: Stream, user: User, *, count: int) -> list[float]:
    """Seconds of every update at every socket."""
    sockets = [await _open(row, user) for _ in range(count)]
    taken: list[float] = []
    for number in range(UPDATES):
        heard = [asyncio.create_task(_heard(one)) for one in sockets]
        await sync_to_async(_one_more)(row, number)
        began = time.monotonic()
        await sync_to_async(live_board.tell)(moment=clock.now())
        taken += [at - began for at in await asyncio.gather(*heard)]
    for one in sockets:
        await one.send_input({"type": "websocket.disconnect", "code": 1000})
    await asyncio.gather(*(one.wait() for one in sockets))
    return taken


async def _open(row: Stream, user: User) -> ApplicationCommunicator:
    app = URLRouter(import_string("config.sockets.websocket_urlpatterns"))
    path = f"/ws/live/{ids.encode('liv', row.pk)}/"
    made = ApplicationCommunicator(
        app, {"type": "websocket", "path": path, "headers": [], "subprotocols": [], "user": user}
    )
    await made.send_input({"type": "websocket.connect"})
    for wanted in ("websocket.accept", "websocket.send"):
        said = await made.receive_output(PATIENCE)
        if said["type"] != wanted:
            raise AssertionError(f"{said['type']} where {wanted} was expected")
    return made


async def _heard(made: ApplicationCommunicator) -> float:
    await made.receive_output(PATIENCE)
    return time.monotonic()


def _one_more(row: Stream, number: int) -> None:
    member = Member.objects.create(member_no=f"{row.title}-{number}")
    Subscription.objects.create(stream=row, member=member)
