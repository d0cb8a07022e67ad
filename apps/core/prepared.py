"""Statements of the hottest paths, kept prepared on each connection: PostgreSQL plans them once there, not at every call. Planning
the joins behind a token costs five times what running them does.

The server binds the values, so `%s` stands where PostgreSQL can tell the type (beside a column, or with a cast). Answers come in
binary form: JSON arrives parsed. With `DATABASE_PREPARE=0` nothing stays prepared, for poolers that cannot keep it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from django.db import DatabaseError, connection
from psycopg import Cursor

Values = Sequence[Any] | Mapping[str, Any]
# Rows are found by their keys, one after the other, whatever yesterday's statistics say of a table that is being filled;
# and the plan that was made for some values serves all.
_BY_KEY = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
_SET = "; ".join(f"set {name} = {value}" for name, value in _BY_KEY.items())
_RESET = "; ".join(f"reset {name}" for name in _BY_KEY)


class _Cursor(Cursor[tuple[Any, ...]]):
    def execute(self, query: Any, params: Any = None) -> Any:  # type: ignore[override]  # called by Django's wrapper
        super().execute(query, params, prepare=True, binary=True)
        if connection.queries_logged:  # Django asks for the text; of a prepared statement psycopg keeps none
            self._query = self._convert_query(query, params)
        return self


def rows(statement: str, values: Values) -> list[tuple[Any, ...]]:
    """What a statement answers. `statement` is a constant: each text takes one of a connection's hundred places."""
    connection.ensure_connection()
    with connection._prepare_cursor(_Cursor(connection.connection)) as cursor:  # type: ignore[attr-defined]
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def row(statement: str, values: Values) -> tuple[Any, ...] | None:
    """Its first row; None without one."""
    found = rows(statement, values)
    return found[0] if found else None


@contextmanager
def by_key() -> Iterator[None]:
    """In this block this session plans for few rows at a time, and keeps those plans. Call it outside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_SET)
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:  # a session that is lost took its settings with it
            cursor.execute(_RESET)
