"""Sockets of the desk: who looks at the same ticket knows of each other; nobody hears of another store's."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter

from apps.core import ids
from apps.core.models import User
from apps.stores.models import Role
from apps.tickets import services as tickets
from apps.tickets.models import Ticket
from config.sockets import websocket_urlpatterns
from tests.console import world

pytestmark = pytest.mark.django_db(transaction=True)


async def socket(user: User, path: str) -> tuple[ApplicationCommunicator, dict[str, Any]]:
    scope = {"type": "websocket", "path": path, "headers": [], "subprotocols": [], "user": user}
    made = ApplicationCommunicator(URLRouter(websocket_urlpatterns), scope)
    await made.send_input({"type": "websocket.connect"})
    return made, await made.receive_output()


async def heard(made: ApplicationCommunicator) -> dict[str, Any]:
    said = await made.receive_output()
    return json.loads(said["text"]) if "text" in said else {"closed": said["code"]}


async def heard_at_last(made: ApplicationCommunicator) -> dict[str, Any]:
    """Two who come at one moment greet each other twice: that somebody is here may be said again."""
    said = await heard(made)
    while "here" in said:
        said = await heard(made)
    return said


async def leave(*sockets: ApplicationCommunicator) -> None:
    for made in sockets:
        await made.send_input({"type": "websocket.disconnect", "code": 1000})
        await made.wait()


def test_two_people_at_one_ticket_know_of_each_other_and_no_other_store_hears(transactional_db: None):
    house = world.build()
    row = tickets.open_ticket(
        tickets.NewTicket(
            source="s", member_id=house.members["mine"].pk, kind="question", title="问", text="在吗？",
            store_id=house.stores["mine"].pk,
        ),
        by=tickets.Actor("member"),
    )  # fmt: skip
    house.users[Role.AGENT].staff.__class__.objects.filter(user=house.users[Role.AGENT]).update(name="李")
    far = Ticket.objects.create(
        member=house.members["far"], store=house.stores["far"], kind="question", title="远", source="x"
    )
    agent, manager = house.users[Role.AGENT], house.users[Role.MANAGER]
    path, other = (f"/ws/tickets/{ids.encode('tkt', key)}/" for key in (row.pk, far.pk))

    async def visit() -> None:
        refused = [(await socket(user, at))[1] for user, at in ((manager, other), (house.users[Role.ANALYST], path))]
        assert [answer["code"] for answer in refused] == [4404, 4404]
        first, _open = await socket(manager, path)
        queue, _open = await socket(manager, "/ws/desk/")
        second, _open = await socket(agent, path)
        assert await heard(first) == {"here": "李"}
        assert await heard(second) == {"here": "何青"}
        await second.send_input({"type": "websocket.receive", "text": json.dumps({"typing": True})})
        assert await heard_at_last(first) == {"typing": "李", "on": True}

        say = sync_to_async(tickets.say)
        await say(ticket_id=far.pk, by=tickets.Actor("agent"), text="远处", source="f:1")
        assert await queue.receive_nothing(0.15)
        await say(ticket_id=row.pk, by=tickets.Actor("agent"), text="在。", source="r:1")
        assert (await heard(first), await heard_at_last(second), await heard(queue)) == (
            {"changed": True}, {"changed": True}, {"news": True},
        )  # fmt: skip
        change = sync_to_async(tickets.change)
        await change(ticket_id=row.pk, values={"store_id": house.stores["far"].pk}, by=tickets.Actor("agent"))
        assert await heard(first) == {"closed": 4404}  # it is another store's now
        assert await heard(second) == {"changed": True}
        await leave(second, queue)

    async_to_sync(visit)()
