"""Schemathesis: invented requests for every operation; no error of ours, and every answer as the document says (T-S3)."""

import logging
import os
from itertools import groupby

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

from apps.api import document, door
from tests.api.test_document import made
from tests.api.test_walk import World

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "3"))
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.ignored_auth,
]
# These end the log-in that all the others use.
LAST = ("auth_logout_post", "erasure_post")


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch):
    """Hundreds of requests follow: limits and log lines are other tests' business."""
    load_all_checks()
    for name in door.QUOTAS:
        monkeypatch.setitem(door.QUOTAS, name, 10**6)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def fuzz(operation, name: str, headers: dict[str, str], seen: list[tuple[str, int]]) -> None:
    """Send invented requests for one operation, and note what was answered."""

    @examples(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def send(case) -> None:
        answer = case.call(headers=headers)
        seen.append((name, answer.status_code))
        case.validate_response(answer, checks=CHECKS, headers=headers)

    send()


def test_invented_requests_are_answered_as_the_document_says(nobody, simulator, live_server, unhurried):
    world = World(nobody, simulator.url)
    schema = schemathesis.openapi.from_dict(made())
    schema.config.update(base_url=live_server.url)
    order = sorted(document.operations(made()), key=lambda found: found[2]["operationId"] in LAST)
    seen: list[tuple[str, int]] = []
    failures: dict[str, str] = {}

    for path, method, one in order:
        secret = world.caller(one["x-needs"]).secret
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        try:
            fuzz(schema[path][method.upper()], one["operationId"], headers, seen)
        except (FailureGroup, AssertionError) as wrong:
            failures[one["operationId"]] = str(getattr(wrong, "exceptions", wrong))[:600]

    assert failures == {}
    assert len(seen) >= len(order) * EXAMPLES // 2
    assert {name for name, _statuses in groupby(sorted(seen), key=lambda one: one[0])} == {
        one["operationId"] for _path, _method, one in order
    }
