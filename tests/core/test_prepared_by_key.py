"""Sessions that plan by key."""

import pytest
from django.db import connection, utils

from apps.core import prepared

PLAN = "plan_cache_mode"


def _setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"show {name}")
        return str(cursor.fetchone()[0])


def _kept(text: str) -> list[tuple[int, int]]:
    """(generic plans, custom plans) of what this session keeps under this text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select generic_plans, custom_plans from pg_prepared_statements where statement like %s", [f"%{text}%"]
        )
        return cursor.fetchall()


@pytest.mark.django_db(transaction=True)
def test_a_statement_is_planned_once_and_answers_in_python_values() -> None:
    statement = "select %(n)s::bigint + 1, '\\x00ff'::bytea, null::text /* once */"
    with prepared.by_key():
        rows = [prepared.rows(statement, {"n": n}) for n in range(20)]
        plans = _kept("/* once */")

    assert rows[:2] == [[(1, b"\x00\xff", None)], [(2, b"\x00\xff", None)]]
    assert plans == [(20, 0)]


def _divide_by_nothing() -> None:
    with prepared.by_key():
        assert (_setting(PLAN), _setting("enable_hashjoin")) == ("force_generic_plan", "off")
        prepared.rows("select 1 / %(n)s::int", {"n": 0})


@pytest.mark.django_db(transaction=True)
def test_the_session_plans_as_before_afterwards_even_after_an_error() -> None:
    usual = {name: _setting(name) for name in (PLAN, "enable_hashjoin")}
    with pytest.raises(utils.DataError):
        _divide_by_nothing()

    assert {name: _setting(name) for name in usual} == usual
    with connection.cursor() as cursor:
        cursor.execute("select 1 /* by Django */")
    assert _kept("/* by Django */") == []
