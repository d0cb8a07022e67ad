"""Field-key rotation: members' own keys are wrapped anew; the values they seal stay as they are."""

from collections.abc import Iterator

from django.conf import settings
from django.db import connection

from apps.core import ciphers

CHUNK = 5_000
_STALE = """
select member_id, wrapped from members_memberkey
where member_id > %s and convert_from(substring(wrapped from 2 for get_byte(wrapped, 0)), 'UTF8') <> %s
order by member_id limit %s
"""
_RENEW = """
update members_memberkey k set wrapped = n.fresh
from unnest(%s::bigint[], %s::bytea[], %s::bytea[]) n(member_id, stale, fresh)
where k.member_id = n.member_id and k.wrapped = n.stale
"""


def rewrap_all() -> Iterator[int]:
    """Wrap every key that is not under the newest field key; yields how many are done so far. Online and repeatable.

    A key that somebody changed meanwhile is left for the next run. Raises BadCipher when an old field key is missing.
    """
    newest = next(iter(settings.FIELD_KEYS))
    last = done = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_STALE, [last, newest, CHUNK])
            rows = cursor.fetchall()
            if not rows:
                return
            stale = [bytes(wrapped) for _, wrapped in rows]
            cursor.execute(_RENEW, [[key for key, _ in rows], stale, [ciphers.rewrap(wrapped) for wrapped in stale]])
            done += cursor.rowcount
        last = rows[-1][0]
        yield done
