"""How fast callbacks are taken in, beside an empty view with one insert; how fast customers are read, beside the simulator alone."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from statistics import median
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.views.decorators.csrf import csrf_exempt

from apps.community import syncing
from apps.community.models import Follow, SyncRun
from apps.core import clock
from apps.gateways import callbacks, wecom
from apps.gateways.simulator import wecom_rules
from apps.gateways.simulator.client import Client

CALLBACKS = {"S": 1_000, "M": 10_000, "L": 50_000}
CUSTOMERS = {"S": 5_000, "M": 100_000, "L": 100_000}
STAFF = 200
ROUNDS = 5
_FORGET = "truncate community_contact, community_account, community_syncrun, community_senditem, community_send cascade"
Line = dict[str, Any]


def forget() -> None:
    """What an earlier bench read: each has a WeCom of its own."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)


def bench_community(size: str) -> Iterator[Line]:
    """The connection must own its tables: they are emptied."""
    yield from _intake(size)
    yield from _sync(size)


def _intake(size: str) -> Iterator[Line]:
    """Both views over the same signed requests, by turns, without middleware."""
    ours, theirs = [], []
    for turn in range(ROUNDS):
        requests = [_request(f"{turn}.{number}") for number in range(CALLBACKS[size] // ROUNDS)]
        theirs.append(_seconds(partial(_answer_all, _empty, requests)))
        ours.append(_seconds(partial(_answer_all, callbacks.wecom, requests)))
    a_round = CALLBACKS[size] // ROUNDS
    yield _line("callback intake", size, a_round / median(ours), a_round / median(theirs), "events/s")


def _answer_all(view: Callable[[HttpRequest], HttpResponse], requests: list[HttpRequest]) -> None:
    for request in requests:
        view(request)


def _sync(size: str) -> Iterator[Line]:
    """All customers once by the full sync, each page by a run read anew from the database, and once by the calls alone."""
    with simulator() as platform:
        yield from _read_all(size, platform)


@contextmanager
def simulator() -> Iterator[Client]:
    """A WeCom of our own for this run."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(  # noqa: S603 - our own simulator
            [sys.executable, "-m", "apps.gateways.simulator", "--port", "0", "--state", folder],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            said = process.stdout.readline() if process.stdout else ""
            settings.WECOM_PROVIDER, settings.SIMULATOR_URL = "simulator", said.rsplit(" ", 1)[-1].strip()
            yield Client(settings.SIMULATOR_URL)
        finally:
            process.terminate()
            process.wait(timeout=10)


def _read_all(size: str, simulator: Client) -> Iterator[Line]:
    forget()
    customers, staff = CUSTOMERS[size], [f"sim-{number:03d}" for number in range(STAFF)]
    simulator.wecom("staff", userids=staff)
    simulator.wecom("crowd", userids=staff, count=customers)
    alone = _seconds(lambda: _calls_alone(sorted(staff)))
    SyncRun.objects.create(userids=sorted(staff), started_at=clock.now())
    began = time.perf_counter()
    while (run := SyncRun.objects.get()).place * wecom.BATCH_STAFF < len(run.userids):
        syncing.read_page(
            run, keep_alive=lambda: None
        )  # every page as if the one before had been killed after its commit
    taken = time.perf_counter() - began
    if Follow.objects.count() != customers or run.contacts != customers:
        raise AssertionError(f"{Follow.objects.count()} of {customers} customers were read")
    yield _line("customers read", size, customers / taken, customers / alone, "customers/s")


def _calls_alone(staff: list[str]) -> None:
    for first in range(0, len(staff), wecom.BATCH_STAFF):
        cursor = None
        while cursor != "":
            cursor = wecom.contacts_of(staff[first : first + wecom.BATCH_STAFF], cursor=cursor or "").cursor


def _request(name: str) -> HttpRequest:
    plain = wecom_rules.event_xml(
        {"ToUserName": wecom_rules.CORP, "FromUserName": "sys", "CreateTime": 1772424000, "MsgType": "event",
         "Event": "change_external_contact", "ChangeType": "edit_external_contact", "UserID": "sim-lin",
         "ExternalUserID": f"wm{name}"}
    )  # fmt: skip
    query, body = wecom_rules.envelope(plain, timestamp=1772424000, nonce=name)
    return RequestFactory().post(f"/hooks/wecom?{urlencode(query)}", data=body, content_type="text/xml")


@csrf_exempt
def _empty(request: HttpRequest) -> HttpResponse:
    """What any inbox must do: read the body, keep it, answer."""
    moment = datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into gateways_wecomcallback (digest, body, taken_at, next_try_at, tries, outcome) values (%s, %s, %s, %s, 0, '')",
            [sha256(request.body).digest(), request.body.decode(), moment, moment],
        )
    return HttpResponse("success", content_type="text/plain")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _line(name: str, size: str, figure: float, baseline: float, unit: str) -> Line:
    return {
        "name": name, "size": size, "figure": round(figure), "baseline": round(baseline), "unit": unit,
        "ratio": round(figure / baseline, 2),
    }  # fmt: skip
