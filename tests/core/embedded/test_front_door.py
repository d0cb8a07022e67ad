"""One port: pages to the web process, `/ws/` to the sockets process, every byte as it came."""

import asyncio
import hashlib
import socket
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from apps.core.embedded import front_door

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def through_the_door(talk: Talk, *, web: Talk | None = None, sockets: Talk | None = None) -> None:
    """Open the door before these servers and let `talk` be the visitor."""

    async def play() -> None:
        with tempfile.TemporaryDirectory() as short:
            routes = front_door.Routes(web=Path(short, "web"), sockets=Path(short, "sockets"))
            behind = [
                await asyncio.start_unix_server(server, str(path))
                for server, path in ((web, routes.web), (sockets, routes.sockets))
                if server
            ]
            listener = socket.create_server(("127.0.0.1", 0))
            door = asyncio.create_task(front_door.serve(listener=listener, routes=routes))
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            await asyncio.wait_for(talk(reader, writer), 30)
            writer.close()
            door.cancel()
            await asyncio.gather(door, return_exceptions=True)
            for server in behind:
                server.close()

    asyncio.run(play())


def answering(name: str) -> Talk:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen = await reader.readuntil(b"\r\n\r\n")
        writer.write(name.encode() + b" saw " + seen)
        await writer.drain()
        writer.close()

    return answer


def ask(request: bytes) -> tuple[Talk, list[bytes]]:
    answers: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(request)
        answers.append(await reader.read())

    return talk, answers


def test_a_page_goes_to_the_web_process_with_its_first_line_whole():
    request = b"GET /console/?next=/ws/ HTTP/1.1\r\nHost: x\r\n\r\n"
    talk, answers = ask(request)

    through_the_door(talk, web=answering("web"), sockets=answering("sockets"))

    assert answers == [b"web saw " + request]


def test_the_path_of_the_first_request_decides():
    request = b"GET /ws/jobs/7/ HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
    talk, answers = ask(request)

    through_the_door(talk, web=answering("web"), sockets=answering("sockets"))

    assert answers == [b"sockets saw " + request]


def test_frames_flow_both_ways_after_the_upgrade():
    frame, reply = bytes(range(256)), bytes(reversed(range(256)))

    async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        assert await reader.readexactly(256) == frame
        writer.write(reply)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /ws/jobs/7/ HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
        writer.write(frame)
        assert await reader.readexactly(256) == reply

    through_the_door(talk, sockets=upgrade)


def test_a_large_upload_arrives_unchanged():
    body = hashlib.sha256(b"seed").digest() * 200_000

    async def measure(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(hashlib.sha256(await reader.readexactly(len(body))).hexdigest().encode())
        writer.close()

    talk, answers = ask(b"POST /import HTTP/1.1\r\n\r\n" + body)

    through_the_door(talk, web=measure)

    assert answers == [hashlib.sha256(body).hexdigest().encode()]


def test_while_the_web_process_starts_the_visitor_is_told_to_wait():
    talk, answers = ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    through_the_door(talk)

    head, _, body = answers[0].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"Retry-After: 2" in head
    assert f"Content-Length: {len(body)}".encode() in head


def test_a_visitor_who_leaves_in_the_middle_harms_nobody():
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /half")
        writer.close()
        await writer.wait_closed()

    through_the_door(talk, web=answering("web"))
