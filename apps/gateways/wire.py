"""One keep-alive HTTP connection per thread, made so that the caller always knows whether the request went out.

`http.client`, because it carries a batch 1.6 times as fast as httpx over the same loopback.
"""

import http.client
import json
import os
import select
import socket
import threading
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from apps.gateways.errors import NotReached, ReplyLost

CONNECT_TIMEOUT = 2.0  # seconds
READ_TIMEOUT = 10.0
MAX_REPLY = 4 * 1024 * 1024

_connections = threading.local()
# A child of fork must not write into its parent's sockets.
os.register_at_fork(after_in_child=lambda: _connections.__dict__.clear())


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def told(self) -> dict[str, Any] | None:
        """The JSON object in it; None: there is none."""
        try:
            answer = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return answer if isinstance(answer, dict) else None


def post(url: str, *, path: str, body: bytes, headers: dict[str, str], read_timeout: float | None = None) -> Reply:
    return _exchange(url, ("POST", path, body, headers), read_timeout)


def get(url: str, *, path: str, headers: dict[str, str], read_timeout: float | None = None) -> Reply:
    return _exchange(url, ("GET", path, None, headers), read_timeout)


def close() -> None:
    """End this thread's connections; the next request opens one."""
    for url in list(_connections.__dict__):
        _drop(url)


def _exchange(url: str, request: tuple[str, str, bytes | None, dict[str, str]], read_timeout: float | None) -> Reply:
    """Send one request. Raises NotReached when nothing was sent, ReplyLost when the provider may have acted on it."""
    connection = _connected(url)
    method, path, body, headers = request
    try:
        connection.sock.settimeout(READ_TIMEOUT if read_timeout is None else read_timeout)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = response.read(MAX_REPLY)
        if response.read(1):
            raise ReplyLost("TooLong")
    except BaseException as failure:  # whatever it was, half an exchange must not be left for the next caller
        _drop(url)
        if isinstance(failure, OSError | http.client.HTTPException):
            raise ReplyLost(type(failure).__name__) from failure
        raise
    if response.will_close:
        _drop(url)
    return Reply(response.status, response.headers, content)


def _connected(url: str) -> http.client.HTTPConnection:
    """This thread's connection to the provider, opened anew if the other side has closed it meanwhile."""
    connection = _connections.__dict__.get(url)
    if connection is not None and not _is_closed_by_peer(connection.sock):
        return connection
    _drop(url)
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=CONNECT_TIMEOUT)
    try:
        connection.connect()
    except OSError as failure:
        connection.close()
        raise NotReached(type(failure).__name__) from failure
    _connections.__dict__[url] = connection
    return connection


def _is_closed_by_peer(sock: socket.socket | None) -> bool:
    """An idle connection that is readable holds an end of file (or bytes nobody asked for)."""
    if sock is None:
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _drop(url: str) -> None:
    connection = _connections.__dict__.pop(url, None)
    if connection is not None:
        connection.close()
