"""Who passes the routes below /my/: everybody the public ones, a member with a living session the rest."""

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.core import problems, requests
from apps.portal import sessions
from apps.stores.access import Access


def decide(request: HttpRequest, need: str | None) -> HttpResponse | None:
    """The door of the namespace `portal` (`apps.stores.access.DOORS`). Sets `request.member`: a `login.Principal` or None."""
    request.access = Access()  # type: ignore[attr-defined]
    visitor = sessions.visitor(request)
    request.member = visitor  # type: ignore[attr-defined]
    if visitor:
        requests.identify(f"user:{visitor.user_id}")
    if need == "public" or (need == "member" and visitor):
        return None
    if need == "member" and request.method == "GET" and not request.headers.get("HX-Request"):
        return redirect_to_login(request.get_full_path(), reverse("portal:login"))
    answer = problems.answer(
        request,
        status=403,
        code="unauthenticated",
        title=_("You are not logged in any more. Log in, then do it again."),
    )
    if request.headers.get("HX-Request"):
        answer["HX-Redirect"] = reverse("portal:login")
    return answer
