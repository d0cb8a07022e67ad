"""The OpenAPI document is whole, true to the routes, and breaks no client inside a version."""

import json
from copy import deepcopy
from functools import cache

import pytest
from django.conf import settings
from django.utils import translation

from apps.api import catalogue, document
from apps.api.schema import PROBLEM
from apps.core.errors import DomainError
from tests.architecture.test_access import ROUTES, needs

PUBLISHED = settings.BASE_DIR / "docs" / "api" / "openapi.json"
INTERNAL = {
    "api:openapi",
    "api:docs",
    "api:docs_errors",
    "api:docs_sandbox",
    "api:docs_status",
}  # the document itself and its pages


@cache
def made() -> dict:
    return json.loads(json.dumps(document.built(), default=str))


def test_every_route_of_the_api_stands_in_the_document_or_on_the_written_list():
    addresses = {f"/{path}" for name, path in ROUTES if name.startswith("api:") and name not in INTERNAL}
    described = {path.replace("{", "<str:").replace("}", ">") for path in made()["paths"]}

    assert addresses - described == set()
    assert described - addresses == set()


def test_every_operation_has_a_name_a_need_and_an_example_for_each_answer():
    ids, wrong = set(), []
    for path, method, one in document.operations(made()):
        name = f"{method} {path}"
        ids.add(one["operationId"])
        if not one.get("summary") or not one.get("x-needs") or one.get("description"):
            wrong.append(f"{name}: summary, need")
        if not any(status.startswith("2") for status in one["responses"]):
            wrong.append(f"{name}: no success")
        if "requestBody" in one and not all(kind.get("examples") for kind in one["requestBody"]["content"].values()):
            wrong.append(f"{name}: body without example")
        for status, response in one["responses"].items():
            if any(not kind.get("examples") for kind in response.get("content", {}).values()):
                wrong.append(f"{name}: {status} without example")
            if int(status) >= 400 and PROBLEM not in response["content"]:
                wrong.append(f"{name}: {status} is no problem document")

    assert wrong == []
    assert len(ids) == len(list(document.operations(made())))


def test_the_document_says_what_the_access_table_says():
    routes = {name: path for name, path in ROUTES if name.startswith("api:") and name not in INTERNAL}
    said = {path: one["x-needs"] for path, _method, one in document.operations(made())}

    for name, path in routes.items():
        assert said[f"/{path}".replace("<str:", "{").replace(">", "}")] == needs(name)


def test_the_published_document_is_that_of_this_code_and_nothing_in_it_broke():
    published = json.loads(PUBLISHED.read_text())

    if published["info"]["version"] == made()["info"]["version"]:
        assert document.breaks(published, made()) == []
    assert published == made(), "run: bin/manage api_document --write"


def change(document: dict, edit) -> dict:
    changed = deepcopy(document)
    edit(changed)
    return changed


ME = "/api/v1/me"
BREAKING = {
    "a path gone": lambda d: d["paths"].pop("/api/v1/me/home"),
    "a method gone": lambda d: d["paths"][ME].pop("put"),
    "an answer gone": lambda d: d["paths"][ME]["get"]["responses"].pop("304"),
    "another need": lambda d: d["paths"][ME]["get"].update({"x-needs": "client:members:read"}),
    "a new required header": lambda d: d["paths"][ME]["get"]["parameters"].append(
        {"in": "header", "name": "X-New", "required": True}
    ),
    "a parameter gone": lambda d: d["paths"]["/api/v1/me/orders"]["get"]["parameters"].pop(),
    "a field gone": lambda d: d["components"]["schemas"]["MemberOut"]["properties"].pop("phone"),
    "another type": lambda d: d["components"]["schemas"]["OrderOut"]["properties"]["total_cents"].update(type="string"),
    "a field that may be absent": lambda d: d["components"]["schemas"]["MemberOut"]["required"].remove("phone"),
    "a new required input": lambda d: d["components"]["schemas"]["ProfileInput"].update(required=["nickname"]),
    "an input gone": lambda d: d["components"]["schemas"]["ProfileInput"]["properties"].pop("gender"),
    "a schema gone": lambda d: d["components"]["schemas"].pop("OrderOut"),
}
HARMLESS = {
    "nothing": lambda d: None,
    "a new path": lambda d: d["paths"].update({"/api/v1/new": d["paths"][ME]}),
    "a new field": lambda d: d["components"]["schemas"]["MemberOut"]["properties"].update(tier={"type": "string"}),
    "a new optional input": lambda d: d["components"]["schemas"]["ProfileInput"]["properties"].update(
        x={"type": "string"}
    ),
    "a new optional parameter": lambda d: d["paths"][ME]["get"]["parameters"].append({"in": "query", "name": "x"}),
    "a new answer": lambda d: d["paths"][ME]["get"]["responses"].update({"418": {"description": "tea"}}),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_change_that_breaks_clients_is_found(name: str):
    assert len(document.breaks(made(), change(made(), BREAKING[name]))) == 1


@pytest.mark.parametrize("name", HARMLESS)
def test_an_addition_breaks_nobody(name: str):
    assert document.breaks(made(), change(made(), HARMLESS[name])) == []


def test_the_catalogue_agrees_with_the_rules():
    wrong = [
        code.code
        for code in catalogue.ENTRIES
        if (rule := catalogue.rules().get(code.code))
        and (rule.status, rule.is_retryable) != (code.status, code.is_retryable)
    ]
    codes = [one.code for one in catalogue.ENTRIES]

    assert wrong == []
    assert len(codes) == len(set(codes))


def test_every_code_has_words_in_both_languages():
    for language in ("en", "zh-hans"):
        with translation.override(language):
            for one in catalogue.ENTRIES:
                assert str(one.cause), one.code
                assert str(one.cure), one.code
                assert catalogue.example(one.code)["title"], one.code


def test_every_code_of_the_catalogue_is_answered_by_a_route_and_no_other_code_is():
    answered = {
        code
        for _path, _method, one in document.operations(made())
        for response in one["responses"].values()
        for code in response.get("content", {}).get(PROBLEM, {}).get("examples", {})
    }
    by_the_frame_alone = {"method_not_allowed"}

    assert {one.code for one in catalogue.ENTRIES} - answered == by_the_frame_alone
    assert all(issubclass(rule, DomainError) for rule in catalogue.rules().values())
