"""Sockets of the service desk: there is something to look at, who else looks, who writes. Pages fetch what they may see.

Access is asked anew before anything is said: whoever lost their card, or whose store the ticket left, hears no more.
"""

from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from apps.core import ids
from apps.core.errors import DomainError, NotFound
from apps.core.models import User
from apps.stores import access
from apps.stores.models import Staff
from apps.tickets import live, queues

VIEW = "tickets.view"


class _Desk(AsyncJsonWebsocketConsumer):
    @database_sync_to_async
    def _stores(self) -> tuple[bool, list[int] | None]:
        """Whether the person may see tickets now, and of which stores (None: all)."""
        user = self.scope["user"]  # as it was when the socket was opened
        who = access.of_user(User.objects.filter(pk=user.pk).first() or user)
        try:
            return True, who.store_ids(VIEW)
        except DomainError:
            return False, []


class QueueNews(_Desk):
    """Sends {"news": true} whenever a ticket of the reader's stores moved."""

    groups_joined: list[str]

    async def connect(self) -> None:
        self.groups_joined = []
        may, stores = await self._stores()
        if not may:
            await self.close(4403)
            return
        self.groups_joined = [live.ALL] if stores is None else [live.of_store(key) for key in stores]
        for group in self.groups_joined:
            await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        for group in self.groups_joined:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def ticket_changed(self, _message: dict) -> None:
        may, stores = await self._stores()
        still = [live.ALL] if stores is None else [live.of_store(key) for key in stores]
        if may and set(self.groups_joined) <= set(still):
            await self.send_json({"news": True})
        else:
            await self.close(4403)


class AtTicket(_Desk):
    """{"changed": true} when the ticket moved; {"here": name}, {"left": name}, {"typing": name, "on": bool} of the others.

    Takes {"typing": true or false}. Closes with 4404 for a ticket that the person may not see, or may no longer.
    """

    group = ""
    ticket_id = 0
    staff_id = 0
    name = ""

    async def connect(self) -> None:
        try:
            self.ticket_id = ids.decode("tkt", self.scope["url_route"]["kwargs"]["ticket_id"])
        except NotFound:
            await self.close(4404)
            return
        if not await self._may_see():
            await self.close(4404)
            return
        self.group = live.of_ticket(self.ticket_id)
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self._others("desk.here", is_new=True)

    async def disconnect(self, code: int) -> None:
        if self.group:
            await self._others("desk.left")
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content: Any, **_more: Any) -> None:
        if isinstance(content, dict) and isinstance(content.get("typing"), bool) and await self._may_see():
            await self._others("desk.typing", on=content["typing"])

    async def ticket_changed(self, _message: dict) -> None:
        await self._say({"changed": True})

    async def desk_here(self, message: dict) -> None:
        if message["staff"] == self.staff_id:
            return
        await self._say({"here": message["name"]})
        if message["is_new"]:
            await self._others("desk.here", is_new=False)

    async def desk_left(self, message: dict) -> None:
        if message["staff"] != self.staff_id:
            await self._say({"left": message["name"]})

    async def desk_typing(self, message: dict) -> None:
        if message["staff"] != self.staff_id:
            await self._say({"typing": message["name"], "on": message["on"]})

    async def _say(self, content: dict) -> None:
        if await self._may_see():
            await self.send_json(content)
        else:
            await self.close(4404)

    async def _others(self, kind: str, **more: Any) -> None:
        said = {"type": kind, "staff": self.staff_id, "name": self.name, **more}
        await self.channel_layer.group_send(self.group, said)

    async def _may_see(self) -> bool:
        may, stores = await self._stores()
        return may and await self._is_there(stores)

    @database_sync_to_async
    def _is_there(self, stores: list[int] | None) -> bool:
        if not self.name:
            card = Staff.objects.filter(user_id=self.scope["user"].pk, is_active=True).first()
            self.staff_id, self.name = (card.pk, card.name) if card else (0, "")
        return queues.seen_by(stores).filter(pk=self.ticket_id).exists()
