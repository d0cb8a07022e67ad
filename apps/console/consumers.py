"""Sockets of the back office: they say "look again", pages fetch what they may see."""

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from apps.core import ids
from apps.core.errors import NotFound
from apps.core.models import User
from apps.stores import access


class JobProgress(AsyncJsonWebsocketConsumer):
    """Sends {"changed": true} whenever the job moved. Closes with 4403 for people who may not see jobs, or may no longer."""

    group = ""

    async def connect(self) -> None:
        try:
            job_id = ids.decode("job", self.scope["url_route"]["kwargs"]["job_id"])
        except NotFound:
            await self.close(4404)
            return
        if not await self._may_watch():
            await self.close(4403)
            return
        self.group = f"job-{job_id}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def job_changed(self, _message: dict) -> None:
        if await self._may_watch():
            await self.send_json({"changed": True})
        else:
            await self.close(4403)

    @database_sync_to_async
    def _may_watch(self) -> bool:
        user = self.scope["user"]  # as it was when the socket was opened
        who = access.of_user(User.objects.filter(pk=user.pk).first() or user)
        return who.can("jobs.view") or who.can("imports.run")
