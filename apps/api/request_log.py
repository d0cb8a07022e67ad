"""The request log, written in batches: a call waits for no log line.

Lines gather in memory and are stored every two seconds, or two hundred at once, by a thread of their own. A process that is killed
loses its last two seconds of log, never a promise: what was done stands in the tables of the rules.
"""

import atexit
import re
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse

from apps.core import clock

if TYPE_CHECKING:
    from apps.api.frame import Call

log = structlog.get_logger("siyu.api")
EVERY = 2.0  # seconds
FULL = 200
MOST = 20_000  # lines that wait while the database is away; older ones go first

# What WeChat sends and no mini-program can change. It says which version asks, for diagnosis; it proves nothing.
_APP = re.compile(r"https://servicewechat\.com/(wx[0-9a-z]{1,32})/([0-9]{1,8}|devtools)/")
Line = tuple[Any, ...]  # the columns of _COPY
_COPY = """copy core_requestline (at, request_id, trace, actor, method, route, status, code, ms, is_replayed, app) from stdin"""

_lines: deque[Line] = deque(maxlen=MOST)
_full = threading.Event()
_writer: dict[str, threading.Thread] = {}


def note(request: HttpRequest, response: HttpResponse, call: "Call", *, seconds: float) -> None:
    match = request.resolver_match
    request.has_line = True  # type: ignore[attr-defined]  # the process's own log need not say it again
    _lines.append(
        (
            clock.now(),
            getattr(request, "id", ""),
            call.trace[3:35],
            call.principal.actor,
            (request.method or "")[:10],
            match.view_name[:60] if match else "",
            response.status_code,
            getattr(request, "problem_code", "")[:60],
            round(seconds * 1000),
            call.is_replayed,
            _app(request.META.get("HTTP_REFERER", "")),
        )
    )
    if settings.API_REQUEST_LOG_THREAD:
        _start_writer()
    if len(_lines) >= FULL:
        _full.set()


def _app(referer: str) -> str:
    found = _APP.match(referer)
    return f"{found[1]}/{found[2]}" if found else ""


def flush() -> int:
    """Store what has gathered. Returns how many lines."""
    batch: list[Line] = []
    while _lines and len(batch) < MOST:
        batch.append(_lines.popleft())
    if batch:
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for line in batch:
                copy.write_row(line)
    return len(batch)


def _start_writer() -> None:
    if "thread" not in _writer or not _writer["thread"].is_alive():
        thread = _writer["thread"] = threading.Thread(target=_write, name="api-request-log", daemon=True)
        thread.start()
        atexit.register(_last)


def _write() -> None:
    while True:
        _full.wait(EVERY)
        _full.clear()
        _attempt()


def _attempt() -> None:
    try:
        flush()
    except DatabaseError:
        log.warning("request log not written", lines=len(_lines))
    finally:
        connection.close_if_unusable_or_obsolete()  # back to its pool, if there is one


def _last() -> None:
    if _lines:
        _attempt()
        connection.close()
