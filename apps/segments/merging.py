"""The stats row of a record that is merged: taken away, so that nobody is counted twice, and put back when that is undone.

The survivor's stats are computed anew from the orders; the history of stages and scores stays with the record it was told of.
"""

import json
from typing import Any

from django.db import connection

from apps.segments.predictions import keeping


def take(*, member_id: int) -> dict[str, Any] | None:
    """Remove the row and return it as JSON; None when there was none. Predictions go for good: the next scoring makes new ones."""
    keeping.forget(member_ids=[member_id])
    with connection.cursor() as cursor:
        cursor.execute("delete from segments_newcomer where member_id = %s", [member_id])
        cursor.execute(
            "with gone as (delete from segments_memberstats where member_id = %s returning *)"
            " select to_jsonb(gone) from gone",
            [member_id],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    image: dict[str, Any] = json.loads(row[0]) if isinstance(row[0], str) else row[0]
    return image


def put_back(image: dict[str, Any] | None) -> None:
    """As it was: the next refresh then sees a corrected past, which triggers no care, and no newcomer."""
    if image is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into segments_memberstats"
            " select * from jsonb_populate_record(null::segments_memberstats, %s) on conflict do nothing",
            [json.dumps(image)],
        )
