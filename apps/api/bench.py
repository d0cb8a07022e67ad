"""The API beside the least that any view must do: the same statements, sent raw, from a view without middleware.

Two such views: one sends them as Django does, one keeps them prepared as `apps.core.prepared` does.
"""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from statistics import median
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.test import override_settings
from django.urls import path

from apps.api import door
from apps.core import clock, prepared, tokens
from apps.core.models import User
from apps.gateways import inbox
from apps.gateways.inbox import Letter
from apps.members import services as members
from apps.members.models import Member
from apps.orders import services as orders

CALLS = {"S": 150, "M": 500, "L": 1_000}
ROUNDS = 7
Statement = tuple[str, Any]


def bench_api(size: str) -> Iterator[dict[str, Any]]:
    """Calls per second of `/me/home` and of its bare twin, by turns; then what the frame, a key and a replay cost, in ms."""
    connection.settings_dict["CONN_MAX_AGE"] = None  # as with the pool that serves: no connection is opened per call
    with unlimited():
        ours, access = WSGIHandler(), _member()
        statements = _statements(lambda: call(ours, "GET", "/api/v1/me/home", access))
        bare, kept = _bare(statements, _sent), _bare(statements, prepared.rows)
        calls = CALLS[size]
        figures: dict[str, list[float]] = {
            name: [] for name in ("ours", "bare", "kept", "frame", "plain", "keyed", "replay")
        }
        for turn in range(ROUNDS):
            figures["bare"].append(_seconds(lambda: call(bare, "GET", "/home", access), calls))
            figures["kept"].append(_seconds(lambda: call(kept, "GET", "/home", access), calls))
            figures["ours"].append(_seconds(lambda: call(ours, "GET", "/api/v1/me/home", access), calls))
            figures["frame"].append(_seconds(lambda: call(ours, "DELETE", "/api/v1/me", access), calls))
            figures["plain"].append(_seconds(lambda: _consent(ours, access), calls))
            keys = iter(f"{clock.now().timestamp()}-{turn}-{number}" for number in range(calls))
            figures["keyed"].append(_seconds(lambda keys=keys: _consent(ours, access, next(keys)), calls))  # type: ignore[misc]
            figures["replay"].append(_seconds(lambda: _consent(ours, access, "always"), calls))
    took = {name: median(values) for name, values in figures.items()}
    yield _line("api home (calls/s)", size, 1 / took["ours"], 1 / took["bare"])
    yield _line("api home, bare view prepared too (calls/s)", size, 1 / took["ours"], 1 / took["kept"])
    yield _line("api home statements", size, len(statements), None)
    yield _line("api auth + limit (ms)", size, took["frame"] * 1000, None)
    yield _line("api keyed write beside unkeyed (ms)", size, took["keyed"] * 1000, took["plain"] * 1000)
    yield _line("api replay beside unkeyed (ms)", size, took["replay"] * 1000, took["plain"] * 1000)


def _line(name: str, size: str, figure: float, baseline: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "size": size,
        "figure": round(figure, 3),
        "baseline": baseline and round(baseline, 3),
        "ratio": baseline and round(figure / baseline, 3),
    }


def _member() -> str:
    """Somebody with a phone, letters and orders; returns an access token."""
    moment = clock.now()
    member_id = members.register(source="bench", nickname="小满", phone=f"170{time.time_ns() // 1000 % 10**8:08d}")
    user = User.objects.create_user(f"bench-{member_id}")
    Member.objects.filter(pk=member_id).update(user=user)
    inbox.deliver_batch(
        [Letter(f"b{member_id}:{n}", member_id, "好久不见", "来喝茶吧") for n in range(40)], moment=moment
    )
    for number in range(10):
        paid_at = moment - timedelta(days=number)
        order = orders.record(
            source="bench", order_no=f"{member_id}-{number}", member_id=member_id, total_cents=100,
            lines=[orders.NewLine(product_id=None, total_cents=100)], created_at=paid_at,
        )  # fmt: skip
        orders.mark_paid(order_id=order.pk, paid_at=paid_at)
    return tokens.open_family(user_id=user.pk, client="bench").access


def _statements(act: Callable[[], None]) -> list[Statement]:
    """What a call sends to the database."""
    seen: list[Statement] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((sql, params))
        return execute(sql, params, many, context)

    act()
    with connection.execute_wrapper(note):
        act()
    return seen


def _sent(sql: str, params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def _bare(statements: list[Statement], send: Callable[[str, Any], list[tuple[Any, ...]]]) -> WSGIHandler:
    def home(request: HttpRequest) -> JsonResponse:
        return JsonResponse([[[str(value) for value in row] for row in send(*one)] for one in statements], safe=False)

    urls = (path("home", home),)
    with override_settings(MIDDLEWARE=[]):
        handler = WSGIHandler()

    def resolve(request: HttpRequest, _plain: Any = handler.get_response) -> Any:
        request.urlconf = urls  # type: ignore[assignment]  # patterns serve as well as a module's name
        return _plain(request)

    handler.get_response = resolve  # type: ignore[method-assign]
    return handler


def _consent(app: WSGIHandler, access: str, key: str = "") -> None:
    body = json.dumps({"is_granted": True, "text_version": "1"}).encode()
    call(app, "PUT", "/api/v1/me/consents/care/inbox", access, body=body, key=key)


def call(app: WSGIHandler, method: str, address: str, access: str, *, body: bytes = b"", key: str = "") -> None:
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": address, "SERVER_NAME": "localhost", "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.input": io.BytesIO(body), "wsgi.url_scheme": "http", "wsgi.errors": io.StringIO(),
        "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json", "HTTP_AUTHORIZATION": f"Bearer {access}",
        "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost",
    }  # fmt: skip
    if key:
        environ["HTTP_IDEMPOTENCY_KEY"] = key
    statuses: list[str] = []
    response = app(environ, lambda status, _headers: statuses.append(status))  # type: ignore[arg-type]
    b"".join(response)
    response.close()
    if statuses[0][0] not in "24" or statuses[0].startswith("401"):
        raise RuntimeError(f"{method} {address} answered {statuses[0]}")


def _seconds(act: Callable[[], None], calls: int) -> float:
    """Mean time of one call."""
    started = time.perf_counter()
    for _ in range(calls):
        act()
    return (time.perf_counter() - started) / calls


@contextmanager
def unlimited() -> Iterator[None]:
    """The limits are asked and counted, and too wide to refuse."""
    earlier = dict(door.QUOTAS)
    door.QUOTAS.update(dict.fromkeys(earlier, 10**9))
    try:
        yield
    finally:
        door.QUOTAS.update(earlier)
