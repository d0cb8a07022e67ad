"""The request log as it ages: a line is kept seven days, to the hour."""

from datetime import timedelta

from django.db import connection

from apps.core import clock

KEPT = timedelta(days=7)
CHUNK = 20_000
_PURGE = """
delete from core_requestline where id = any(array(select id from core_requestline where at < %s order by at limit %s))
"""


def purge() -> int:
    """Remove lines that are over their time, in chunks that commit on their own. Returns how many went."""
    edge, gone = clock.now() - KEPT, 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_PURGE, [edge, CHUNK])
            removed = cursor.rowcount
        gone += removed
        if removed < CHUNK:
            return gone
