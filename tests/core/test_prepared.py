"""Statements that stay prepared on a connection."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from django.db.utils import DataError, IntegrityError
from django.test.utils import CaptureQueriesContext
from psycopg.pq import TransactionStatus

from apps.core import prepared
from apps.core.models import User
from apps.stores.models import Region, Store

pytestmark = pytest.mark.django_db
_ECHO = "select %s::timestamptz, %s::jsonb, %s::bigint"
_DAY = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


def kept() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("select statement from pg_prepared_statements where not from_sql")
        return [statement for (statement,) in cursor.fetchall()]


def test_a_statement_is_planned_once_and_counted_every_time():
    with CaptureQueriesContext(connection) as seen:
        answers = [prepared.row(_ECHO, [_DAY, '{"a": [1]}', number]) for number in (7, 8)]

    assert answers == [(_DAY, {"a": [1]}, 7), (_DAY, {"a": [1]}, 8)]
    assert [one["sql"] for one in seen] == ["select $1::timestamptz, $2::jsonb, $3::bigint"] * 2
    assert [statement for statement in kept() if "timestamptz" in statement] == [
        "select $1::timestamptz, $2::jsonb, $3::bigint"
    ]


def test_no_row_is_none():
    assert prepared.row("select id from core_user where username = %s", ["nobody"]) is None
    assert prepared.rows("select id from core_user where username = %(name)s", {"name": "nobody"}) == []


def test_it_reads_what_its_own_transaction_wrote_and_outlives_a_rollback():
    with transaction.atomic():
        made = User.objects.create_user("anna").pk
        assert prepared.row("select id from core_user where username = %s", ["anna"]) == (made,)
        transaction.set_rollback(True)

    assert prepared.row("select id from core_user where username = %s", ["anna"]) is None


def test_errors_are_those_of_django():
    User.objects.create_user("anna")
    with pytest.raises(IntegrityError), transaction.atomic():
        prepared.rows("insert into core_user select * from core_user where username = %s", ["anna"])


def test_without_a_threshold_nothing_stays(monkeypatch: pytest.MonkeyPatch):
    """As `DATABASE_PREPARE=0` has it."""
    connection.ensure_connection()
    monkeypatch.setattr(connection.connection, "prepare_threshold", None)

    assert prepared.row("select %s::text || 'unkept'", ["a"]) == ("aunkept",)
    assert not [statement for statement in kept() if "unkept" in statement]


def elsewhere(act: Callable[[], Any]) -> Any:
    """In a thread of its own, as web servers run requests: there what is prepared goes straight to libpq."""

    def run() -> Any:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(run).result()


@pytest.mark.django_db(transaction=True)
def test_threads_of_servers_get_the_same_answers_in_the_same_transactions():
    by_name, make = (
        "select id from core_user where username = %s and '%%' = '%%'",
        "select %s::bigint[], %s::text, %s::jsonb",
    )

    def act() -> list[Any]:
        found: list[Any] = [prepared.row(make, [[1, None], text, None]) for text in ("a", "", "%s", "中")]
        with transaction.atomic():
            anna = User.objects.create_user("anna").pk
            found += [prepared.row(by_name, ["anna"]) == (anna,) for _ in range(3)]
            transaction.set_rollback(True)
        for _ in range(3):  # forgotten by the rollback, prepared anew
            with transaction.atomic():
                found.append(prepared.row(by_name, ["anna"]))
                User.objects.create_user("bert")
                transaction.set_rollback(True)
        return [*found, prepared.rows(by_name, ["bert"])]

    with patch.object(prepared, "_quick", wraps=prepared._quick) as quick:
        found = elsewhere(act)

    assert found == [
        ([1, None], "a", None), ([1, None], "", None), ([1, None], "%s", None), ([1, None], "中", None),
        True, True, True, None, None, None, [],
    ]  # fmt: skip
    assert quick.call_count == 11


@pytest.mark.django_db(transaction=True)
def test_a_thread_begins_its_transaction_with_a_prepared_statement_and_learns_of_errors():
    twice = "insert into stores_region (name) values (%s) returning name"

    def act() -> list[Any]:
        prepared.row(twice, ["one"])
        with transaction.atomic():
            found: list[Any] = [prepared.row(twice, ["two"])]
            transaction.set_rollback(True)
        prepared.row(twice, ["three"])
        for _ in range(2):
            with pytest.raises(IntegrityError), transaction.atomic():
                prepared.row(twice, ["three"])
        with transaction.atomic(), pytest.raises(IntegrityError):
            prepared.row(twice, ["three"])
        prepared.row(twice, ["four"])
        return [*found, prepared.rows("select name from stores_region where name <> %s order by id", ["x"])]

    assert elsewhere(act) == [("two",), [("one",), ("three",), ("four",)]]


@pytest.mark.django_db(transaction=True)
def test_the_last_statement_of_a_transaction_is_committed_with_it_or_nothing_is():
    add, away = "insert into stores_region (name) values (%s) returning name", "select 1 / %s::int"
    end = f"{add} as the_last"

    @transaction.atomic
    def fails() -> None:
        prepared.row(add, ["never"])
        prepared.last(away, [0])

    def act() -> list[Any]:
        seen: list[Any] = []
        for name in ("one", "two", "three"):
            with transaction.atomic():
                prepared.row(add, [f"{name}, first"])
                found = prepared.last(end, [name])
                seen.append((found, connection.connection.pgconn.transaction_status == TransactionStatus.IDLE))
        for number in (1, 1):
            prepared.row(away, [number])
        with pytest.raises(DataError):
            fails()
        with transaction.atomic():
            with transaction.atomic():  # what stands around it may still fail
                prepared.last(end, ["undone"])
            transaction.set_rollback(True)
        return seen

    assert elsewhere(act) == [([("one",)], False), ([("two",)], True), ([("three",)], True)]
    with connection.cursor() as cursor:
        cursor.execute("select name from stores_region order by id")
        assert [name for (name,) in cursor.fetchall()] == [
            "one, first", "one", "two, first", "two", "three, first", "three"
        ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_what_the_commit_refuses_is_an_error_and_leaves_nothing():
    """Foreign keys are checked by the commit."""
    orphan = "insert into stores_store (name, code, region_id, is_open, created_at) values ('a', %s, %s, true, now()) returning code"

    def act() -> None:
        region = Region.objects.create(name="here").pk
        for code in ("a", "b"):
            prepared.row(orphan, [code, region])
        with pytest.raises(IntegrityError), transaction.atomic():
            prepared.last(orphan, ["c", region + 1])
        prepared.row(orphan, ["d", region])  # the connection serves on

    elsewhere(act)
    assert list(Store.objects.order_by("code").values_list("code", flat=True)) == ["a", "b", "d"]
