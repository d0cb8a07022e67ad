"""The stats row of a record that is merged: taken away, so that nobody is counted twice, and put back when that is undone.

The survivor's stats are computed anew from the orders; the history of stages and scores stays with the record it was told of.
"""

import json
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

_TAKEN = {
    "predictions": "segments_prediction",
    "cycles": "segments_membercycle",
}  # beside the stats row, under these names


def take(*, member_id: int) -> dict[str, Any] | None:
    """Remove the row and return it as JSON, with what was predicted; None when there was none."""
    with connection.cursor() as cursor:
        cursor.execute("delete from segments_newcomer where member_id = %s", [member_id])
        beside = {name: _taken(cursor, table, member_id) for name, table in _TAKEN.items()}
        rows = _taken(cursor, "segments_memberstats", member_id)
    return rows[0] | beside if rows else None


def _taken(cursor: CursorWrapper, table: str, member_id: int) -> list[dict[str, Any]]:
    cursor.execute(
        f"with gone as (delete from {table} where member_id = %s returning *)"
        " select coalesce(jsonb_agg(to_jsonb(gone)), '[]') from gone",
        [member_id],
    )
    found = cursor.fetchone()[0]
    rows: list[dict[str, Any]] = json.loads(found) if isinstance(found, str) else found
    return rows


def put_back(image: dict[str, Any] | None) -> None:
    """As it was: the next refresh then sees a corrected past, which triggers no care, and no newcomer."""
    if image is None:
        return
    beside = [(table, row) for name, table in _TAKEN.items() for row in image.get(name, ())]
    with connection.cursor() as cursor:
        for table, row in [("segments_memberstats", image), *beside]:
            cursor.execute(
                f"insert into {table} select * from jsonb_populate_record(null::{table}, %s) on conflict do nothing",
                [json.dumps(row)],
            )
