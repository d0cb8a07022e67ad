"""Waiting for what another thread or process does, never for a time."""

import time
from collections.abc import Callable

from django.db import connection


def until(happened: Callable[[], object], *, seconds: float = 60) -> None:
    """Ask again and again; after so many seconds the test fails."""
    limit = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < limit, f"it did not happen in {seconds:.0f} s"
        time.sleep(0.01)


def somebody_waits() -> bool:
    """Whether another connection waits for a lock. In this test's own database: others run beside it on the same server."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_stat_clear_snapshot()")  # a transaction would see what it saw first
        cursor.execute(
            "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            " and backend_type = 'client backend')"
        )
        return bool(cursor.fetchone()[0])
