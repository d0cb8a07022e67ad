"""Who a member is: identities are normalised, indexed blindly, sealed with the member's own key. The database decides who owns one."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.core import ciphers, clock
from apps.core.errors import ValidationFailed
from apps.members import departures, phones
from apps.members.errors import IdentityTaken, PhoneBarred, PhoneInvalid, PhoneTaken
from apps.members.models import Identity

CHUNK = 5_000
_KEYS = "select member_id, wrapped from members_memberkey where member_id = any(%s)"


def context(kind: str) -> str:
    """Names the field a sealed identity belongs to."""
    return f"identity:{kind}"


def normal(*, kind: str, value: str) -> str:
    """The form that is compared and stored. Raises PhoneInvalid or ValidationFailed."""
    if kind == Identity.Kind.PHONE:
        return phones.normal(value)
    cleaned = value.strip().lower() if kind == Identity.Kind.EMAIL else value.strip()
    if kind == Identity.Kind.CARD:
        cleaned = "".join(cleaned.split())  # a scanner reads no blanks, people type those that are printed
    if kind not in Identity.Kind.values or not 0 < len(cleaned) <= 200:
        message = _("This value cannot be used.")
        raise ValidationFailed(errors=[{"pointer": f"/{kind}", "code": "invalid", "message": message}])
    return cleaned


def digest(*, kind: str, value: str) -> bytes:
    """Blind index of a normal value."""
    return ciphers.blind_index(kind=kind, value=value)


def tail_digest(digits: str) -> bytes:
    return ciphers.blind_index(kind="phone-tail", value=digits)


@transaction.atomic
def add_identity(*, member_id: int, kind: str, value: str, namespace: str = "", is_verified: bool = False) -> int:
    """Give a member one more identity; the same again is a no-op. Raises IdentityTaken (PhoneTaken) when another member has it.

    Raises PhoneBarred for the phone of somebody who was blocked when they left.
    """
    value = normal(kind=kind, value=value)
    if kind == Identity.Kind.PHONE and departures.is_barred(value):
        raise PhoneBarred
    entry = (member_id, namespace, value)
    _insert(kind, [entry], open_keys([member_id]), verified_at=clock.now() if is_verified else None)
    found = Identity.objects.get(kind=kind, namespace=namespace, digest=digest(kind=kind, value=value))
    if found.member_id != member_id:
        raise PhoneTaken if kind == Identity.Kind.PHONE else IdentityTaken
    return found.pk


def resolve_for_import(rows: Sequence[tuple[str, str]], source: str) -> tuple[dict[str, int], dict[str, str]]:
    """Members of a file: (member number, phone as written or "") → ids by number, and error codes by number.

    Unknown numbers become members, new phones their identities. `phone_invalid`, `phone_taken` and `phone_left` (its owner left
    lately) leave the member without that phone. Repeatable: the same rows again add nothing. Chunks commit on their own unless a
    transaction is open.
    """
    member_ids: dict[str, int] = {}
    errors: dict[str, str] = {}
    ordered = sorted(set(rows))  # one order for all importers: no deadlock
    for start in range(0, len(ordered), CHUNK):
        with transaction.atomic():
            chunk = ordered[start : start + CHUNK]
            member_ids |= _upsert_members(sorted({number for number, _ in chunk}), source)
            errors |= _add_phones([(number, member_ids[number], raw) for number, raw in chunk if raw.strip()])
    return member_ids, errors


def add_many(*, kind: str, entries: Sequence[tuple[int, str]]) -> int:
    """(member id, normal value) pairs, no value twice. Returns how many their members now own; a value with another owner stays his."""
    if not entries:
        return 0
    keys = open_keys(sorted({member_id for member_id, _ in entries}))
    _insert(kind, [(member_id, "", value) for member_id, value in entries], keys)
    digests = [digest(kind=kind, value=value) for _, value in entries]
    owned = Identity.objects.filter(kind=kind, namespace="", digest__in=digests).values_list("digest", "member_id")
    owners = {bytes(value): owner for value, owner in owned}
    return sum(owners[value] == member_id for value, (member_id, _) in zip(digests, entries, strict=True))


# Sorted, so that everybody is looked up before the first is written: where the table was analysed while it was empty, each look-up
# reads it whole, as far as it has grown.
NEW_MEMBERS = """
    insert into members_member (member_no, nickname, gender, status, source, tags, attributes, joined_at)
    select number, '', '', 'active', %s, '{}', '{}', %s from unnest(%s::text[]) number
     where not exists (select from members_member m where m.member_no = number)
     order by number on conflict (member_no) do nothing
