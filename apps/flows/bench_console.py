"""Every page of the back office's navigation, opened by an administrator: server time, statements, and scans of large tables.

And the roll-up of the day's figures as it is counted every five minutes, beside the whole of what it keeps.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.test import Client, override_settings
from django.utils.module_loading import import_string

from apps.analytics import quality, rollup
from apps.analytics.study import refreshing
from apps.core import clock
from apps.core.models import User
from apps.orders.generated import END
from apps.segments import refresh
from apps.stores.models import Role, Staff

ROUNDS = 20  # of each page, by turns
LARGE = 10_000  # rows of a table that no page may read from end to end
_PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
NOW = END + timedelta(hours=10)
Line = dict[str, Any]
Statement = tuple[str, Any]


def bench_console(size: str) -> Iterator[Line]:
    """ms; each page's own line, then the slowest of all. Everything that pages read is counted before."""
    with clock.frozen(END):
        refresh.refresh(END, full=True)  # before the first roll-up, or each would count the whole past again
    with clock.frozen(NOW):
        whole = _seconds(lambda: rollup.roll_up(moment=NOW, days=rollup.FIRST_DAYS))
        again = _seconds(lambda: rollup.roll_up(moment=NOW))
        yield _line("roll-up of the days that may still move, s", size, again, baseline=whole)
        whole = _seconds(lambda: refreshing.run(moment=NOW, whole=True))
        again = _seconds(lambda: refreshing.run(moment=NOW))
        yield _line("tables for analysts, by the hour, s", size, again, baseline=whole)
        quality.measure(moment=NOW)
        with connection.cursor() as cursor:
            cursor.execute("analyze")
        # Nothing is collected where this runs.
        with override_settings(STORAGES=settings.STORAGES | {"staticfiles": {"BACKEND": _PLAIN}}):
            yield from _pages(size)


def _pages(size: str) -> Iterator[Line]:
    client, large = _client(), _large_tables()
    taken: dict[str, list[float]] = {}
    asked: dict[str, list[Statement]] = {}
    for address in _addresses(client):
        with _heard() as statements:
            answer = client.get(address)
        asked[address] = list(statements)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answers {answer.status_code}")
    for _round in range(ROUNDS):
        for address in asked:
            taken.setdefault(address, []).append(_seconds(partial(client.get, address)) * 1000)
    p95 = {address: sorted(times)[-(len(times) // 20) - 1] for address, times in taken.items()}
    for address in sorted(p95, key=lambda one: -p95[one]):
        scanned = sorted({name for statement in asked[address] for name in _scans(statement) if name in large})
        yield _line(address, size, p95[address]) | {"statements": len(asked[address]), "scans": scanned}
    yield _line("slowest page, p95, ms", size, max(p95.values())) | {"rows": len(p95)}


def _client() -> Client:
    name = uuid4().hex[:8]
    user = User.objects.create_user(username=name)
    Staff.objects.create(user=user, code=name, name="bench", role=Role.ADMIN)
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    return client


def _addresses(client: Client) -> list[str]:
    """What the navigation shows this person. The console stands above this floor, so it is asked and not imported."""
    answer = client.get("/console/account/")
    places = import_string("apps.console.navigation.places")
    return [place.href for _group, found in places(answer.wsgi_request) for place in found]


@contextmanager
def _heard() -> Iterator[list[Statement]]:
    """The statements that Django sends meanwhile."""
    found: list[Statement] = []

    def noted(execute: Callable[..., Any], statement: str, values: Any, many: bool, context: dict[str, Any]) -> Any:
        found.append((statement, values))
        return execute(statement, values, many, context)

    with connection.execute_wrapper(noted):
        yield found


def _scans(statement: Statement) -> set[str]:
    """Tables that the plan reads from end to end; what stops after some rows (LIMIT) is none."""
    text, values = statement
    if not text.lstrip().lower().startswith(("select", "with")):
        return set()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"explain (format json) {text}", values)
        return set(_read_whole(_plan(cursor)))


def _plan(cursor: CursorWrapper) -> dict[str, Any]:
    plan: dict[str, Any] = cursor.fetchone()[0][0]["Plan"]
    return plan


def _read_whole(plan: dict[str, Any], *, stops: bool = False) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan" and not stops:
        yield plan["Relation Name"]
    stops = plan["Node Type"] == "Limit" or (stops and plan["Node Type"] not in ("Sort", "Aggregate", "Hash"))
    for part in plan.get("Plans", ()):
        yield from _read_whole(part, stops=stops)


def _large_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("select relname from pg_class where relkind in ('r', 'p') and reltuples > %s", [LARGE])
        return {name for (name,) in cursor.fetchall()}


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _line(name: str, size: str, figure: float, *, baseline: float | None = None) -> Line:
    ratio = round(figure / baseline, 3) if baseline else None
    return {
        "name": name, "size": size, "figure": round(figure, 2), "baseline": baseline and round(baseline, 2), "ratio": ratio,
    }  # fmt: skip
