"""Statements that stay prepared on a connection."""

from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.test.utils import CaptureQueriesContext

from apps.core import prepared
from apps.core.models import User

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
