"""The one way a list is read: conditions and parameters in, a page of dict rows out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from apps.analytics import keyset
from apps.analytics.keyset import Page


@dataclass
class Conditions:
    """Parts of a WHERE, joined by AND. Values always travel as parameters."""

    parts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, sql: str, *values: Any) -> None:
        self.parts.append(sql)
        self.values.extend(values)

    def only(self, sql: str, value: Any) -> None:
        """Add the condition where there is something to ask for."""
        if value not in (None, "", [], ()):
            self.add(sql, value)

    @property
    def text(self) -> str:
        return " and ".join(self.parts) or "true"


def page(
    sql: str,
    *,
    conditions: Conditions,
    sort: Sequence[tuple[str, str, type]],
    cursor: str,
    size: int = keyset.SIZE,
) -> Page:
    """`sql` ends before its WHERE. `sort` names, newest first, each key's column, its name in a row, and its type."""
    reached = keyset.read(cursor, kinds=[kind for _column, _name, kind in sort])
    columns = ", ".join(column for column, _name, _kind in sort)
    beyond, key = keyset.where(columns, cursor=reached)
    statement = f"{sql} where {conditions.text} and {beyond} order by {keyset.order(columns, cursor=reached)} limit {size + 1:d}"
    found = rows(statement, [*conditions.values, *key])
    return keyset.page(found, cursor=reached, key=[name for _column, name, _kind in sort], size=size)


def rows(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as database:
        database.execute(statement, values)
        names = [column.name for column in database.description]
        return [dict(zip(names, row, strict=True)) for row in database.fetchall()]


def about(statement: str, values: Sequence[Any]) -> int:
    """The planner's guess of how many rows a statement returns: milliseconds at any size, off by what the statistics are off."""
    with connection.cursor() as database:
        database.execute(f"explain (format json) {statement}", values)
        plan = database.fetchone()[0]
    return int(plan[0]["Plan"]["Plan Rows"])


def json_value(value: Any) -> Any:
    """A jsonb column as a raw cursor hands it over: Django leaves it as text."""
    return json.loads(value) if isinstance(value, str) else value
