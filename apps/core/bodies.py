"""Bodies of requests that were answered without being read: a refused key, a limit that is reached, an unknown address.

The server (granian) ends a connection whose request was not read to its end, and does not say so: a client that keeps it open
loses its next call ("server disconnected without a response"; 2 of 300 refused log-ins over three processes). A short body is
read before the answer goes out. Of a long one the client is told that the connection ends (`Connection: close`).
"""

from collections.abc import Callable, Iterable
from typing import Any

MOST = 64 * 1024  # bytes read for nothing
_PIECE = 16 * 1024
Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class _Counting:
    """The server's input; knows how much of it was read."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.count = inner, 0

    def _counted(self, data: bytes) -> bytes:
        self.count += len(data)
        return data

    def read(self, *size: int) -> bytes:
        return self._counted(self.inner.read(*size))

    def readline(self, *size: int) -> bytes:
        return self._counted(self.inner.readline(*size))

    def readlines(self, *hint: int) -> list[bytes]:
        return [self._counted(line) for line in self.inner.readlines(*hint)]

    def __iter__(self) -> "_Counting":
        return self

    def __next__(self) -> bytes:
        return self._counted(next(self.inner))


def heard_out(application: Application) -> Application:
    """The application with each request read to its end, or its connection ended, before it answers."""

    def serve(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        given = environ["wsgi.input"] = _Counting(environ["wsgi.input"])

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            if not _is_over(environ, given):
                headers = [*headers, ("Connection", "close")]
            return start_response(status, headers, *error)

        return _in_one_piece(application(environ, start))

    return serve


def _in_one_piece(answer: Iterable[bytes]) -> Iterable[bytes]:
    """A list where the whole answer is there: the server sends it at once; what it must iterate goes through a thread of its own."""
    if getattr(answer, "streaming", True):
        return answer
    whole = list(answer)
    answer.close()  # type: ignore[attr-defined]  # Django's, as its handler does not know a list
    return whole


def _is_over(environ: Environ, given: _Counting) -> bool:
    """Nothing of the body is left, or so little that it is read now."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return False  # of unknown length, and Django reads none of it
    length = environ.get("CONTENT_LENGTH") or "0"
    left = int(length) - given.count if length.isdigit() else MOST + 1
    if left > MOST:
        return False
    while left > 0:
        piece = given.read(min(left, _PIECE))
        if not piece:  # it has left
            return False
        left -= len(piece)
    return True
