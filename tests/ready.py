"""What many tests begin with, built once in each test process and committed in a database of its own, where those tests then run.

The test's connection is exchanged for one to that database, in a transaction as the first was; it is rolled back as any other.
"""

import functools
import pickle
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import connection, connections, transaction
from django.utils import translation

from apps.core import clock
from tests import databases

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Place:
    """A database in which something stands; `made` is what its builder answered, pickled."""

    name: str
    made: bytes
    raw: Any = None  # psycopg's connection, kept from test to test


WORTH_IT = 6  # a database costs as much as some builds
_asked: Counter[Any] = Counter()
_places: dict[Any, Place] = {}
_exchanged: list[Any] = []  # the test's own connection, while it runs elsewhere
_is_building: ContextVar[bool] = ContextVar("is_building", default=False)


def once(build: Callable[P, T]) -> Callable[P, T]:
    """A builder whose work is kept for equal arguments, hour and language. Where a test commits or has written, it just runs."""

    @functools.wraps(build)
    def begin(*given: P.args, **named: P.kwargs) -> T:
        if _is_building.get() or _exchanged or not connection.in_atomic_block or _has_written():
            return build(*given, **named)
        hour = clock.now() if clock.is_frozen() else None
        key = (build.__module__, build.__qualname__, given, tuple(named.items()), hour, translation.get_language())
        if key not in _places:
            _asked[key] += 1
            if _asked[key] < WORTH_IT:
                return build(*given, **named)
            _places[key] = _built(functools.partial(build, *given, **named))
        _enter(_places[key])
        made: T = pickle.loads(_places[key].made)
        return made

    return begin


def leave() -> None:
    """At the end of a test, after its rollback."""
    if _exchanged:
        connection.connection = _exchanged.pop()
        connection.connection.rollback()
        connection.connection.autocommit = True


def drop_all() -> None:
    for place in _places.values():
        if place.raw is not None:
            place.raw.close()
        databases.drop(place.name)
    _places.clear()


def _has_written() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
        return bool(cursor.fetchone()[0])


def _built(build: Callable[[], Any]) -> Place:
    own = settings.DATABASES["default"]["NAME"]
    name = f"{own}_{len(_places)}"
    databases.create(name)
    _is_building.set(True)
    settings.DATABASES["default"]["NAME"] = name
    try:
        with ThreadPoolExecutor(1) as thread:  # its connection is not the test's
            made = thread.submit(copy_context().run, _committed, build).result()
    finally:
        settings.DATABASES["default"]["NAME"] = own
        _is_building.set(False)
    return Place(name, made)


def _committed(build: Callable[[], Any]) -> bytes:
    try:
        with transaction.atomic():
            made = pickle.dumps(build())
            connection.run_on_commit.clear()  # no test's transaction does these either
    finally:
        connections.close_all()
    return made


def _enter(place: Place) -> None:
    _exchanged.append(connection.connection)
    if place.raw is None or place.raw.closed:
        place.raw = connection.get_new_connection(connection.get_connection_params() | {"dbname": place.name})
        connection.connection = place.raw
        connection.init_connection_state()
    connection.connection = place.raw
    place.raw.autocommit = False
    for savepoint in filter(None, connection.savepoint_ids):
        connection._savepoint(savepoint)  # type: ignore[attr-defined]
