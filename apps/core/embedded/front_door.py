"""One port for everything: splits connections between the web process and the sockets process, byte for byte.

The path of a connection's first request decides, for the whole connection. Browsers open a new connection for every
WebSocket, so that is enough on one machine; in production a real proxy does this by request.
"""

import argparse
import asyncio
import contextlib
import socket
from dataclasses import dataclass
from pathlib import Path

SOCKETS_PREFIX = b"/ws/"
LONGEST_REQUEST_LINE = 64 * 1024
FIRST_LINE_SECONDS = 60  # browsers open connections ahead of need
CHUNK = 64 * 1024
MOST_UNHEARD = 1024**3  # bytes that a browser may still send after its answer: the largest file that a page takes
UNHEARD_SECONDS = 30.0
UNHEARD_PAUSE = 5.0  # between two pieces
STARTING = """<!doctype html><html lang="zh-Hans"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<title>Siyu</title><style>body{font:16px/1.6 system-ui,sans-serif;max-width:34rem;margin:20vh auto;padding:0 1rem}</style>
<h1>Siyu 正在启动</h1><p>几秒后会自动打开。 Starting; this page opens by itself in a few seconds.</p></html>
"""
STARTING_ANSWER = (
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html; charset=utf-8\r\nRetry-After: 2\r\n"
    f"Cache-Control: no-store\r\nConnection: close\r\nContent-Length: {len(STARTING.encode())}\r\n\r\n{STARTING}"
).encode()


@dataclass(frozen=True)
class Routes:
    """The Unix sockets behind the door."""

    web: Path
    sockets: Path

    def choose(self, request_line: bytes) -> Path:
        words = request_line.split(b" ")
        return self.sockets if len(words) > 1 and words[1].startswith(SOCKETS_PREFIX) else self.web


async def serve(*, listener: socket.socket, routes: Routes) -> None:
    """Serve until cancelled."""

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            await _pass_through(reader, writer, routes)
        await _close(writer)

    server = await asyncio.start_server(welcome, sock=listener, limit=LONGEST_REQUEST_LINE, backlog=512)
    async with server:
        await server.serve_forever()


async def _pass_through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, routes: Routes) -> None:
    request_line = await asyncio.wait_for(reader.readuntil(b"\n"), FIRST_LINE_SECONDS)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX) as behind:
        behind.setblocking(False)
        try:
            await loop.sock_connect(behind, str(routes.choose(request_line)))
        except OSError:
            writer.write(STARTING_ANSWER)
            await writer.drain()
            return
        inward = asyncio.create_task(_send_on(request_line, reader, behind))
        try:
            # When the server has said its last word the connection is over, whatever the browser still holds open.
            await _bring_back(behind, writer)
        finally:
            inward.cancel()
            await asyncio.gather(inward, return_exceptions=True)
    await _hear_out(reader)


async def _send_on(first: bytes, reader: asyncio.StreamReader, behind: socket.socket) -> None:
    """Copy until the browser ends, then end the server's half. A server that takes no more may have answered all the same."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        await loop.sock_sendall(behind, first)
        while chunk := await reader.read(CHUNK):
            await loop.sock_sendall(behind, chunk)
        behind.shutdown(socket.SHUT_WR)


async def _bring_back(behind: socket.socket, writer: asyncio.StreamWriter) -> None:
    """Copy until the server ends, then end the browser's half. `drain` keeps a slow reader from filling our memory."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        while chunk := await loop.sock_recv(behind, CHUNK):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


async def _hear_out(reader: asyncio.StreamReader) -> None:
    """Read what the browser is still sending, for nothing: to close over it would reset the connection, and the answer (an upload that
    is too large, say) would be lost on a browser that reads only when it has sent everything.
    """
    left = MOST_UNHEARD
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(UNHEARD_SECONDS):
            while left > 0 and (chunk := await asyncio.wait_for(reader.read(CHUNK), UNHEARD_PAUSE)):
                left -= len(chunk)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True, help="a listening socket, kept open by the supervisor")
    parser.add_argument("--web", type=Path, required=True)
    parser.add_argument("--sockets", type=Path, required=True)
    given = parser.parse_args()
    listener = socket.socket(fileno=given.fd)
    listener.setblocking(False)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(listener=listener, routes=Routes(web=given.web, sockets=given.sockets)))


if __name__ == "__main__":
    main()
