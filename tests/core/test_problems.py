"""Errors at the edge, through the real middleware chain."""

import json
import logging

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from apps.core import logs, problems
from apps.core.errors import DomainError, ValidationFailed

pytestmark = pytest.mark.django_db


class TooFew(DomainError):
    code = "too_few"
    is_retryable = True
    title = _("Needs %(needed)s, there are %(there)s.")


def ask(accept: str) -> HttpResponse:
    request = RequestFactory().get("/console/members/", HTTP_ACCEPT=accept)
    request.id = "req_test1234"  # type: ignore[attr-defined]

    def view(_request: HttpRequest) -> HttpResponse:
        raise AssertionError("process_exception is called by Django, not through here")

    answer = problems.ProblemMiddleware(view).process_exception(request, TooFew(needed=3, there=1))
    assert answer is not None
    return answer


def test_a_program_gets_a_problem_document_with_stable_code_and_request_id():
    answer = ask("application/json")

    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert json.loads(answer.content) == {
        "type": "/problems/too_few",
        "title": "Needs 3, there are 1.",
        "status": 409,
        "code": "too_few",
        "retryable": True,
        "request_id": "req_test1234",
        "doc": "/api/docs/errors#too_few",
        "needed": 3,
        "there": 1,
    }


def test_facts_cannot_overwrite_the_document_s_own_members():
    request = RequestFactory().get("/api/v1/x", HTTP_ACCEPT="*/*")
    answer = problems.answer(request, status=409, code="real", title="t", facts={"code": "forged", "status": 200})

    assert json.loads(answer.content)["code"] == "real"
    assert json.loads(answer.content)["status"] == 409


def test_a_person_gets_a_page_with_the_number_to_quote():
    answer = ask("text/html,application/xhtml+xml")

    assert answer.status_code == 409
    assert answer["Content-Type"].startswith("text/html")
    assert "req_test1234" in answer.content.decode()


def test_an_error_that_is_no_rule_is_left_to_django():
    request = RequestFactory().get("/")

    assert problems.ProblemMiddleware(lambda r: HttpResponse()).process_exception(request, KeyError("x")) is None


def test_titles_are_translated_where_they_are_shown_not_where_they_are_raised():
    with translation.override("en"):
        error = ValidationFailed()
    with translation.override("zh-hans"):
        in_chinese = str(error)
    with translation.override("en"):
        in_english = str(error)

    assert in_english == "Something in the input is not right. Nothing was saved."
    assert in_chinese != in_english


def test_an_unknown_address_is_a_404_page_with_security_headers():
    answer = Client().get("/nothing/here")

    assert answer.status_code == 404
    assert answer["X-Request-Id"].startswith("req_")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_given_request_id_is_kept_and_an_odd_one_is_replaced():
    assert Client().get("/healthz", HTTP_X_REQUEST_ID="till-7_abcdef")["X-Request-Id"] == "till-7_abcdef"
    assert Client().get("/healthz", HTTP_X_REQUEST_ID="x\x00y z<script>")["X-Request-Id"].startswith("req_")


def test_a_phone_number_in_a_log_line_is_scrubbed(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        structlog.get_logger("siyu.test").warning(
            "sending to 13812345678", to="+8613812345678", order="20261122103205123456"
        )

    assert "13812345678" not in str(caplog.records[0].msg)
    assert logs.scrub(None, "", {"a": "call 13812345678."})["a"] == "call [phone]."
    assert logs.scrub(None, "", {"a": "20261381234567899"})["a"] == "20261381234567899"
