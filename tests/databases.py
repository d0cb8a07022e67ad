"""Fast test databases: one migrated template per state of the migrations, one copy of it per test process.

Tests connect as the application's role, so that grants and append-only triggers are tested, too; what only the owner
may do (migrate, copy, truncate) goes through a connection of its own.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

ROOT = Path(__file__).resolve().parents[1]
SERVER = os.environ["DATABASE_OWNER_URL"]  # before any test database is pointed at
TEMPLATE_PREFIX = "siyu_test_template_"
BUILD_LOCK = 7_490_018  # advisory lock: one process builds the template, the others wait for it
KEPT = ("django_migrations", "django_content_type", "auth_permission")
TEMPLATES_KEPT = 3
FEW = 300  # rows of a table
TABLES = """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
              AND NOT relispartition AND relname <> ALL(%s)"""


@contextmanager
def owner(database: str | None = None) -> Iterator[psycopg.Cursor]:
    """The owner's connection, to the server's own database or to another one."""
    url = make_conninfo(SERVER, dbname=database) if database else SERVER
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        yield cursor


def create(name: str) -> None:
    """A fresh copy of the migrated template. Builds the template first where there is none."""
    with owner() as cursor:
        template = _template(cursor)
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        copied = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")  # a third quicker than through the log
        cursor.execute(copied.format(sql.Identifier(name), sql.Identifier(template)))


def _template(cursor: psycopg.Cursor) -> str:
    """Its name; it is built where there is none."""
    template = TEMPLATE_PREFIX + _fingerprint()
    cursor.execute("SELECT pg_advisory_lock(%s)", [BUILD_LOCK])
    if not _exists(cursor, template):
        _drop_dead_copies(cursor)
        _build(cursor, template)
    cursor.execute("SELECT pg_advisory_unlock(%s)", [BUILD_LOCK])
    return template


def drop(name: str) -> None:
    """FORCE would be refused while autovacuum works there, which only a superuser may end; a plain drop sends it away."""
    with owner() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'",
            [name],
        )
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def point_at(name: str) -> None:
    """Let Django, and every command started from here, use this database."""
    connections["default"].close()
    connections["default"].settings_dict["NAME"] = name
    settings.DATABASES["default"]["NAME"] = name
    for variable in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        os.environ[variable] = _url_with(os.environ[variable], name)
    settings.DATABASE_OWNER_URL = os.environ["DATABASE_OWNER_URL"]


def empty(name: str) -> None:
    """Every table as the migrations left it, past append-only triggers.

    Few rows are deleted: to truncate means new files for each table and each of its indexes. Foreign keys are looked at
    when all rows are gone.
    """
    cursor = _cleaner(name)
    if _counted.get(name) != (made := set(_all_tables(cursor))):
        _count_by_function(cursor, made)
        _counted[name] = made
    with cursor.connection.transaction():
        cursor.execute("SET LOCAL lock_timeout = '15s'; SET CONSTRAINTS ALL DEFERRED")
        rows = _rows(cursor)
        if not rows:
            return
        filled = list(rows)
        if max(rows.values()) > FEW:
            everything = sql.SQL(", ").join(map(_public, filled))
            emptied = [sql.SQL("TRUNCATE {} CASCADE").format(everything)]
            _past_triggers(cursor, _all_tables(cursor), [*emptied, *_restoring(cursor)])
        else:
            deletes = [sql.SQL("DELETE FROM {}").format(_public(table)) for table in filled]
            at_last = sql.SQL("SET CONSTRAINTS ALL IMMEDIATE")
            _past_triggers(cursor, filled, [*deletes, *_restoring(cursor), at_last])


def _cleaner(name: str) -> psycopg.Cursor:
    """One owner's connection per test process: a new one would learn all tables anew each time."""
    if name not in _cleaners or _cleaners[name].connection.closed:
        url = make_conninfo(SERVER, dbname=name)
        _cleaners[name] = psycopg.connect(url, autocommit=True, prepare_threshold=None).cursor()
    return _cleaners[name]


_cleaners: dict[str, psycopg.Cursor] = {}


def _rows(cursor: psycopg.Cursor) -> dict[str, int]:
    """How many rows each table that has any has; more than `FEW` are not counted."""
    return dict(cursor.execute("SELECT name, rows FROM seed.filled()").fetchall())


def _all_tables(cursor: psycopg.Cursor) -> list[str]:
    """But partitions and what every test keeps."""
    return [row[0] for row in cursor.execute(TABLES, [list(KEPT)]).fetchall()]


_counted: dict[str, set[str]] = {}


