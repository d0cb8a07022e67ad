"""How a view method says what it is in the OpenAPI document: one decorator; what follows from the frame is added here."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from apps.api import catalogue, shapes
from apps.api.base import Input
from apps.core import idempotency
from apps.stores.access import rules

PROBLEM = "application/problem+json"
_NOT_BLANK = r"[^\s\x1c-\x1f\x85]"  # Python takes these for spaces, too; what reads the document may not
Method = Callable[..., Any]


class Pointed(serializers.Serializer[Any]):
    pointer = serializers.CharField(help_text="JSON Pointer into the body")
    code = serializers.CharField()
    message = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """RFC 9457, with a stable `code`."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    retryable = serializers.BooleanField()
    request_id = serializers.CharField()
    doc = serializers.CharField()
    errors = Pointed(many=True, required=False)  # type: ignore[assignment]  # DRF makes it a field


class Operation(AutoSchema):
    """Adds the security scheme that config/access.yaml names for the route."""

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        """Inputs that must not be blank say so; blank is also what is nothing but spaces."""
        schema = super()._map_serializer_field(field, direction, bypass_extensions) | getattr(field, "limits", {})
        if isinstance(field, serializers.FileField) and isinstance(field.parent, Input):
            return schema | {"format": "binary"}
        within = field.parent.parent if isinstance(field.parent, serializers.ListField) else field.parent
        is_text = type(field) in (serializers.CharField, shapes.Id) and isinstance(within, Input)
        return schema | {"minLength": 1, "pattern": _NOT_BLANK} if is_text and not field.allow_blank else schema

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        return super()._map_basic_serializer(serializer, direction) | getattr(serializer, "limits", {})

    def get_description(self) -> str:  # type: ignore[override]  # as in AutoSchema
        return ""  # the docstrings of views speak to their readers, not to callers

    def get_operation_id(self) -> str:
        return f"{self.view.route}_{self.method.lower()}"  # type: ignore[attr-defined]  # all are ApiViews

    def get_auth(self) -> list[dict[str, list[str]]]:
        need = need_of(self.view)
        if need in {"public", "anyone"}:
            return [{}] if need == "public" else [{}, {"member": []}]
        kinds = {one.strip().partition(":")[0] for one in need.split("|")}
        return [{kind: []} for kind in ("member", "client", "device") if kind in kinds]


@dataclass(frozen=True)
class Paged:
    """The answer is a page of these rows."""

    row: type[serializers.Serializer[Any]]


def need_of(view: Any) -> str:
    """What config/access.yaml asks for at this view's route."""
    return rules().need(f"api:{view.route}") or ""


def operation(
    summary: str,
    *,
    answer: Any = None,
    example: Any = None,
    status: int = 200,
    form: type[Input] | None = None,
    asks: Any = None,
    problems: Sequence[str] = (),
    parameters: Iterable[OpenApiParameter] = (),
    tag: str = "me",
    is_keyed: bool = True,
    is_tagged: bool = False,
    media_type: str = "application/json",
    answer_type: str = "application/json",
    also: Mapping[int, tuple[Any, Any]] | None = None,
) -> Callable[[Method], Method]:
    """`form` with the example `asks` is the body; `answer` with `example` the 2xx; `problems` what this route itself may refuse.

    `also`: further answers, status → (answer, example).
    """

    def decorate(method: Method) -> Method:
        name = method.__name__.upper()
        is_write = name != "GET"
        extra = [
            *parameters,
            *_parameters(is_write=is_write and is_keyed, answer=answer, is_tagged=is_tagged, name=name),
        ]
        codes = [
            *problems,
            *_common(form=form, is_write=is_write and is_keyed, is_tagged=is_tagged, answer=answer, name=name),
        ]
        schema, shown = _schema(answer, example)
        responses: dict[Any, Any] = {
            (status, answer_type) if schema else status: OpenApiResponse(
                schema, description=str(summary), examples=[OpenApiExample("ok", value=shown)] if schema else []
            )
        }
        for other, (its_schema, its_example) in (also or {}).items():
            responses[other] = OpenApiResponse(its_schema, examples=[OpenApiExample("ok", value=its_example)])
        if is_tagged and name == "GET":
            responses[304] = OpenApiResponse(description="Not modified")
        responses |= problem_responses(codes)
        return extend_schema(
            summary=summary,
            tags=[tag],
            request={media_type: form} if form else None,
            examples=[OpenApiExample("body", value=asks, request_only=True, media_type=media_type)]
            if asks is not None
            else [],
            parameters=extra,
            responses=responses,
        )(method)

    return decorate