"""


def _upsert_members(numbers: list[str], source: str) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(NEW_MEMBERS, [source, clock.now(), numbers])
        cursor.execute(
            "select member_no, coalesce(merged_into_id, id) from members_member where member_no = any(%s)", [numbers]
        )
        return dict(cursor.fetchall())


def _add_phones(wanted: list[tuple[str, int, str]]) -> dict[str, str]:
    """(member number, id, raw phone) → error codes by member number."""
    errors: dict[str, str] = {}
    normal_rows: list[tuple[str, int, str, bytes]] = []
    for number, member_id, raw in wanted:
        try:
            phone = phones.normal(raw)
        except PhoneInvalid as bad:
            errors[number] = bad.code
            continue
        normal_rows.append((number, member_id, phone, digest(kind=Identity.Kind.PHONE, value=phone)))
    left = departures.left_phones({row[2] for row in normal_rows})
    errors |= {number: "phone_left" for number, _, phone, _ in normal_rows if phone in left}
    normal_rows = [row for row in normal_rows if row[2] not in left]
    owners = _owners([row[3] for row in normal_rows])
    entries: dict[bytes, tuple[int, str, str]] = {}
    for _line, member_id, phone, value in normal_rows:
        if value not in owners:
            entries.setdefault(value, (member_id, "", phone))  # twice in one file: the first has it
    if entries:
        keys = open_keys(sorted({member_id for member_id, _, _ in entries.values()}))
        _insert(Identity.Kind.PHONE, [entries[value] for value in sorted(entries)], keys)
        owners |= _owners(list(entries))
    errors |= {number: PhoneTaken.code for number, member_id, _, value in normal_rows if owners[value] != member_id}
    return errors


def _owners(digests: list[bytes]) -> dict[bytes, int]:
    """Who has these phones, by digest."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select digest, member_id from members_identity"
            " where kind = 'phone' and namespace = '' and digest = any(%s::bytea[])",
            [digests],
        )
        return {bytes(value): member_id for value, member_id in cursor.fetchall()}


def person_key(member_id: int) -> bytes:
    """The member's data key, unwrapped; one without gets it here."""
    return open_keys([member_id])[member_id]


def open_keys(member_ids: Sequence[int]) -> dict[int, bytes]:
    """Each member's data key, unwrapped; members without one get it here."""
    with connection.cursor() as cursor:  # arrays: one statement with a handful of parameters, however many rows
        cursor.execute(_KEYS, [list(member_ids)])
        stored = dict(cursor.fetchall())
        if missing := [member_id for member_id in member_ids if member_id not in stored]:
            cursor.execute(
                "insert into members_memberkey (member_id, wrapped) select * from unnest(%s::bigint[], %s::bytea[])"
                " on conflict do nothing",
                [missing, [ciphers.new_person_key() for _ in missing]],
            )
            cursor.execute(_KEYS, [missing])
            stored |= dict(cursor.fetchall())
    return {member_id: ciphers.unwrap(bytes(wrapped)) for member_id, wrapped in stored.items()}


def hand_over(*, identity_ids: Sequence[int], to_id: int) -> list[int]:
    """Give identities to another member, sealed anew with that member's key: who erases the one key erases all. Returns the moved ids.

    The caller holds both members' locks. Raises BadCipher, and moves nothing, when a value cannot be read.
    """
    rows = list(Identity.objects.filter(pk__in=identity_ids).exclude(member_id=to_id).order_by("pk"))
    keys = open_keys(sorted({to_id, *(row.member_id for row in rows)}))
    fresh = []
    for row in rows:
        value = ciphers.decrypt(person_key=keys[row.member_id], blob=bytes(row.sealed), context=context(row.kind))
        fresh.append(ciphers.encrypt(person_key=keys[to_id], text=value, context=context(row.kind)))
    with connection.cursor() as cursor:
        cursor.execute(
            "update members_identity i set member_id = %s, sealed = n.sealed"
            " from unnest(%s::bigint[], %s::bytea[]) n(id, sealed) where i.id = n.id",
            [to_id, [row.pk for row in rows], fresh],
        )
    return [row.pk for row in rows]


def _insert(
    kind: str, entries: Sequence[tuple[int, str, str]], keys: dict[int, bytes], *, verified_at: datetime | None = None
) -> None:
    """(member id, namespace, normal value); one that anybody owns already is left alone."""
    is_phone = kind == Identity.Kind.PHONE
    member_ids, namespaces, values = zip(*entries, strict=True)
    sealed = [
        ciphers.encrypt(person_key=keys[member_id], text=value, context=context(kind))
        for member_id, _, value in entries
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """insert into members_identity
                   (member_id, namespace, digest, tail_digest, sealed, kind, verified_at, created_at)
               select *, %s, %s, %s
                 from unnest(%s::bigint[], %s::text[], %s::bytea[], %s::bytea[], %s::bytea[])
               on conflict do nothing""",
            [
                kind,
                verified_at,
                clock.now(),
                list(member_ids),
                list(namespaces),
                [digest(kind=kind, value=value) for value in values],
                [tail_digest(value[-phones.TAIL :]) if is_phone else None for value in values],
                sealed,
            ],
        )