def _count_by_function(cursor: psycopg.Cursor, tables: set[str]) -> None:
    """Its plans are kept table by table. One statement over all was planned anew each time, because triggers had been switched on some:
    80 ms of each test that commits.
    """
    count = sql.SQL(
        "SELECT count(*) INTO rows FROM (SELECT FROM {table} LIMIT {few}) AS found;"
        " IF rows > 0 THEN name := {name}; RETURN NEXT; END IF;"
    )
    counts = [
        count.format(table=_public(table), few=sql.Literal(FEW + 1), name=sql.Literal(table))
        for table in sorted(tables)
    ]
    body = sql.SQL("BEGIN {} END").format(sql.SQL(" ").join(counts))
    cursor.execute(
        sql.SQL(
            "CREATE OR REPLACE FUNCTION seed.filled(OUT name text, OUT rows int) RETURNS SETOF record LANGUAGE plpgsql AS {}"
        ).format(sql.Literal(body.as_string(cursor)))
    )


def _past_triggers(cursor: psycopg.Cursor, tables: list[str], statements: list[sql.Composable]) -> None:
    cursor.execute(
        """SELECT DISTINCT relname FROM pg_trigger JOIN pg_class t ON t.oid = tgrelid
            WHERE NOT tgisinternal AND t.relnamespace = 'public'::regnamespace AND relname = ANY(%s)""",
        [tables],
    )
    guarded = [_public(row[0]) for row in cursor.fetchall()]
    switch = "ALTER TABLE {} {} TRIGGER USER"
    off, on = ([sql.SQL(switch).format(table, sql.SQL(word)) for table in guarded] for word in ("DISABLE", "ENABLE"))
    cursor.execute(sql.SQL("; ").join([*off, *statements, *on]))


def _public(table: str) -> sql.Identifier:
    return sql.Identifier("public", table)


def _restoring(cursor: psycopg.Cursor) -> list[sql.Composable]:
    """The rows that migrations inserted, put back."""
    cursor.execute(
        """SELECT t.relname, array_agg(a.attname::text ORDER BY a.attnum)
             FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'seed'
             JOIN pg_attribute a ON a.attrelid = to_regclass('public.' || quote_ident(t.relname))
              AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
            WHERE t.relkind = 'r' GROUP BY t.relname"""
    )
    back = sql.SQL(
        "INSERT INTO {to} ({names}) OVERRIDING SYSTEM VALUE SELECT {names} FROM {seed} ON CONFLICT DO NOTHING"
    )
    return [
        back.format(
            to=_public(table),
            names=sql.SQL(", ").join(map(sql.Identifier, columns)),
            seed=sql.Identifier("seed", table),
        )
        for table, columns in cursor.fetchall()
    ]


def _build(cursor: psycopg.Cursor, template: str) -> None:
    """Migrate into a draft and name it last, so that a killed build is never taken for a template."""
    draft = f"{template}_draft"
    cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(draft)))
    cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(draft)))
    url = _url_with(SERVER, draft)
    migrated = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"],
        cwd=ROOT, env=os.environ | {"DATABASE_URL": url, "DATABASE_OWNER_URL": url}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if migrated.returncode:
        pytest.exit(f"The migrations failed, no test can run:\n{migrated.stderr[-2000:]}", returncode=1)
    with owner(draft) as inside:
        inside.execute("CREATE SCHEMA seed")
        for table in _all_tables(inside):
            inside.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(_public(table)))
            if inside.fetchone() == (True,):
                inside.execute(
                    sql.SQL("CREATE TABLE {} AS TABLE {}").format(sql.Identifier("seed", table), _public(table))
                )
    cursor.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(template)))


def _drop_dead_copies(cursor: psycopg.Cursor) -> None:
    """Templates of older migrations, and copies whose test process was killed."""
    cursor.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY oid DESC", [TEMPLATE_PREFIX]
    )
    doomed = [row[0] for row in cursor.fetchall()][TEMPLATES_KEPT - 1 :]
    cursor.execute(r"SELECT datname FROM pg_database WHERE datname ~ '^test_\d+_'")
    doomed += [row[0] for row in cursor.fetchall() if not _lives(int(row[0].split("_")[1]))]
    for name in doomed:
        with suppress(psycopg.errors.ObjectInUse):  # another run still copies from it
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _exists(cursor: psycopg.Cursor, name: str) -> bool:
    return bool(cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone())


def _fingerprint() -> str:
    """Changes with the migrations, the models (a missing migration must not hide) and the packages that bring tables."""
    digest = hashlib.sha256()
    files = [*ROOT.glob("apps/*/migrations/*.py"), *ROOT.glob("apps/*/models*"), *ROOT.glob("apps/*/models/*.py")]
    files += ROOT.glob("apps/*/*.sql")  # functions that migrations install
    for path in sorted({file for file in files if file.is_file()} | {ROOT / "requirements.lock"}):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _url_with(url: str, database: str) -> str:
    """The same server in URL form, another database."""
    old = conninfo_to_dict(url).get("dbname", "")
    head, _, tail = url.partition("?")
    return head.rpartition(f"/{old}")[0] + f"/{database}" + (f"?{tail}" if tail else "")


if __name__ == "__main__":  # `bin/test` has the template built while mypy leaves a core free
    with owner() as at_once:
        _template(at_once)