def problem_responses(codes: Iterable[str]) -> dict[Any, OpenApiResponse]:
    """One response per status, with an example for every code."""
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(catalogue.entry(code).status, []).append(code)
    return {
        (status, PROBLEM): OpenApiResponse(
            Problem,
            description=" · ".join(names),
            examples=[OpenApiExample(code, value={"code": code}) for code in names],  # filled in by `document.finish`
        )
        for status, names in sorted(by_status.items())
    }


def _schema(answer: Any, example: Any) -> tuple[Any, Any]:
    if not isinstance(answer, Paged):
        return answer, example
    name = answer.row.__name__
    page = type(
        f"{name}Page",
        (serializers.Serializer,),
        {
            "data": answer.row(many=True),
            "next_cursor": serializers.CharField(allow_null=True),
            "has_more": serializers.BooleanField(),
            "count_estimate": serializers.IntegerField(
                required=False, help_text="only with ?count=estimate; 1000 means 1000 or more"
            ),
        },
    )
    return page, {"data": [example], "next_cursor": None, "has_more": False}


def _parameters(*, is_write: bool, answer: Any, is_tagged: bool, name: str) -> list[OpenApiParameter]:
    found = []
    if is_write:
        found.append(
            _header(
                "Idempotency-Key",
                "Names this write: the same key again gets the same answer, for 24 hours.",
                schema=_KEY,
            )
        )
    if is_tagged and name == "GET":
        found.append(_header("If-None-Match", "The ETag you have: 304 when nothing changed."))
    if is_tagged and name == "PUT":
        found.append(_header("If-Match", "The ETag you read, or * for whatever it is.", required=True, schema=_TAG))
    if isinstance(answer, Paged):
        found.append(OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}))
        found.append(
            OpenApiParameter(
                "count", {"type": "string", "enum": ["estimate"]}, description="adds count_estimate to the page"
            )
        )
        found.append(OpenApiParameter("cursor", OpenApiTypes.STR, description="next_cursor of the page before"))
    return found


def query(name: str, description: str, *, required: bool = False) -> OpenApiParameter:
    schema = {"type": "string", "minLength": 1} if required else {"type": "string"}
    return OpenApiParameter(name, schema, description=description, required=required)


_TAG = {"type": "string", "pattern": r'^(\*|(W/)?"[!#-~]*"(, (W/)?"[!#-~]*")*)$'}
_KEY = {"type": "string", "minLength": 1, "maxLength": idempotency.LONGEST, "pattern": idempotency.HEADER}


def _header(
    name: str, description: str, *, required: bool = False, schema: dict[str, Any] | None = None
) -> OpenApiParameter:
    schema = schema or {"type": "string"}
    return OpenApiParameter(name, schema, OpenApiParameter.HEADER, description=description, required=required)


def _common(*, form: Any, is_write: bool, is_tagged: bool, answer: Any, name: str) -> list[str]:
    """What the frame may refuse on such a route; what needs a log-in is added by `document.finish`."""
    codes = ["api_version_unknown", "not_acceptable", "rate_limited", "server_error"]
    if form is not None:
        codes += ["malformed_request", "validation_failed", "unsupported_media_type", "upload_too_large"]
    if is_write:
        codes += ["idempotency_key_required", "idempotency_key_reused", "idempotency_in_progress"]
    if is_tagged and name == "PUT":
        codes += ["precondition_required", "precondition_failed"]
    if isinstance(answer, Paged):
        codes += ["cursor_invalid", "validation_failed"]
    return codes
