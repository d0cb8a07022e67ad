"""Errors at the edge: RFC 9457 problem documents for programs, pages in the user's language for people."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from apps.core.errors import DomainError

FORM_OUTDATED = "form_outdated"
log = structlog.get_logger("siyu.problems")
# path prefix → templates of that face's error page, and of the page of a 500; faces add theirs when they start
PAGES: dict[str, tuple[str, str]] = {}


class ProblemMiddleware:
    """Turns a DomainError that a view let through into a problem document or an error page; gives a refused method its words."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or response.content:
            return response
        words = method_not_allowed(request)
        words["Allow"] = response["Allow"]
        return words

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, DomainError):
            return None
        return answer(
            request,
            status=exception.status,
            code=exception.code,
            title=str(exception),
            is_retryable=exception.is_retryable,
            facts=exception.facts,
        )


def answer(
    request: HttpRequest,
    *,
    status: int,
    code: str,
    title: str,
    is_retryable: bool = False,
    facts: dict[str, object] | None = None,
) -> HttpResponse:
    """A problem document when a program asks, else `templates/<status>.html` (or 400.html) with the same words."""
    request_id = getattr(request, "id", "")
    request.problem_code = code  # type: ignore[attr-defined]  # for request logs
    if _wants_json(request):
        body = {
            **(facts or {}),
            "type": f"/problems/{code}",
            "title": title,
            "status": status,
            "code": code,
            "retryable": is_retryable,
            "request_id": request_id,
            "doc": f"/api/docs/errors#{code}",
        }
        return JsonResponse(body, status=status, content_type="application/problem+json")
    shown = {"title": title, "code": code, "status": status, "request_id": request_id}
    if status == 500:  # the database may be what failed: no context processor runs
        facts = {**shown, "request": request, "brand_name": settings.BRAND_NAME}
        return HttpResponse(render_to_string(_template(request.path, status, code), facts), status=status)
    return render(request, _template(request.path, status, code), shown, status=status)


def _template(path: str, status: int, code: str) -> str:
    own = next((templates for prefix, templates in PAGES.items() if path.startswith(prefix)), None)
    if own:
        return own[1] if status == 500 else own[0]
    if code == FORM_OUTDATED:
        return "403_csrf.html"
    return f"{status}.html" if status in {403, 404, 500} else "400.html"


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, status=400, code="bad_request", title=_("This request cannot be read."))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, status=403, code="forbidden", title=_("Your role does not allow this."))


def form_outdated(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token: open for too long, or sent by another site."""
    title = _("This page was open for too long. Nothing was done. Go back, load the page again, and send it once more.")
    return answer(request, status=403, code=FORM_OUTDATED, title=title)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    is_api = request.path.startswith("/api/")
    title = _("This does not exist.") if is_api else _("This does not exist, or is outside your stores.")
    return answer(request, status=404, code="not_found", title=title)


def method_not_allowed(request: HttpRequest) -> HttpResponse:
    """Who opens the address of a form's answer from the history sees this instead of the browser's own page."""
    title = _("This address only takes a form. Go back, and send the form from its page.")
    return answer(request, status=405, code="method_not_allowed", title=title)


def server_error(request: HttpRequest) -> HttpResponse:
    title = _("This did not work, and it is our fault. Try again; if it stays, send the number to your admin.")
    return answer(request, status=500, code="server_error", title=title, is_retryable=True)


def _wants_json(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") or request.get_preferred_type(
        ["text/html", "application/problem+json", "application/json"]
    ) in {"application/problem+json", "application/json"}
