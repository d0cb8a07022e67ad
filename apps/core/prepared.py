"""Statements of the hottest paths, kept prepared on each connection: PostgreSQL plans them once there, not at every call. Planning
the joins behind a token costs five times what running them does.

Once psycopg has prepared a text on a connection, threads of servers hand its name and the values straight to libpq, for a fifth of what
its cursor and Django's around it cost. The main thread does not, for there a signal has to interrupt the wait. A transaction begins in
the exchange of its first such statement, and `last` commits in the exchange of its last one: either saves waking the server once more.

The server binds the values, so `%s` stands where PostgreSQL can tell the type (beside a column, or with a cast). Answers come in
binary form: JSON arrives parsed. With `DATABASE_PREPARE=0` nothing stays prepared, for poolers that cannot keep it.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from select import POLLIN, POLLOUT, poll
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections
from psycopg import Connection, Cursor
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format, TransactionStatus

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
_BEGIN, _COMMIT = (b"begin",), (b"commit",)


class _Cursor(Cursor[tuple[Any, ...]]):
    def execute(self, query: Any, params: Any = None) -> Any:  # type: ignore[override]  # called by Django's wrapper
        super().execute(query, params, prepare=True, binary=True)
        if connection.queries_logged:  # Django asks for the text; of a prepared statement psycopg keeps none
            self._query = self._convert_query(query, params)
        return self


def rows(statement: str, values: Values) -> list[tuple[Any, ...]]:
    """What a statement answers. `statement` is a constant: each text takes one of a connection's hundred places."""
    return _answered(statement, values, commits=False)


def last(statement: str, values: Values) -> list[tuple[Any, ...]]:
    """As `rows`, for the last statement of a transaction: threads of servers commit with it, where no other block stands around.

    What the commit itself refuses (a deferred constraint) is raised here, too. Write nothing after it in the same block.
    """
    here: Any = connections[DEFAULT_DB_ALIAS]
    is_whole = here.in_atomic_block and here.commit_on_exit and not here.savepoint_ids and not here.needs_rollback
    return _answered(statement, values, commits=is_whole)


def _answered(statement: str, values: Values, *, commits: bool) -> list[tuple[Any, ...]]:
    here: Any = connections[DEFAULT_DB_ALIAS]
    if here.connection is None:
        here.ensure_connection()
    if not (here.queries_logged or here.execute_wrappers or isinstance(values, Mapping) or _is_main()):
        here.validate_no_broken_transaction()
        with here.wrap_database_errors:
            quick = _quick(here.connection, statement, values, commits=commits)
        if quick is not None:
            return quick
    with here._prepare_cursor(_Cursor(here.connection)) as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def _quick(raw: Connection, statement: str, values: Sequence[Any], *, commits: bool) -> list[tuple[Any, ...]] | None:
    """The rows; None where psycopg has not prepared this text for values of these types, or keeps nothing prepared."""
    transformer = Transformer(raw)
    given = transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
    names: Any = raw._prepared._names  # psycopg's own list: what it forgets is not used here either
    key = (_numbered(statement), transformer.types)
    name = names.get(key)
    if name is None or raw.isolation_level is not None:
        return None
    names.move_to_end(key)  # what is used stays longest
    asked: Any = raw.pgconn
    begins = not raw.autocommit and asked.transaction_status == TransactionStatus.IDLE
    if begins or commits:
        ask = partial(asked.send_query_prepared, name, given, transformer.formats, Format.BINARY)
        result = _at_once(raw, [*_BEGIN[:begins], ask, *_COMMIT[:commits]])[begins]
    else:
        result = asked.exec_prepared(name, given, transformer.formats, Format.BINARY)
        _check(raw, result)
    transformer.set_pgresult(result)
    return transformer.load_rows(0, result.ntuples, tuple)


def _at_once(raw: Connection, commands: Sequence[bytes | Callable[[], None]]) -> list[Any]:
    """The results of commands that go to the server together; it runs none after one that failed. Raises what failed."""
    asked: Any = raw.pgconn
    try:
        asked.enter_pipeline_mode()
        for command in commands:
            asked.send_query_params(command, None) if isinstance(command, bytes) else command()
        asked.pipeline_sync()
        results = _awaited(asked)
        asked.exit_pipeline_mode()
    except BaseException:
        raw.close()  # nobody knows how far it got: let nobody use it again
        raise
    for result in results:
        _check(raw, result)
    return results


def _awaited(asked: Any) -> list[Any]:
    """All results up to the end of the exchange. Waits without holding up other threads."""
    socket, results = poll(), list[Any]()
    socket.register(asked.socket, POLLIN)
    while asked.flush():
        socket.modify(asked.socket, POLLIN | POLLOUT)
        socket.poll()
        asked.consume_input()
        socket.modify(asked.socket, POLLIN)
    while True:
        while asked.is_busy():
            socket.poll()
            asked.consume_input()
        result = asked.get_result()
        if result is None:  # the end of one command's
            continue
        if result.status == ExecStatus.PIPELINE_SYNC:
            return results
        results.append(result)


def _check(raw: Connection, result: Any) -> None:
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise error_from_result(result, encoding=raw.info.encoding)


@lru_cache(maxsize=500)
def _numbered(statement: str) -> bytes:
    """As psycopg sends it, and so as it names it: $1, $2 … in place of each %s."""
    first, *more = statement.split("%s")
    return "".join([first, *(f"${number}{part}" for number, part in enumerate(more, 1))]).replace("%%", "%").encode()


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
