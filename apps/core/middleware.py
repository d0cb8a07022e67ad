"""First in the chain: an id for each request, and one line per request, without query strings or bodies; what forms may hold.

Calls of the API have their line in the request log (`has_line`); only those that failed stand in the process's log, too.
"""

import re
import time
from collections.abc import Callable
from secrets import token_urlsafe

import structlog
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

from apps.core import headers, requests

FAILED = 500  # from this status on
_POLICIES = {
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_GIVEN_ID = re.compile(r"^[A-Za-z0-9_-]{8,64}$")
log = structlog.get_logger("siyu.http")
SERVED = Counter("siyu_http_requests_total", "Requests served", ["route", "method", "status"])
SECONDS = Histogram("siyu_http_seconds", "Time to answer", ["route"], buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10))


class RequestContext:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _GIVEN_ID.match(given) else "req_" + token_urlsafe(9)
        request.id = request_id  # type: ignore[attr-defined]
        started = time.perf_counter()
        address = request.META["REMOTE_ADDR"] = _address(request)
        with requests.acting(actor="anonymous", request_id=request_id, address=address):
            response = self.get_response(request)
            self._record(request, response, time.perf_counter() - started)
        headers.add(response, {"X-Request-Id": request_id, **_POLICIES})
        return response

    def _record(self, request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        route = request.resolver_match.view_name if request.resolver_match else "unmatched"
        SERVED.labels(route, request.method, response.status_code).inc()
        SECONDS.labels(route).observe(seconds)
        if response.status_code < FAILED and getattr(request, "has_line", False):
            return
        log.info(
            "request",
            request_id=request.id,  # type: ignore[attr-defined]
            route=route,
            method=request.method,
            status=response.status_code,
            ms=round(seconds * 1000),
            actor=requests.origin().actor,
        )


def _address(request: HttpRequest) -> str:
    """Who asks: the peer, or what the last of our own proxies says. Entries before it are the client's to invent."""
    peer = request.META.get("REMOTE_ADDR") or ""
    told = [entry.strip() for entry in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if entry.strip()]
    if not settings.TRUSTED_PROXIES or not told:
        return peer
    return told[-min(settings.TRUSTED_PROXIES, len(told))][:64]


class ReadableForms:
    """Refuses forms with NUL in a text before any view sees them: no keyboard makes one, and no text in PostgreSQL can hold it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: object) -> None:
        if request.content_type != "application/x-www-form-urlencoded":
            return
        if any("\0" in text for name, texts in request.POST.lists() for text in (name, *texts)):
            raise SuspiciousOperation("NUL in a form")
