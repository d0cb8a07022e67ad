"""What every view of the API shares: strict JSON in, JSON out, ETags, pages, and idempotent writes."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.api import door, etags
from apps.api.errors import PreconditionFailed, PreconditionRequired
from apps.api.frame import call_of, refuse
from apps.api.principals import Principal
from apps.core import cursors, idempotency
from apps.core.errors import DomainError
from apps.core.idempotency import Answer, IdempotencyKeyRequired

PAGE, LONGEST_PAGE = 20, 100
MOST_COUNTED = 1_000  # rows that `?count=estimate` counts; this many means this many or more
_KEPT_HEADERS = ("Content-Type", "ETag", "Location", "Allow", "Preference-Applied")
_ANY = "*/*"
_TAKE_JSON = frozenset({_ANY, "application/json", "application/json, text/plain, */*"})  # what nearly all clients send
_JSON = JSONRenderer()
_own = threading.local()


class Input(serializers.Serializer[Any]):
    """Strict: a field that is not declared is an error, so nobody writes what they must not, or believes they did.

    JSON is taken as it is typed: 0 is no text, "yes" no yes.
    """

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := [name for name in data if name not in self.fields]):
            sentence = _("There is no such field.")
            raise ValidationError({name: [ErrorDetail(sentence, code="unknown_field")] for name in unknown})
        if type(data) is dict and (
            mistyped := [name for name, value in data.items() if self._is_mistyped(name, value)]
        ):
            raise ValidationError(
                {
                    name: [ErrorDetail(str(self.fields[name].error_messages["invalid"]), code="invalid")]
                    for name in mistyped
                }
            )
        return super().to_internal_value(data)

    def _is_mistyped(self, name: str, value: Any) -> bool:
        field = self.fields[name]
        if value is None or isinstance(field, serializers.ChoiceField):
            return False
        if isinstance(field, serializers.IntegerField):
            return type(value) is not int and not (type(value) is float and value.is_integer())
        typed = bool if isinstance(field, serializers.BooleanField) else str
        return isinstance(field, serializers.BooleanField | serializers.CharField) and type(value) is not typed


class ApiView(APIView):
    """A view of the API. Writes are idempotent where the caller sends a key; `key_required` names the methods that demand one.

    `keeps_answers` off: answers with secrets or from calls to other platforms are never stored, so a key means nothing there.
    """

    http_method_names = ["get", "head", "post", "put", "delete"]
    route = ""  # its name in config/urls and config/access.yaml
    key_required: tuple[str, ...] = ()
    keeps_answers = True
    format_kwarg = None  # of DRF: addresses here have no suffix like .json

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

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """What DRF does before a method, as far as it is open here: the door has decided who comes in and how often."""
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        if request.META.get("HTTP_ACCEPT", _ANY) in _TAKE_JSON:
            return _JSON, _JSON.media_type
        return super().perform_content_negotiation(request, force)

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

    def read(self, form: type[Input], *, context: dict[str, Any] | None = None) -> Any:
        """The request's body, checked. Raises ValidationError (422 with pointers)."""
        if context is None:
            with suppress(ValidationError):  # said below, in full
                return _form(form).run_validation(self.request.data)
        checked = form(data=self.request.data, context=context or {})
        checked.is_valid(raise_exception=True)
        return checked.validated_data

    def tagged(self, data: Any) -> HttpResponse:
        """The representation with its strong ETag; 304 without a body when the caller has it already."""
        body = _rendered(data)
        tag = etags.of(body)
        if etags.is_known(self.request.META.get("HTTP_IF_NONE_MATCH", ""), tag):
            answer = HttpResponse(status=304)
        else:
            answer = HttpResponse(body, content_type=_JSON.media_type)
        answer["ETag"], answer["Cache-Control"] = tag, "private, no-cache"
        return answer

    def demand_match(self, data: Any) -> None:
        """Raises PreconditionRequired, or PreconditionFailed when `data` is no longer what the caller read."""
        given, tag = self.request.META.get("HTTP_IF_MATCH", ""), etags.of(_rendered(data))
        if etags.is_missing(given):
            raise PreconditionRequired
        if not etags.is_unchanged(given, tag):
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

    def page(
        self, rows: Sequence[dict[str, Any]], *, name: str, following: Sequence[Any] | None, whole: QuerySet[Any]
    ) -> HttpResponse:
        """`following`: the sort key after which the next page begins, None at the end. `whole`: for those who ask for a count."""
        answer: dict[str, Any] = {
            "data": rows,
            "next_cursor": cursors.write(name, following) if following else None,
            "has_more": following is not None,
        }
        asked = self.request.query_params.get("count")
        if asked == "estimate":
            answer["count_estimate"] = whole.order_by()[:MOST_COUNTED].count()
        elif asked is not None:
            sentence = _("There is only count=estimate.")
            raise ValidationError({"count": [ErrorDetail(sentence, code="invalid")]})
        return self.tagged(answer)


def _form(form: type[Input]) -> Input:
    """This thread's own one of a kind: making one copies every field, which takes longer than checking a small body."""
    kept: dict[Any, Input] = _own.__dict__
    if form not in kept:
        kept[form] = form()
    return kept[form]


def _rendered(data: Any) -> bytes:
    body: bytes = _JSON.render(data)
    return body


def _answered(act: Callable[[], Any]) -> Answer:
    """What the view answers, as it is stored."""
    response = act()
    if hasattr(response, "render"):
        response.render()
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    return Answer(status=response.status_code, body=response.content, headers=headers)
