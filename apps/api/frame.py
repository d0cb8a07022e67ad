"""The outer rim of `/api/`: what holds for every answer, also for those that no view made (404, 413, 500)."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_hex

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.api import request_log, sandbox_clock
from apps.api.errors import UploadTooLarge, VersionUnknown
from apps.api.principals import NOBODY, Principal
from apps.core import problems
from apps.core.errors import DomainError
from apps.core.ratelimits import Mark, Verdict

PREFIX = "/api/"
VERSIONS = ("2026-12-01",)
OVERRIDES = ("PUT", "DELETE")  # for networks that let only GET and POST through
_TRACE = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


@dataclass
class Call:
    """What is known of one API call while it runs."""

    principal: Principal = NOBODY
    verdicts: tuple[Verdict, ...] = ()
    mark: Mark = Mark.UNKNOWN
    key: str = ""  # the idempotency key, "" without one
    is_replayed: bool = False
    trace: str = field(default_factory=lambda: f"00-{token_hex(16)}-{token_hex(8)}-01")


def call_of(request: HttpRequest) -> Call:
    return request.call  # type: ignore[attr-defined]


class ApiFrame:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        started = time.perf_counter()
        call = request.call = Call(trace=_trace(request.headers.get("traceparent", "")))  # type: ignore[attr-defined]
        try:
            _prepare(request)
            with sandbox_clock.of(request):
                response = self.get_response(request)
        except DomainError as refusal:
            response = refuse(request, refusal)
        _finish(response, call)
        request_log.note(request, response, call, seconds=time.perf_counter() - started)
        return response


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
    """Raises UploadTooLarge, VersionUnknown."""
    if request.headers.get("Api-Version", VERSIONS[-1]) not in VERSIONS:
        raise VersionUnknown(known=list(VERSIONS))
    override = request.headers.get("X-HTTP-Method-Override", "").upper()
    if request.method == "POST" and override in OVERRIDES:
        request.method = override
    length = request.META.get("CONTENT_LENGTH") or "0"
    limit = (
        settings.API_UPLOAD_MAX_BYTES if request.content_type == "multipart/form-data" else settings.API_BODY_MAX_BYTES
    )
    if length.isdigit() and int(length) > limit:
        raise UploadTooLarge(limit_bytes=limit)


def _finish(response: HttpResponse, call: Call) -> None:
    response.cookies.clear()  # a mini-program keeps no cookies, and none may be needed
    response["Api-Version"] = VERSIONS[-1]
    response["traceparent"] = call.trace
    response.headers.setdefault("Cache-Control", "no-store")
    if call.verdicts:
        response["RateLimit-Policy"] = ", ".join(
            f'"{seen.limit.name}";q={seen.limit.quota};w={seen.limit.window}' for seen in call.verdicts
        )
        response["RateLimit"] = ", ".join(
            f'"{seen.limit.name}";r={seen.remaining};t={seen.reset}' for seen in call.verdicts
        )
    if call.is_replayed:
        response["Idempotency-Replayed"] = "true"


def _trace(given: str) -> str:
    """The caller's trace with a span of ours, or a trace of our own (W3C Trace Context)."""
    found = _TRACE.fullmatch(given.strip())
    trace_id = found[1] if found and set(found[1]) != {"0"} else token_hex(16)
    return f"00-{trace_id}-{token_hex(8)}-01"
