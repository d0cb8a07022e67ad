"""Schemathesis: invented requests for every operation, all its checks on, and chains of calls; no error of ours, and every answer
as the document says (T-S3)."""

import io
import logging
import time
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import connections
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.transport.wsgi import WSGITransport

from apps.api import document, door
from apps.core import clock, tokens
from apps.core.models import TokenFamily, TokenPair
from tests.api.conftest import Caller
from tests.api.test_auth import APP
from tests.api.test_document import made
from tests.api.test_walk import World

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 1.0  # the slowest answer that passes; a slower one is asked for again (docs/adr/0012)
SLOW = 0.01  # the share of answers that may be slow the first time
# What valid data may still meet: what it names is not there, is used up or was changed, or asks for more proof. Refusals of rules
# that no schema can state (an app of WeChat that we do not know, a phone that is none) are 422 with their own code, see `misjudged`.
EXPECTED = ["2xx", "304", "401", "404", "409", "412", "415", "422", "428", "429", "503"]
REFUSED = ["400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422", "428", "429", "503"]
# They take what is right and name what is wrong, item by item, in a 200.
ITEMWISE = (
    "members_post", "orders_post", "refunds_post", "events_post", "member_events_post", "prices_post", "stock_post",
)  # fmt: skip
LEAST_SUCCESS = 0.8
MOST_AT_THE_DOOR = 0.02  # the share of valid requests that may be sent away with 401: of them nothing else is judged
PROVED_EVERY = 60.0  # seconds
FORGED = "SCHEMATHESIS"  # in the token of requests that must be refused
# Who is let in by what stands in the body, which no schema can make right.
BY_BODY = ("auth_", "step_up")
NIGHT = 100  # examples; from there on all boundary values are tried at every operation, every merge at one in twenty
# Rules that no schema can say: which fields and templates there are, what a birthday can be, whom a guardian speaks for, an empty file,
# what is asked about lines, how the desk's own fields are named.
BY_RULES = (
    "member_attributes_put",
    "ticket_work_put",
    "subscriptions_post",
    "me_put",
    "consent_put",
    "files_post",
    "my_tickets_post",
)
UNSAID = {"unknown"}  # of one field: a well-formed id that names nothing
# Of whole answers that are right whatever the document says of the data: a cursor is ours and signed; what we rely on may be away.
LEFT_OUT = {"positive_data_acceptance": "cursor_invalid", "not_a_server_error": "provider_unavailable"}
ENDING = ("erasure_post", "auth_logout_post")  # they end the log-in that all the others use; walked in `test_walk`


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Thousands of requests follow: limits and log lines are other tests' business."""
    for name in door.QUOTAS:
        monkeypatch.setitem(door.QUOTAS, name, 10**6)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def config(world: World, *, most: int) -> SchemathesisConfig:
    """All checks; half of all ids in addresses, and of what else must exist, are live."""
    live = {f"path.{name}": value for name, value in world.samples().items()}
    live |= {"header.If-Match": "*", "query.app_id": APP, "query.scene": "live_reminder"}
    names = {place: place.replace(".", "-").lower() for place in live}
    return SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "continue-on-failure": True,
            "auth": {
                "openapi": {
                    "member": {"bearer": world.me.secret},
                    "client": {"bearer": world.program.secret},
                    "device": {"bearer": world.till.secret},
                }
            },
            "generation": {"max-examples": most, "deterministic": True, "database": "none", "allow-x00": False},
            "checks": {
                "positive_data_acceptance": {"expected-statuses": EXPECTED},
                "negative_data_rejection": {"expected-statuses": REFUSED},
                "missing_required_header": {"expected-statuses": [*REFUSED]},
            },
            "phases": {
                # wrong methods in turn every night; every merge `test_matrix` and the access walk try them by everybody
                "coverage": {} if most > NIGHT else {"unexpected-methods": ["TRACE"]},
                "stateful": {"max-steps": 4, "generation": {"max-examples": most * 2}},
            },
            "dictionaries": {names[place]: {"values": [value]} for place, value in live.items()},
            "parameters": {place: {"dictionary": names[place], "probability": 0.5} for place in live},
            "operations": [
                {"include-operation-id": list(ENDING), "enabled": False},
                {
                    "include-operation-id": ["none"] if most > NIGHT else _spared(),
                    "phases": {"coverage": {"enabled": False}},
                },
                {
                    "include-operation-id": list(ITEMWISE),
                    "checks": {"negative_data_rejection": {"expected-statuses": [*REFUSED, "200", "202"]}},
                },
            ],
        }
    )


def _spared() -> list[str]:
    names = sorted(one["operationId"] for _path, _method, one in document.operations(made()))
    return [name for number, name in enumerate(names) if number % 20 and name not in ENDING]


def with_live_examples(world: World) -> dict[str, Any]:
    """The document with bodies that work here and now: examples name things that exist, and codes that are fresh."""
    living = deepcopy(made())
    world.asked = world.nobody.post("auth/codes", {"phone": "13900000001"}).data["request_id"]
    for _path, _method, one in document.operations(living):
        for kind in one.get("requestBody", {}).get("content", {}).values():
            for shown in kind["examples"].values():
                shown["value"] = world.body(one["operationId"], shown["value"])
                if one["operationId"] == "auth_codes_post":
                    shown["value"] |= {"phone": "13900000003"}  # the other one has its code of this minute
    return living


