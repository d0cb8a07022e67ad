"""One port: pages to the web process, `/ws/` to the sockets process, every byte as it came."""

import asyncio
import contextlib
import hashlib
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from apps.core.embedded import front_door

TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"
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


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a server does with an upload it will not have: answer at its first lines, and hang up."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(TOO_LARGE)
    await writer.drain()
    writer.close()


def test_who_sends_everything_before_reading_still_hears_why_it_was_refused():
    def send_then_read(address: tuple[str, int]) -> bytes:
        with socket.create_connection(address, 20) as line:
            line.sendall(b"POST /upload HTTP/1.1\r\n\r\n")
            time.sleep(0.2)  # the server has hung up by now
            for _ in range(400):
                line.sendall(bytes(100_000))
            line.shutdown(socket.SHUT_WR)
            return line.makefile("rb").read()

    answers = []

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers.append(await asyncio.to_thread(send_then_read, writer.get_extra_info("peername")))

    through_the_door(talk, web=refuse)

    assert answers == [TOO_LARGE]


def test_nobody_is_heard_out_for_ever(monkeypatch):
    """Neither one who sends on and on, nor one who holds the line and says nothing."""
    monkeypatch.setattr(front_door, "MOST_UNHEARD", 1_000_000)
    monkeypatch.setattr(front_door, "UNHEARD_PAUSE", 0.2)
    ended: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST /upload HTTP/1.1\r\n\r\n")
        assert await reader.read() == TOO_LARGE
        try:
            while True:
                writer.write(bytes(100_000))
                await writer.drain()
        except ConnectionError:
            ended.append("talker")

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST /upload HTTP/1.1\r\n\r\n")
        assert await reader.read() == TOO_LARGE
        await asyncio.sleep(0.6)
        with contextlib.suppress(ConnectionError):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.1)
            writer.write(b"x")
            await writer.drain()
            return
        ended.append("holder")

    through_the_door(talk, web=refuse)
    through_the_door(hold, web=refuse)

    assert ended == ["talker", "holder"]


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
