"""The public door of tracked codes: `/s/<code>`."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.activity import codes
from apps.activity.errors import CodeStopped, TargetRefused
from apps.activity.robots import Look
from apps.core.errors import NotFound

COOKIE = "anon"  # a random id and nothing else
COOKIE_AGE = 400 * 24 * 3600  # the longest that browsers keep
_PURPOSES = ("Purpose", "Sec-Purpose", "X-Purpose", "X-Moz")


class _Led(HttpResponseRedirect):
    allowed_schemes = ["https", "http", "weixin"]


@require_safe
def follow(request: HttpRequest, code: str) -> HttpResponse:
    look = Look(
        method=request.method or "",
        agent=request.headers.get("User-Agent", ""),
        purpose=" ".join(request.headers.get(name, "") for name in _PURPOSES),
        mode=request.headers.get("Sec-Fetch-Mode", ""),
        address=request.META.get("REMOTE_ADDR") or "",
    )
    known = request.COOKIES.get(COOKIE, "")
    try:
        followed = codes.follow(slug=code, anonymous_id=known, look=look)
    except CodeStopped as over:
        return render(request, "410.html", {"title": str(over)}, status=over.status)
    except TargetRefused:
        raise NotFound from None  # its host was taken off the list
    answer = _Led(followed.address)
    answer["Cache-Control"] = "no-store"
    answer["X-Robots-Tag"] = "noindex, nofollow"
    if followed.anonymous_id and followed.anonymous_id != known:
        answer.set_cookie(
            COOKIE,
            followed.anonymous_id,
            max_age=COOKIE_AGE,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return answer
