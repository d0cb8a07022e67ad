"""What every view of the API shares: strict JSON in, JSON out, ETags, pages, and idempotent writes."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, MethodNotAllowed, ValidationError
from rest_framework.fields import empty
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.api import door, etags, parsers
from apps.api.errors import PreconditionFailed, PreconditionRequired
from apps.api.frame import call_of, refuse
from apps.api.principals import Principal
from apps.api.rendering import MEDIA_TYPE, rendered
from apps.core import cursors, idempotency
from apps.core.errors import DomainError
from apps.core.idempotency import Answer, IdempotencyKeyRequired

PAGE, LONGEST_PAGE = 20, 100
MOST_COUNTED = 1_000  # rows that `?count=estimate` counts; this many means this many or more
_KEPT_HEADERS = ("Content-Type", "ETag", "Location", "Allow", "Preference-Applied")
_ANY = "*/*"
_TAKE_JSON = frozenset({_ANY, "application/json", "application/json, text/plain, */*"})  # what nearly all clients send
_PARSERS = APIView.parser_classes  # where a view has others, DRF chooses
_own = threading.local()


class Input(serializers.Serializer[Any]):
    """Strict: a field that is not declared is an error, so nobody writes what they must not, or believes they did.

    JSON is taken as it is typed: 0 is no text, "yes" no yes.
    """

    def run_validation(self, data: Any = empty) -> Any:
        if type(data) is dict and self._is_plain:
            return self.to_internal_value(data)
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := [name for name in data if name not in self._types]):
            sentence = _("There is no such field.")
            raise ValidationError({name: [ErrorDetail(sentence, code="unknown_field")] for name in unknown})
        if type(data) is dict and (
            mistyped := [name for name, value in data.items() if value is not None and not self._types[name](value)]
        ):
            raise ValidationError(
                {
                    name: [ErrorDetail(str(self.fields[name].error_messages["invalid"]), code="invalid")]
                    for name in mistyped
                }
            )
        return super().to_internal_value(data)

    def quick(self, data: Any) -> Any:
        """As `run_validation`, for the first mistake alone: two thirds of the time where the form is plain."""
        if self._flat is None or type(data) is not dict:
            return self.run_validation(data)
        if not all(name in self._types and (v is None or self._types[name](v)) for name, v in data.items()):
            raise ValidationError
        return {
            name: field.run_validation(data.get(name, empty))
            for name, field, may_be_absent in self._flat
            if name in data or not may_be_absent
        }

    @cached_property
    def _flat(self) -> list[tuple[str, Any, bool]] | None:
        """Its fields, each with whether it is left out where it was not given; None: DRF has more to do."""
        fields = list(self.fields.items())
        if not self._is_plain or any(
            field.read_only or field.source_attrs != [name] or hasattr(self, f"validate_{name}")
            for name, field in fields
        ):
            return None
        return [(name, field, not field.required and field.default is empty) for name, field in fields]

    @cached_property
    def _is_plain(self) -> bool:
        """Nothing is checked but its fields, each by itself."""
        return not self.validators and type(self).validate is serializers.Serializer.validate and self.parent is None

    @cached_property
    def _types(self) -> dict[str, Callable[[Any], bool]]:
        """Field → whether a value of its JSON type was typed."""
        return {name: _typed(field) for name, field in self.fields.items()}


def _typed(field: Any) -> Callable[[Any], bool]:
    if isinstance(field, serializers.ChoiceField):
        return lambda _value: True
    if isinstance(field, serializers.IntegerField):
        return lambda value: type(value) is int or (type(value) is float and value.is_integer())
    if isinstance(field, serializers.BooleanField):
        return lambda value: type(value) is bool
    if isinstance(field, serializers.CharField):
        return lambda value: type(value) is str
    return lambda _value: True


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

    def source(self, of: str) -> str:
        """What makes this keyed write of the caller happen once for good, not for the day that its answer is kept."""
        key = sha256(call_of(self.request._request).key.encode()).hexdigest()
        return f"api:{of}:{self.principal.member_id or self.principal.actor}:{key[:40]}"

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
        call = call_of(request)
        try:
            if request.method in self.key_required and not call.key:
                raise IdempotencyKeyRequired
            if not call.key or not self.keeps_answers or request.method in {"GET", "HEAD"}:
                return self._act(request, *args, **kwargs)
            return self._once(request, lambda: self._act(request, *args, **kwargs))
        except DomainError as refusal:
            return refuse(request, refusal)

    def _act(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """DRF's dispatch, as far as it is open here: the door has decided who comes in and how often, and answers are JSON."""
        self.args, self.kwargs = args, kwargs
        self.request = Request(request, self.get_parsers(), self.get_authenticators(), self.get_content_negotiator())
        try:
            if request.META.get("HTTP_ACCEPT", _ANY) not in _TAKE_JSON:
                self.perform_content_negotiation(self.request)  # raises NotAcceptable
            method = (request.method or "").lower()
            act = getattr(self, method, None) if method in self.http_method_names else None
            if act is None:
                raise MethodNotAllowed(method)
            return act(self.request, *args, **kwargs)
        except Exception as wrong:
            answer = self.handle_exception(wrong)
            if answer.status_code == 405:
                answer["Allow"] = ", ".join(self.allowed_methods)
            return answer

    def _once(self, request: HttpRequest, act: Callable[[], HttpResponse]) -> HttpResponse:
        call, made = call_of(request), list[HttpResponse]()

        def answered() -> Answer:
            made.append(act())
            return _kept(made[0])

        claim = door.claim(request, digest=sha256(request.body).digest())
        answer = idempotency.once(claim, mark=call.mark, act=answered)
        call.is_replayed = answer.is_replayed
        return (
            HttpResponse(answer.body, status=answer.status, headers=answer.headers) if answer.is_replayed else made[0]
        )

    def read(self, form: type[Input], *, context: dict[str, Any] | None = None) -> Any:
        """The request's body, checked. Raises ValidationError (422 with pointers)."""
        data = self._body()
        if context is None:
            with suppress(ValidationError):  # said below, in full
                return _form(form).quick(data)
        checked = form(data=data, context=context or {})
        checked.is_valid(raise_exception=True)
        return checked.validated_data

    def _body(self) -> Any:
        request = self.request._request
        if request.META.get("CONTENT_TYPE") == MEDIA_TYPE and self.parser_classes == _PARSERS and request.body:
            return parsers.read(request.body)
        return self.request.data

    def tagged(self, data: Any) -> HttpResponse:
        """The representation with its strong ETag; 304 without a body when the caller has it already."""
        body = rendered(data)
        tag = etags.of(body)
        if etags.is_known(self.request.META.get("HTTP_IF_NONE_MATCH", ""), tag):
            answer = HttpResponse(status=304)
        else:
            answer = HttpResponse(body, content_type=MEDIA_TYPE)
        answer["ETag"], answer["Cache-Control"] = tag, "private, no-cache"
        return answer

    def demand_match(self, data: Any) -> None:
        """Raises PreconditionRequired, or PreconditionFailed when `data` is no longer what the caller read."""
        given, tag = self.request.META.get("HTTP_IF_MATCH", ""), etags.of(rendered(data))
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

    def newest_first(self, whole: QuerySet[Any], *, of: str, shown: Callable[[Any], dict[str, Any]]) -> HttpResponse:
        """A page of rows of the member, the last made first; `of` names the list, whose cursors fit no other and nobody else."""
        name = f"{of}:{self.member_id}"
        limit, after = self.page_asked(name)
        whole = whole.order_by("-pk")
        rows = list((whole.filter(pk__lt=after[0]) if after else whole)[: limit + 1])
        following = [rows[limit - 1].pk] if len(rows) > limit else None
        return self.page([shown(row) for row in rows[:limit]], name=name, following=following, whole=whole)

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


def _kept(response: HttpResponse) -> Answer:
    """What the view answers, as it is stored."""
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    return Answer(status=response.status_code, body=response.content, headers=headers)
