"""The public feeds: JSON and iCalendar, to be kept a minute by anybody between, answered 304 when nothing has changed."""

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.views.decorators.http import require_safe

from apps.core import brand, clock, ids
from apps.core.errors import NotFound
from apps.livestream import feeds
from apps.livestream.models import Stream

PREFIX = "liv"
_KEPT = "public, max-age=60"


@require_safe
def json_feed(request: HttpRequest) -> HttpResponse:
    return _answer(request, kind="json")


@require_safe
def ics_feed(request: HttpRequest) -> HttpResponse:
    return _answer(request, kind="ics")


@require_safe
def one(request: HttpRequest, stream: str) -> HttpResponse:
    """One stream as a calendar file."""
    key = ids.decode(PREFIX, stream)
    if not Stream.objects.filter(pk=key).exists():
        raise NotFound
    body = feeds.as_ics(moment=clock.now(), name=brand.name(), only=key)
    answer = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="live-{stream}.ics"'
    return answer


def _answer(request: HttpRequest, *, kind: str) -> HttpResponse:
    moment = clock.now()
    tag = f'W/"{feeds.version(moment=moment, kind=kind)}"'
    asked = request.headers.get("If-None-Match", "")
    if asked and (
        asked.strip() == "*" or tag.removeprefix("W/") in {part.strip().removeprefix("W/") for part in asked.split(",")}
    ):
        answer: HttpResponse = HttpResponseNotModified()
    elif kind == "json":
        answer = HttpResponse(feeds.as_json(moment=moment), content_type="application/json; charset=utf-8")
    else:
        body = feeds.as_ics(moment=moment, name=brand.name())
        answer = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    answer["ETag"], answer["Cache-Control"] = tag, _KEPT
    return answer
