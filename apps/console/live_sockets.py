"""Sockets of live boards: figures are worked out once for all who look, and sent to everybody."""

import time
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from apps.analytics import live_board
from apps.core import ids
from apps.core.errors import NotFound
from apps.core.models import User
from apps.livestream.models import Stream
from apps.stores import access

VIEW = "live.view"
ASKED_ANEW = 60.0  # seconds: whoever lost the right to look hears no more after that


class LiveBoard(AsyncJsonWebsocketConsumer):
    """Sends {"figures": {...}} when one comes, and whenever they change. Closes with 4404 for who may not see it, or may no longer."""

    group = ""
    asked_at = 0.0

    async def connect(self) -> None:
        try:
            stream_id = ids.decode("liv", self.scope["url_route"]["kwargs"]["stream"])
        except NotFound:
            await self.close(4404)
            return
        found = await self._look(stream_id)
        if found is None:
            await self.close(4404)
            return
        self.group, self.asked_at = live_board.group(stream_id), time.monotonic()
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.send_json({"figures": found})

    async def disconnect(self, code: int) -> None:
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def board_figures(self, message: dict) -> None:
        if time.monotonic() - self.asked_at > ASKED_ANEW:
            if not await self._may():
                await self.close(4404)
                return
            self.asked_at = time.monotonic()
        await self.send_json({"figures": message["figures"]})

    @database_sync_to_async
    def _look(self, stream_id: int) -> dict[str, Any] | None:
        row = Stream.objects.filter(pk=stream_id).first()
        return live_board.at_once(row) if row is not None and self._is_allowed() else None

    @database_sync_to_async
    def _may(self) -> bool:
        return self._is_allowed()

    def _is_allowed(self) -> bool:
        user = self.scope["user"]  # as it was when the socket was opened
        return access.of_user(User.objects.filter(pk=user.pk).first() or user).can(VIEW)
