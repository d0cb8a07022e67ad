"""The random id of a browser that is not logged in yet; at log-in what it did becomes the member's."""

import re
import uuid

from django.conf import settings
from django.http import HttpRequest, HttpResponse

COOKIE = "anon"
LIFE_SECONDS = 365 * 86_400
_GIVEN = re.compile(r"[A-Za-z0-9_-]{8,64}")  # short links give the same cookie


def of(request: HttpRequest) -> str:
    """The browser's id, or empty when it has none of ours."""
    given = request.COOKIES.get(COOKIE, "")
    return given if _GIVEN.fullmatch(given) else ""


def mark(request: HttpRequest, response: HttpResponse) -> None:
    """Give a browser without an id a random one."""
    if of(request):
        return
    response.set_cookie(
        COOKIE,
        str(uuid.uuid4()),
        max_age=LIFE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
