"""The member's session: a cookie of its own that is sent to /my/ only, so that staff and member never share one.

It names the token family opened at log-in, which is looked up on each request: revoking the family ends the session.
"""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.utils.cache import patch_vary_headers

from apps.core import tokens
from apps.members import login
from apps.members.login import Principal

PREFIX = "/my/"
COOKIE = "my"
LIFE = timedelta(days=30)
FAMILY, SAID = "family", "said"


class MemberSessions:
    """Below `/my/` `request.session` is the member's. Stands right after Django's, whose session it lays aside meanwhile."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        staff, request.session = request.session, SessionStore(request.COOKIES.get(COOKIE))
        try:
            response = self.get_response(request)
            _keep(request, response)
        finally:
            request.session = staff
        return response


def _keep(request: HttpRequest, response: HttpResponse) -> None:
    """Save what changed and set the cookie; forget the cookie of a session that is gone."""
    session = request.session
    if session.accessed:
        patch_vary_headers(response, ("Cookie",))
    if session.is_empty():
        if COOKIE in request.COOKIES:
            response.delete_cookie(COOKIE, path=PREFIX, samesite="Lax")
        return
    if not session.modified or response.status_code >= 500:
        return
    try:
        session.save()
    except UpdateError:  # ended meanwhile on another page: the cookie goes too
        response.delete_cookie(COOKIE, path=PREFIX, samesite="Lax")
        return
    _set_cookie(session, response)


def _set_cookie(session: SessionBase, response: HttpResponse) -> None:
    response.set_cookie(
        COOKIE,
        session.session_key or "",
        max_age=session.get_expiry_age(),
        path=PREFIX,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def visitor(request: HttpRequest) -> Principal | None:
    """Who is logged in here; None when nobody is, the log-in was revoked, or the member may not log in any more."""
    family_id = request.session.get(FAMILY)
    found = login.principal_of_session(family_id) if family_id else None
    if found and tokens.touch(family_id=found.family_id):
        request.session.set_expiry(LIFE)  # used within 30 days, it lives 30 days more
    return found


def begin(request: HttpRequest, *, user_id: int, label: str) -> None:
    """Log a member in who has just shown a code: a new session key and a new token family, with the code as its first proof."""
    pair = tokens.open_family(user_id=user_id, client="portal", label=label)
    tokens.step_up(family_id=pair.family_id)
    request.session.flush()
    request.session[FAMILY] = pair.family_id
    request.session.set_expiry(LIFE)
    rotate_token(request)


def end(request: HttpRequest) -> None:
    """Log out here: the family too, so that nothing opened with it lives on."""
    family = request.session.get(FAMILY)
    if family:
        tokens.revoke_family(family_id=family)
    request.session.flush()
    rotate_token(request)


def say(request: HttpRequest, text: str) -> None:
    """A sentence for the next page."""
    request.session[SAID] = text


def said(request: HttpRequest) -> str:
    """The sentence for this page, once."""
    return request.session.pop(SAID, "") if SAID in request.session else ""