class Application:
    """Ours, in this process. Keeps the connections of schemathesis's threads, for closing, and the requests that it answered slowly.

    Whatever a request did to the log-in that all of them use, the next one finds it again: else the rest would be refused at the door.
    """

    def __init__(self, family_id: int) -> None:
        self.serve, self.family_id = get_wsgi_application(), family_id
        self.opened: set[Any] = set()
        self.slow: list[tuple[dict[str, Any], bytes]] = []
        self.proved = time.monotonic()

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        ours = connections["default"]
        if ours not in self.opened:
            ours.inc_thread_sharing()
            self.opened.add(ours)
        self._let_in()
        asked, body = dict(environ), environ["wsgi.input"].read()
        begun = time.monotonic()
        answer = self.serve(environ | {"wsgi.input": io.BytesIO(body)}, start)
        if time.monotonic() - begun > SECONDS:
            self.slow.append((asked, body))
        return answer

    def _let_in(self) -> None:
        """The log-in lives, was proved a moment ago, and its token runs out in half an hour: a night's run takes longer than that."""
        family = TokenFamily.objects.filter(pk=self.family_id)
        family.exclude(revoked_at=None).update(revoked_at=None, revoked_because="")
        if time.monotonic() - self.proved > PROVED_EVERY:
            self.proved, now = time.monotonic(), clock.now()
            family.update(stepped_up_at=now)
            TokenPair.objects.filter(family_id=self.family_id).update(access_expires_at=now + tokens.ACCESS_LIFE)

    def slow_again(self) -> list[str]:
        """Those that are slow three times more, too."""
        return [
            f"{asked['REQUEST_METHOD']} {asked['PATH_INFO']}"
            for asked, body in self.slow
            if min(self._seconds(asked, body) for _ in range(3)) > SECONDS
        ]

    def _seconds(self, asked: dict[str, Any], body: bytes) -> float:
        begun = time.monotonic()
        self.serve(asked | {"wsgi.input": io.BytesIO(body)}, lambda *_: None)
        return time.monotonic() - begun


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections live as long as their thread. The checks that send a request anew hand settings of sockets to a transport that has
    none (schemathesis 4.32)."""
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", None)
    send = WSGITransport.send

    def without_sockets(self: WSGITransport, case: Any, **given: Any) -> Any:
        for name in ("max_redirects", "verify", "cert", "proxies"):
            given.pop(name, None)
        return send(self, case, **given)

    monkeypatch.setattr(WSGITransport, "send", without_sockets)


@pytest.mark.parametrize("most", [1, pytest.param(200, marks=pytest.mark.nightly)])
def test_invented_requests_are_answered_as_the_document_says(
    nobody: Caller, simulator, unhurried, in_process, most: int
):
    world = World(nobody, simulator.url)
    tokens.step_up(family_id=world.family_id)
    schema = schemathesis.openapi.from_dict(with_live_examples(world), config=config(world, most=most))
    schema.app = ours = Application(world.family_id)
    names = {f"{method.upper()} {path}": one["operationId"] for path, method, one in document.operations(made())}
    reached: Counter[str] = Counter()
    phases: Counter[str] = Counter()
    wrong: dict[str, str] = {}
    valid: Counter[str] = Counter()  # valid requests; "": not sent away at the door

    try:
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                phases[event.phase.value] += len(event.recorder.interactions)
                _judge(event.recorder, names, reached, wrong, valid)
            if isinstance(event, events.NonFatalError | events.FatalError):
                wrong[f"error {len(wrong)}"] = str(getattr(event, "value", None) or event.exception)
    finally:
        for one in ours.opened:
            one.close()

    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())
    assert ours.slow_again() == []
    assert len(ours.slow) <= SLOW * phases.total(), (len(ours.slow), phases)
    assert {"examples", "coverage", "fuzzing", "stateful"} <= phases.keys(), phases
    assert phases["fuzzing"] >= most * len(names) // 2, phases
    assert valid.total() - valid[""] <= MOST_AT_THE_DOOR * valid.total(), valid
    tried = set(names.values()) - set(ENDING)
    assert len(reached) >= LEAST_SUCCESS * len(tried), sorted(tried - reached.keys())


def _judge(
    recorder: Any, names: dict[str, str], reached: Counter[str], wrong: dict[str, str], valid: Counter[str]
) -> None:
    """Note which operations succeeded, which checks failed, and valid data that was called invalid."""
    for case_id, exchange in recorder.interactions.items():
        case, response = recorder.cases[case_id].value, exchange.response
        name = names.get(case.operation.label, case.operation.label)
        if response is None:
            wrong[f"{name}: no answer"] = case_id
            continue
        if 200 <= response.status_code < 300 and case.method.upper() == case.operation.method.upper():
            reached[name] += 1
        told = _told(response)
        is_valid = case.meta is not None and case.meta.generation.mode.is_positive
        shown = response.request.headers.get("Authorization") or FORGED
        if is_valid and FORGED not in shown and not any(part in name for part in BY_BODY):
            valid[f"{name}: {told['code']}" if response.status_code == 401 else ""] += 1
        misjudged = {one["code"] for one in told.get("errors", [])} - UNSAID
        if is_valid and name not in BY_RULES and told.get("code") == "validation_failed" and misjudged:
            wrong[f"{name}: misjudged"] = f"{case.body!r:.300} {case.query!r} {response.text:.400}"
        for check in recorder.checks.get(case_id, ()):
            if check.failure_info is not None and LEFT_OUT.get(check.name) != told.get("code", ""):
                failure = check.failure_info.failure
                wrong[f"{name}: {check.name}"] = (
                    f"{response.status_code} {response.text[:300]} {failure.message} {check.failure_info.code_sample}"[
                        :900
                    ]
                )


def _told(response: Any) -> dict[str, Any]:
    """The problem document; empty for any other answer."""
    found = response.json() if response.status_code >= 400 and response.content else {}
    return found if isinstance(found, dict) else {}
