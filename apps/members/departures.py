"""Who was here before: keyed hashes of phone, number and cards outlive an erasure for a stated time, to stop the abuse of beginning
anew, and so that no old list brings somebody back who went.

Nothing else of the person is kept, and a hash answers one question only: has somebody with this number left lately?
"""

from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet

from apps.core import ciphers, clock
from apps.core.errors import BadCipher
from apps.members.models import Departure, Identity, Member

# Other indexes than those of the living: the two cannot be joined.
_PHONE, _NUMBER = "departed-phone", "departed-number"
_SEALED = """
select i.kind, i.sealed, k.wrapped from members_identity i join members_memberkey k on k.member_id = i.member_id
 where i.member_id = %s and i.kind in ('phone', 'card') order by i.id
"""


def remember(*, member_id: int, was_blocked: bool) -> int:
    """Keep a hash of each of the member's phones, cards and numbers. Call before their key is destroyed. Returns how many.

    One who leaves again begins the time anew; a block is never shortened by it.
    """
    until = clock.now() + timedelta(days=settings.MEMBER_DEPARTURE_DAYS)
    digests = sorted({*_of_identities(member_id), *map(number_digest, _numbers(member_id))})
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
    return _live([phone_digest(phone)]).exists()


def is_barred(phone: str) -> bool:
    """Whether this phone belonged to somebody who was blocked when they left."""
    return _live([phone_digest(phone)]).filter(was_blocked=True).exists()


def any_left(*, phone: str = "", member_no: str = "") -> bool:
    """Whether this phone (E.164) or this member or card number belonged to somebody who left lately."""
    digests = [phone_digest(phone)] if phone else []
    return _live([*digests, number_digest(member_no)] if member_no else digests).exists()


def left_phones(phones: Collection[str]) -> set[str]:
    """Those of these phones (E.164) whose owners left lately. Costs nothing while nobody has."""
    return _left({phone_digest(phone): phone for phone in phones} if anybody() else {})


def left_numbers(numbers: Collection[str]) -> set[str]:
    """The same for member and card numbers."""
    return _left({number_digest(number): number for number in numbers} if anybody() else {})


def phone_digest(phone: str) -> bytes:
    return ciphers.blind_index(kind=_PHONE, value=phone)


def number_digest(number: str) -> bytes:
    return ciphers.blind_index(kind=_NUMBER, value=number)


def purge() -> int:
    """Forget the departures whose time is over."""
    return Departure.objects.filter(expires_at__lte=clock.now()).delete()[0]


def anybody() -> bool:
    """Whether anybody left lately at all."""
    return Departure.objects.filter(expires_at__gt=clock.now()).exists()


def _left(by_digest: dict[bytes, str]) -> set[str]:
    found = _live(list(by_digest)).values_list("digest", flat=True) if by_digest else []
    return {by_digest[bytes(digest)] for digest in found}


def _live(digests: list[bytes]) -> QuerySet[Departure]:
    return Departure.objects.filter(digest__in=digests, expires_at__gt=clock.now())


def _numbers(member_id: int) -> list[str]:
    """Also of the records that were merged into this one."""
    records = Member.objects.filter(Q(pk=member_id) | Q(merged_into=member_id))
    return list(records.values_list("member_no", flat=True))


def _of_identities(member_id: int) -> list[bytes]:
    with connection.cursor() as cursor:
        cursor.execute(_SEALED, [member_id])
        rows = cursor.fetchall()
    found = []
    for kind, sealed, wrapped in rows:
        try:
            value = ciphers.decrypt(person_key=ciphers.unwrap(wrapped), blob=sealed, context=f"identity:{kind}")
        except BadCipher:
            continue
        found.append(phone_digest(value) if kind == Identity.Kind.PHONE else number_digest(value))
    return found
