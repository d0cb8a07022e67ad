"""Asking our own page over the one port."""

import http.client
from urllib.parse import urlsplit

MOST_REDIRECTS = 5
FIRST_PAGES = 20.0  # seconds: every process is still loading itself, on whatever machine this is


def address(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


def is_healthy(port: int, *, seconds: float = 2) -> bool:
    return _get(port, "/healthz", seconds=seconds)[0] == 200


def is_served(port: int) -> bool:
    """`/healthz` says so, and the first page, after its redirects, is there: for a visitor that is the log-in."""
    if not is_healthy(port, seconds=FIRST_PAGES):
        return False
    path = "/"
    for _ in range(MOST_REDIRECTS):
        status, location = _get(port, path, seconds=FIRST_PAGES)
        if status not in (301, 302, 303, 307, 308):
            return status == 200
        found = urlsplit(location)
        path = found.path + (f"?{found.query}" if found.query else "")
    return False


def _get(port: int, path: str, *, seconds: float = 2) -> tuple[int, str]:
    """Status and Location; status 0 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path, headers={"Connection": "close", "User-Agent": "siyu-start"})
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Location", "")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()
