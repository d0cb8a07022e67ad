"""The public door of tracked codes: `/s/<code>`, and the link beside it that only scanners follow."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from apps.activity import codes, traps
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
    look = _look(request)
    known = request.COOKIES.get(COOKIE, "")
    try:
        followed = codes.follow(slug=code, anonymous_id=known, look=look)
    except CodeStopped as over:
        return render(request, "410.html", {"title": str(over)}, status=over.status)
    except TargetRefused:
        raise NotFound from None  # its host was taken off the list
    answer = _unlisted(_Led(followed.address))
    if followed.bait:
        hidden = reverse("short_link_trap", args=[code, followed.bait])
        answer.content = format_html('<!doctype html><a href="{}" rel="nofollow" hidden></a>', hidden)
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


@require_safe
def trap(request: HttpRequest, code: str, bait: str) -> HttpResponse:
    """No person comes here: the link stands in an answer that no browser shows."""
    traps.spring(secret=bait, look=_look(request))
    return _unlisted(HttpResponse(status=204))


def _look(request: HttpRequest) -> Look:
    return Look(
        method=request.method or "",
        agent=request.headers.get("User-Agent", ""),
        purpose=" ".join(request.headers.get(name, "") for name in _PURPOSES),
        mode=request.headers.get("Sec-Fetch-Mode", ""),
        address=request.META.get("REMOTE_ADDR") or "",
    )


def _unlisted(answer: HttpResponse) -> HttpResponse:
    answer["Cache-Control"] = "no-store"
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer
