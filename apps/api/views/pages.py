"""The document, and pages for people who write clients. Public; they say nothing about this brand's data."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from apps.api import catalogue, deprecations, document
from apps.api import status as standing
from apps.api.frame import VERSIONS
from apps.api.schema import PROBLEM
from apps.core import clock
from apps.flows.sandbox import CASES
from apps.gateways import sandbox as house

GUIDES = ("quick-start", "errors", "idempotency", "pagination", "bulk", "versions", "rate-limits", "sandbox", "files")


@require_safe
@cache_control(public=True, max_age=300)
def openapi(request: HttpRequest) -> HttpResponse:
    return JsonResponse(document.built(), json_dumps_params={"ensure_ascii": False})


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    made = document.built()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, method, one in document.operations(made):
        groups.setdefault(one["tags"][0], []).append(_shown(path, method, one))
    context = {"groups": sorted(groups.items()), "version": made["info"]["version"], "guides": GUIDES}
    return render(request, "api/docs.html", context)


@require_safe
def errors(request: HttpRequest) -> HttpResponse:
    rows = [
        {"entry": one, "title": catalogue.title(one.code)}
        for one in sorted(catalogue.ENTRIES, key=lambda one: one.status)
    ]
    return render(request, "api/errors.html", {"rows": rows})


@require_safe
def sandbox(request: HttpRequest) -> HttpResponse:
    facts = {"cases": CASES, "code": house.CODE, "is_open": house.is_open()}
    return render(request, "api/sandbox.html", facts)


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    moment = clock.now()
    parts, (counted_at, days) = standing.parts(moment=moment), standing.days(moment=moment)
    facts = {
        "parts": parts, "is_well": all(part.is_well for part in parts), "days": days, "counted_at": counted_at, "moment": moment,
        "ending": deprecations.announced(moment), "versions": VERSIONS,
    }  # fmt: skip
    return render(request, "api/status.html", facts)


def _shown(path: str, method: str, one: dict[str, Any]) -> dict[str, Any]:
    body: Any = next(iter(one.get("requestBody", {}).get("content", {}).values()), {})
    success = next(status for status in one["responses"] if status.startswith("2"))
    answer: Any = next(iter(one["responses"][success].get("content", {}).values()), {})
    return {
        "id": one["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": one["summary"],
        "needs": one[document.NEEDS],
        "parameters": [
            {"name": given["name"], "where": given["in"], "required": given.get("required", False)}
            for given in one.get("parameters", [])
        ],
        "body": _example(body),
        "status": success,
        "answer": _example(answer),
        "codes": [
            code
            for response in one["responses"].values()
            for code in response.get("content", {}).get(PROBLEM, {}).get("examples", {})
        ],
    }


def _example(content: dict[str, Any]) -> Any:
    return next((one["value"] for one in content.get("examples", {}).values()), None)
