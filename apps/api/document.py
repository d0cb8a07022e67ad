"""The OpenAPI document: built from the views, finished here with what the frame adds, and compared with the one that was published."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request

from apps.api import catalogue
from apps.api.schema import PROBLEM
from apps.stores.access import rules
from apps.webhooks import catalogue as webhooks

METHODS = ("get", "post", "put", "delete")
NEEDS = "x-needs"
_SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")  # Standard Webhooks 1.0.0


@cache
def built() -> dict[str, Any]:
    """The document of this code, in English."""
    with translation.override("en"):
        return dict(SchemaGenerator().get_schema(request=None, public=True))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) of every operation."""
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield path, method, methods[method]


def finish(result: dict[str, Any], generator: SchemaGenerator, request: Request | None, public: bool) -> dict[str, Any]:
    """Says who may call what, fills in the problems' examples, and closes every input to fields it does not know."""
    assert generator.inspector is not None  # noqa: S101 - it made `result`
    endpoints = generator.inspector.get_api_endpoints()
    needs = {path: rules().need(f"api:{view.cls.route}") or "" for path, _pattern, _method, view in endpoints}
    keyed = {(path, method.lower()) for path, _pattern, method, view in endpoints if method in view.cls.key_required}
    problem = _problem_schema(result)
    for path, method, one in operations(result):
        need = one[NEEDS] = needs[path]
        for given in one.get("parameters", []):
            if given["name"] == "Idempotency-Key" and (path, method) in keyed:
                given["required"] = True
        codes = ["test_clock_refused", "maintenance"] + (["unauthenticated"] if need != "public" else [])
        codes += ["token_expired"] if "member" in need or need == "anyone" else []
        codes += ["forbidden"] if ":" in need else []
        _add_problems(one, codes, problem)
        for response in one["responses"].values():
            _fill(response)
            response["headers"] = response.get("headers", {}) | {"X-Request-Id": {"schema": {"type": "string"}}}
        one["responses"] = dict(sorted(one["responses"].items()))
        _demand_body(one, result["components"]["schemas"])
    for name, schema in result["components"]["schemas"].items():
        if name.endswith("Input"):
            schema["additionalProperties"] = False
    result["webhooks"] = {name: {"post": _told(name, fact)} for name, fact in webhooks.ALL.items()}
    return result


def _told(name: str, fact: webhooks.Fact) -> dict[str, Any]:
    """What an endpoint is sent; see docs/webhooks.md."""
    head = [{"name": one, "in": "header", "required": True, "schema": {"type": "string"}} for one in _SIGNED]
    body = {
        "type": "object", "required": ["type", "timestamp", "data"], "additionalProperties": False,
        "properties": {
            "type": {"const": name}, "timestamp": {"type": "string", "format": "date-time"}, "data": fact.schema,
        },
    }  # fmt: skip
    return {
        "operationId": f"webhook_{name.replace('.', '_')}", "summary": str(fact.label), "tags": ["Webhooks"], "parameters": head,
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "2XX": {"description": "Taken. Every other answer is tried again."},
            "410": {"description": "Switches the endpoint off."},
        },
    }  # fmt: skip


def _demand_body(one: dict[str, Any], schemas: dict[str, Any]) -> None:
    """A form that wants at least one of its optional fields wants a body."""
    for content in one.get("requestBody", {}).get("content", {}).values():
        if schemas[content["schema"]["$ref"].rpartition("/")[2]].get("minProperties"):
            one["requestBody"]["required"] = True


def _problem_schema(result: dict[str, Any]) -> dict[str, Any]:
    """Problems carry facts of their rule beside the fields that all have."""
    result["components"]["schemas"]["Problem"]["additionalProperties"] = True
    return {"$ref": "#/components/schemas/Problem"}


def _add_problems(one: dict[str, Any], codes: list[str], schema: dict[str, Any]) -> None:
    for code in codes:
        status = str(catalogue.entry(code).status)
        response = one["responses"].setdefault(status, {"description": ""})
        content = response.setdefault("content", {}).setdefault(PROBLEM, {"schema": schema})
        examples = content.setdefault("examples", {})
        if not any(known["value"]["code"] == code for known in examples.values()):
            examples[code] = {"value": {"code": code}}
            response["description"] = " · ".join(filter(None, [response["description"], code]))


def _fill(response: dict[str, Any]) -> None:
    """Whole problem documents in place of bare codes, each under its code."""
    content = response.get("content", {})
    if PROBLEM in content:
        codes = [example["value"]["code"] for example in content[PROBLEM].get("examples", {}).values()]
        content[PROBLEM]["examples"] = {code: {"value": catalogue.example(code)} for code in codes}


def breaks(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What a client written for `before` would no longer find in `after`. Empty within a version."""
    found = []
    now = {(path, method): one for path, method, one in operations(after)}
    for path, method, one in operations(before):
        name = f"{method.upper()} {path}"
        if (path, method) not in now:
            found.append(f"{name} is gone")
            continue
        found += [f"{name}: {text}" for text in _operation_breaks(one, now[path, method])]
    schemas = after["components"]["schemas"]
    for name, schema in before["components"]["schemas"].items():
        if name in schemas:
            found += [
                f"{name}{text}" for text in _schema_breaks(schema, schemas[name], is_input=name.endswith("Input"))
            ]
        else:
            found.append(f"{name} is gone")
    return found


def _operation_breaks(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    found = [f"answers {status} no more" for status in before["responses"] if status not in after["responses"]]
    if before.get(NEEDS) != after.get(NEEDS):
        found.append(f"needs {after.get(NEEDS)}, not {before.get(NEEDS)}")
    known = {(one["in"], one["name"]): one for one in before.get("parameters", [])}
    for one in after.get("parameters", []):
        earlier = known.pop((one["in"], one["name"]), None)
        if one.get("required") and not (earlier and earlier.get("required")):
            found.append(f"demands {one['name']}")
    found += [f"knows {name} no more" for _where, name in known]
    if "requestBody" in after and "requestBody" not in before:
        found.append("demands a body")
    return found


def _schema_breaks(before: dict[str, Any], after: dict[str, Any], *, is_input: bool) -> list[str]:
    """Fields and enum values that are gone, types that changed, fields that became required (input) or may be absent (output)."""
    properties = after.get("properties", {})
    found = []
    for name, old in before.get("properties", {}).items():
        if name not in properties:
            found.append(f".{name} is gone")
            continue
        new = properties[name]
        if _kind(old) != _kind(new):
            found.append(f".{name} has another type")
        if lost := set(map(str, old.get("enum", []))) - set(map(str, new.get("enum", old.get("enum", [])))):
            found.append(f".{name} takes {', '.join(sorted(lost))} no more")
    needed, was_needed = set(after.get("required", [])), set(before.get("required", []))
    found += [f".{name} is required now" for name in sorted(needed - was_needed) if is_input]
    found += [f".{name} may be absent now" for name in sorted(was_needed - needed) if not is_input]
    if lost := set(map(str, before.get("enum", []))) - set(map(str, after.get("enum", []))):
        found.append(f" takes {', '.join(sorted(lost))} no more")
    return found


def _kind(schema: dict[str, Any]) -> tuple[Any, ...]:
    items = schema.get("items", {})
    return schema.get("type"), schema.get("$ref"), items.get("type"), items.get("$ref")
