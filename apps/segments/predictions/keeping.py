"""Predictions of members are taken away the moment they may not be kept; the next scoring sees to it as well."""

from collections.abc import Sequence

from django.db import connection

_TABLES = ("segments_prediction", "segments_membercycle")


def forget(*, member_ids: Sequence[int]) -> int:
    """Remove what was predicted of these members. Returns the rows."""
    removed = 0
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"delete from {table} where member_id = any(%s)", [list(member_ids)])
            removed += cursor.rowcount
    return removed
