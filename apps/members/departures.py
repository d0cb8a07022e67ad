"""Who was here before: a keyed hash of the phone outlives an erasure for a stated time, to stop the abuse of beginning anew.

Nothing else of the person is kept, and the hash answers one question only: has somebody with this number left lately?
"""

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from apps.core import ciphers, clock
from apps.core.errors import BadCipher
from apps.members.models import Departure, Identity

_KIND = "departed-phone"  # another index than that of the living: the two cannot be joined
_SEALED = """
select i.sealed, k.wrapped from members_identity i join members_memberkey k on k.member_id = i.member_id
 where i.member_id = %s and i.kind = 'phone' order by i.id
"""


def remember(*, member_id: int, was_blocked: bool) -> int:
    """Keep a hash of each of the member's phones. Call before their key is destroyed. Returns how many.

    One who leaves again begins the time anew; a block is never shortened by it.
    """
    until = clock.now() + timedelta(days=settings.MEMBER_DEPARTURE_DAYS)
    digests = [_digest(phone) for phone in _phones(member_id)]
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into members_departure (digest, was_blocked, expires_at)"
            " select d, %s, %s from unnest(%s::bytea[]) d on conflict (digest) do update"
            " set was_blocked = members_departure.was_blocked or excluded.was_blocked,"
            " expires_at = greatest(members_departure.expires_at, excluded.expires_at)",
            [was_blocked, until, digests],
        )
    return len(digests)


def was_here(phone: str) -> bool:
    """Whether this phone (E.164) belonged to somebody who left lately: they get no newcomer's gift."""
    return _live(phone).exists()


def is_barred(phone: str) -> bool:
    """Whether this phone belonged to somebody who was blocked when they left."""
    return _live(phone).filter(was_blocked=True).exists()


def purge() -> int:
    """Forget the departures whose time is over."""
    return Departure.objects.filter(expires_at__lte=clock.now()).delete()[0]


def _live(phone: str) -> QuerySet[Departure]:
    return Departure.objects.filter(digest=_digest(phone), expires_at__gt=clock.now())


def _digest(phone: str) -> bytes:
    return ciphers.blind_index(kind=_KIND, value=phone)


def _phones(member_id: int) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_SEALED, [member_id])
        rows = cursor.fetchall()
    context = f"identity:{Identity.Kind.PHONE}"
    found = []
    for sealed, wrapped in rows:
        try:
            found.append(ciphers.decrypt(person_key=ciphers.unwrap(wrapped), blob=sealed, context=context))
        except BadCipher:
            continue
    return found
