"""The outer rim of `/api/`: what holds for every answer, also for those that no view made (404, 413, 500).

Calls leave Django's chain of middleware here and go straight to their gate and their view: sessions, cookies, CSRF, messages and
page policies are for pages. Only the pages about the API go on along the chain.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.urls import get_resolver
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.http import http_date

from apps.api import request_log, sandbox_clock
from apps.api.errors import Maintenance, UploadTooLarge, VersionUnknown
from apps.api.principals import NOBODY, Principal
from apps.core import clock, headers, problems
from apps.core.errors import DomainError, NotFound
from apps.core.ratelimits import Mark, Verdict
from apps.stores import access

PREFIX, PAGES = "/api/", "/api/docs"
OVERRIDES = ("PUT", "DELETE")  # for networks that let only GET and POST through
_TRACE = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


@dataclass(frozen=True)
class Version:
    """A day on which something changed that could break a client. Past `ends_at` it is refused."""

    name: str
    deprecated_at: datetime | None = None
    ends_at: datetime | None = None


VERSIONS = (Version("2026-12-01"),)  # oldest first; calls that name none get the last


@dataclass
class Call:
    """What is known of one API call while it runs."""

    trace: str  # W3C traceparent
    version: Version
    principal: Principal = NOBODY
    verdicts: tuple[Verdict, ...] = ()
    mark: Mark = Mark.UNKNOWN
    key: str = ""  # the idempotency key, "" without one
    is_replayed: bool = False


def call_of(request: HttpRequest) -> Call:
    return request.call  # type: ignore[attr-defined]


class ApiFrame:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.pages = get_response
        self.calls: Callable[[HttpRequest], HttpResponse] = convert_exception_to_response(_serve)  # type: ignore[assignment]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self.pages(request)
        started = time.perf_counter()
        call = Call(trace=_trace(request.META.get("HTTP_TRACEPARENT", "")), version=VERSIONS[-1])
        request.call = call  # type: ignore[attr-defined]
        if request.path_info.startswith(PAGES):
            response = self.pages(request)
        else:
            request.META.pop("HTTP_COOKIE", None)  # no cookie is ever read
            with translation.override(translation.get_language_from_request(request)):
                response = self.calls(request)
                _close(response)
        _finish(response, call)
        request_log.note(request, response, call, seconds=time.perf_counter() - started)
        return response


def _serve(request: HttpRequest) -> HttpResponse:
    """What Django does between resolving and rendering; what it raises becomes a problem document (`problems`)."""
    try:
        request.get_host()  # raises DisallowedHost
        if settings.API_MAINTENANCE:
            raise Maintenance(retry_after=settings.API_MAINTENANCE)
        _prepare(request)
        match = request.resolver_match = get_resolver().resolve(request.path_info)
        with sandbox_clock.of(request):
            refusal = access.decide(request)
            response: HttpResponse = refusal or match.func(request, *match.args, **match.kwargs)
            return response.render() if hasattr(response, "render") else response
    except DomainError as wrong:
        return refuse(request, wrong)


def refuse(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """The problem document of a refusal, with the headers that belong to it."""
    facts = {name: value for name, value in refusal.facts.items() if not name.endswith("_id")}
    response = problems.answer(
        request,
        status=refusal.status,
        code=refusal.code,
        title=str(refusal),
        is_retryable=refusal.is_retryable,
        facts=facts,
    )
    if refusal.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="siyu"'
    if "retry_after" in refusal.facts:
        response["Retry-After"] = str(refusal.facts["retry_after"])
    return response


def _prepare(request: HttpRequest) -> None:
    """Raises NotFound, UploadTooLarge, VersionUnknown."""
    if "\0" in request.path_info:  # no address of ours has one, and no text in PostgreSQL can hold it
        raise NotFound
    if wanted := request.META.get("HTTP_API_VERSION"):
        call_of(request).version = _version(wanted)
    override = request.META.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").upper()
    if request.method == "POST" and override in OVERRIDES:
        request.method = override
    length = request.META.get("CONTENT_LENGTH") or "0"
    limit = (
        settings.API_UPLOAD_MAX_BYTES if request.content_type == "multipart/form-data" else settings.API_BODY_MAX_BYTES
    )
    if length.isdigit() and int(length) > limit:
        raise UploadTooLarge(limit_bytes=limit)


def _version(name: str) -> Version:
    """Raises VersionUnknown, also for one whose time is over."""
    served = [one for one in VERSIONS if one.ends_at is None or clock.now() < one.ends_at]
    found = next((one for one in served if one.name == name), None)
    if found is None:
        raise VersionUnknown(known=[one.name for one in served])
    return found


def _close(response: HttpResponse) -> None:
    """What the chain adds to pages, as far as it means something on JSON."""
    if "Vary" in response:
        patch_vary_headers(response, ("Accept-Language",))
    own = {
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "X-Frame-Options": "DENY",
        "Content-Language": translation.get_language() or "",
        "Vary": "Accept-Language",
    }
    if not response.streaming:
        own["Content-Length"] = str(len(response.content))
    headers.add(response, own)


def _finish(response: HttpResponse, call: Call) -> None:
    response.cookies.clear()  # a mini-program keeps no cookies, and none may be needed
    own = {"Api-Version": call.version.name, "traceparent": call.trace, "Cache-Control": "no-store"}
    if call.version.deprecated_at:
        own["Deprecation"] = f"@{int(call.version.deprecated_at.timestamp())}"
    if call.version.ends_at:
        own["Sunset"] = http_date(call.version.ends_at.timestamp())
    if call.verdicts:
        own["RateLimit-Policy"] = ", ".join(
            [f'"{seen.limit.name}";q={seen.limit.quota};w={seen.limit.window}' for seen in call.verdicts]
        )
        own["RateLimit"] = ", ".join(
            [f'"{seen.limit.name}";r={seen.remaining};t={seen.reset}' for seen in call.verdicts]
        )
    if call.is_replayed:
        own["Idempotency-Replayed"] = "true"
    headers.add(response, own)


def _trace(given: str) -> str:
    """The caller's trace with a span of ours, or a trace of our own (W3C Trace Context)."""
    found = _TRACE.fullmatch(given.strip())
    trace_id = found[1] if found and set(found[1]) != {"0"} else token_hex(16)
    return f"00-{trace_id}-{token_hex(8)}-01"
