"""A small HTTP/1.1 server: keep-alive, bodies with a length, one request at a time per connection."""

import asyncio
import contextlib
import traceback
from dataclasses import dataclass

from apps.gateways.simulator.platform import Platform
from apps.gateways.simulator.replies import Reply

MAX_BODY = 4 * 1024 * 1024
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 413: "Content Too Large", 429: "Too Many Requests"}


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Unreadable(Exception):
    """Not a request this server takes; `status` says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request, or None when the client has gone."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except asyncio.LimitOverrunError:
        raise Unreadable(400) from None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3:
        raise Unreadable(400)
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdecimal():
        raise Unreadable(400)
    if int(length) > MAX_BODY:
        raise Unreadable(413)
    try:
        body = await reader.readexactly(int(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return Request(words[0], words[1], headers, body)


def encode(reply: Reply, *, keep_alive: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Error')}",
        f"Content-Type: {reply.content_type}",
        f"Content-Length: {len(reply.body)}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
        *(f"{name}: {value}" for name, value in reply.headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body


class Server:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):  # cancelled: the process is ending
                while await self._exchange(reader, writer):
                    pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Read and answer one request; False ends the connection."""
        try:
            request = await read_request(reader)
        except Unreadable as refused:
            writer.write(encode(Reply(refused.status), keep_alive=False))
            return False
        if request is None:
            return False
        reply = self._answer(request)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.drop:
            return False
        keep_alive = request.headers.get("connection", "").lower() != "close"
        writer.write(encode(reply, keep_alive=keep_alive))
        await writer.drain()
        return keep_alive

    def _answer(self, request: Request) -> Reply:
        try:
            return self._platform.answer(
                method=request.method,
                target=request.target,
                headers=request.headers,
                body=request.body,
            )
        except Exception:  # a defect here must not end the process that other tests and the demo share
            traceback.print_exc(chain=False)
            return Reply(500, b'{"error":"the simulator failed"}')
