"""What DRF's own refusals become: problem documents like those of our rules, with a pointer to each wrong field."""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions

from apps.api import errors
from apps.api.frame import refuse
from apps.core.errors import DomainError, Forbidden, NotFound, Unauthenticated, ValidationFailed

_PLAIN: dict[type[Exception], type[DomainError]] = {
    exceptions.ParseError: errors.Malformed,
    exceptions.NotFound: errors.NothingHere,
    exceptions.MethodNotAllowed: errors.MethodNotAllowed,
    exceptions.NotAcceptable: errors.NotAcceptable,
    exceptions.UnsupportedMediaType: errors.MediaTypeUnsupported,
    exceptions.AuthenticationFailed: Unauthenticated,
    exceptions.NotAuthenticated: Unauthenticated,
    exceptions.PermissionDenied: errors.ScopeMissing,
    PermissionDenied: errors.ScopeMissing,
    Http404: errors.NothingHere,
    TooManyFieldsSent: errors.Malformed,
    TooManyFilesSent: errors.Malformed,
    NotFound: errors.NothingHere,  # the rules' own words speak to staff, of their stores and roles
    Forbidden: errors.ScopeMissing,
}


def handle(exception: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's exception handler: None lets an unexpected error through to the 500 page."""
    refusal = _refusal(exception)
    if refusal is None:
        return None
    request: HttpRequest = context["request"]._request
    return refuse(request, refusal)


def _refusal(exception: Exception) -> DomainError | None:
    if isinstance(exception, exceptions.ValidationError):
        return ValidationFailed(errors=pointed(exception.detail))
    if isinstance(exception, RequestDataTooBig):
        return errors.UploadTooLarge(limit_bytes=settings.API_BODY_MAX_BYTES)
    plain = next((ours for theirs, ours in _PLAIN.items() if type(exception) is theirs), None)
    if plain is not None:
        return plain()
    return exception if isinstance(exception, DomainError) else None


def pointed(detail: Any, at: str = "") -> list[dict[str, str]]:
    """DRF's nested error details as a flat list: {"pointer": "/items/0/phone", "code", "message"}."""
    if isinstance(detail, dict):
        return [
            line
            for name, inner in detail.items()
            for line in pointed(inner, at if name == "non_field_errors" else f"{at}/{_escaped(str(name))}")
        ]
    if isinstance(detail, list) and all(isinstance(one, exceptions.ErrorDetail) for one in detail):
        return [{"pointer": at, "code": one.code or "invalid", "message": str(one)} for one in detail]
    if isinstance(detail, list):
        return [line for number, inner in enumerate(detail) for line in pointed(inner, f"{at}/{number}")]
    return [{"pointer": at, "code": getattr(detail, "code", "invalid"), "message": str(detail)}]


def _escaped(name: str) -> str:
    """A name as part of a JSON Pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
