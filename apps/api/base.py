"""What every view of the API shares: strict JSON in, JSON out, ETags, pages, and idempotent writes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api import door
from apps.api.errors import PreconditionFailed, PreconditionRequired
from apps.api.frame import call_of, refuse
from apps.api.principals import Principal
from apps.core import cursors, idempotency
from apps.core.errors import DomainError
from apps.core.idempotency import Answer, IdempotencyKeyRequired

PAGE, LONGEST_PAGE = 20, 100
_KEPT_HEADERS = ("Content-Type", "ETag", "Location", "Allow")


class Input(serializers.Serializer[Any]):
    """Strict: a field that is not declared is an error, so nobody writes what they must not, or believes they did."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := [name for name in data if name not in self.fields]):
            sentence = _("There is no such field.")
            raise ValidationError({name: [ErrorDetail(sentence, code="unknown_field")] for name in unknown})
        return super().to_internal_value(data)


class ApiView(APIView):
    """A view of the API. Writes are idempotent where the caller sends a key; `key_required` names the methods that demand one.

    `keeps_answers` off: answers with secrets or from calls to other platforms are never stored, so a key means nothing there.
    """

    http_method_names = ["get", "head", "post", "put", "delete"]
    route = ""  # its name in config/urls and config/access.yaml
    key_required: tuple[str, ...] = ()
    keeps_answers = True

    @property
    def principal(self) -> Principal:
        return call_of(self.request._request).principal

    @property
    def member_id(self) -> int:
        """The member who calls; the door let nobody else in."""
        assert self.principal.member_id is not None  # noqa: S101
        return self.principal.member_id

    @property
    def family_id(self) -> int:
        """The log-in that calls."""
        assert self.principal.family_id is not None  # noqa: S101
        return self.principal.family_id

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._dispatched(request, *args, **kwargs)
        except DomainError as refusal:
            return refuse(request, refusal)

    def _dispatched(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        call = call_of(request)
        if request.method in self.key_required and not call.key:
            raise IdempotencyKeyRequired
        if not call.key or not self.keeps_answers or request.method in {"GET", "HEAD"}:
            return APIView.dispatch(self, request, *args, **kwargs)
        return self._once(request, lambda: APIView.dispatch(self, request, *args, **kwargs))

    def _once(self, request: HttpRequest, act: Callable[[], Any]) -> HttpResponse:
        call = call_of(request)
        claim = replace(door.claim(request), digest=sha256(request.body).digest())
        answer = idempotency.once(claim, mark=call.mark, act=lambda: _answered(act))
        call.is_replayed = answer.is_replayed
        return HttpResponse(answer.body, status=answer.status, headers=answer.headers)

    def read(self, form: type[Input], *, many: bool = False) -> Any:
        """The request's body, checked. Raises ValidationError (422 with pointers)."""
        checked = form(data=self.request.data, many=many)
        checked.is_valid(raise_exception=True)
        return checked.validated_data

    def tagged(self, data: Any) -> HttpResponse:
        """The representation with its strong ETag; 304 without a body when the caller has it already."""
        tag = etag(data)
        if _matches(self.request.headers.get("If-None-Match", ""), tag):
            answer: HttpResponse = HttpResponse(status=304)
        else:
            answer = Response(data)
        answer["ETag"], answer["Cache-Control"] = tag, "private, no-cache"
        return answer

    def demand_match(self, data: Any) -> None:
        """Raises PreconditionRequired, or PreconditionFailed when `data` is no longer what the caller read."""
        given, tag = self.request.headers.get("If-Match", ""), etag(data)
        if not given.strip():
            raise PreconditionRequired
        if not _matches(given, tag):
            raise PreconditionFailed(current=tag)

    def page_asked(self, name: str) -> tuple[int, list[Any] | None]:
        """(limit, key of the last row seen) from `limit` and `cursor`. Raises CursorInvalid, ValidationError."""
        text = self.request.query_params.get("limit", str(PAGE))
        limit = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
        if not 1 <= limit <= LONGEST_PAGE:
            sentence = _("A number from 1 to 100 is expected.")
            raise ValidationError({"limit": [ErrorDetail(sentence, code="invalid")]})
        cursor = self.request.query_params.get("cursor", "")
        return limit, cursors.read(name, cursor) if cursor else None

    def page(self, rows: Sequence[dict[str, Any]], *, name: str, limit: int, keys: Sequence[Sequence[Any]]) -> Response:
        """`rows` are up to `limit` + 1 in list order, `keys` their sort keys."""
        more = len(rows) > limit
        cursor = cursors.write(name, keys[limit - 1]) if more else None
        return Response({"data": rows[:limit], "next_cursor": cursor, "has_more": more})

    def page_of(self, rows: Sequence[dict[str, Any]], *, name: str, following: str | None) -> Response:
        """The same for a list whose selector cuts its own pages; `following` is its cursor, signed here."""
        cursor = cursors.write(name, [following]) if following else None
        return Response({"data": list(rows), "next_cursor": cursor, "has_more": following is not None})


def etag(data: Any) -> str:
    """Strong: another representation, another tag."""
    return f'"{sha256(JSONRenderer().render(data)).hexdigest()[:32]}"'


def _matches(header: str, tag: str) -> bool:
    return any(given.strip() in {tag, "*"} for given in header.split(","))


def _answered(act: Callable[[], Any]) -> Answer:
    """What the view answers; what a refusal wrote is undone."""
    point = transaction.savepoint()
    response = act()
    if hasattr(response, "render"):
        response.render()
    if response.status_code >= 400:
        transaction.savepoint_rollback(point)
    else:
        transaction.savepoint_commit(point)
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    return Answer(status=response.status_code, body=response.content, headers=headers)
