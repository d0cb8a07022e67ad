"""Decided rows into the books, chunk by chunk, each in one transaction: what a killed import has done, the next one finds."""

from typing import Any

from django.db import connection, transaction

from apps.core import clock
from apps.members import consents, identities, services, tagging
from apps.members.imports.deciding import CHANGED, DIFFERS, OWN, Counts
from apps.members.models import Identity, MemberTag

CHUNK = 2_000  # lines of the file
LOCK = 7_490_062  # one file of members merges at a time

_CHUNK = "d.problem is null and d.line between %(first)s and %(last)s"
_NEW = f"""
insert into members_member (member_no, nickname, gender, status, source, tags, attributes, joined_at, home_store_id,
                            birth_year, birth_month, birth_day)
select d.member_no, d.said ->> 'nickname', d.said ->> 'gender', 'active', coalesce(nullif(d.said ->> 'source', ''), %(source)s),
       '{{}}', d.said -> 'fields', coalesce((d.said ->> 'joined_at')::timestamptz, %(now)s), (d.said ->> 'store_id')::bigint,
       (d.said -> 'birthday' ->> 0)::smallint, (d.said -> 'birthday' ->> 1)::smallint, (d.said -> 'birthday' ->> 2)::smallint
  from import_decided d where {_CHUNK} and d.member_id is null order by d.member_no
on conflict (member_no) do nothing
"""
_FIND = f"""
update import_decided d set member_id = m.id from members_member m
 where {_CHUNK} and d.member_id is null and m.member_no = d.member_no
"""
_CHANGE = f"""
update members_member m set ({", ".join(OWN)}) = {CHANGED}
  from import_decided d where {_CHUNK} and m.id = d.member_id and {DIFFERS}
"""
_CONSENTS = f"""
insert into members_consent (member_id, purpose, channel, is_granted, source, text_version, at)
select d.member_id, c.purpose, c.channel, c.is_granted, coalesce(nullif(d.said ->> 'consent_source', ''), %(source)s),
       %(version)s, c.at
  from import_decided d,
       jsonb_to_recordset(d.said -> 'consents') as c (purpose text, channel text, is_granted boolean, at timestamptz)
 where {_CHUNK} and not exists (
    select from members_consent k where k.member_id = d.member_id and k.purpose = c.purpose and k.channel = c.channel
       and k.at = c.at and k.is_granted = c.is_granted)
 order by d.member_id, c.at
"""
_OPENINGS = f"""
insert into members_opening (member_id, kind, key, amount, expires_on, source, line, taken_in_id, created_at)
select d.member_id, o.kind, o.key, o.amount, o.last, %(source)s, d.line, %(record)s, %(now)s
  from import_decided d, jsonb_to_recordset(d.said -> 'openings') as o (kind text, key text, amount bigint, last date)
 where {_CHUNK} order by d.member_id, o.kind, o.key on conflict (source, member_id, kind, key) do nothing
"""


def last_line() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(max(line), 0) from import_decided where problem is null")
        return int(cursor.fetchone()[0])


def merge(*, first: int, last: int, source: str, record_id: int) -> Counts:
    """Write the good rows of these lines. Repeatable: what is there already counts as known."""
    values: dict[str, Any] = {
        "first": first, "last": last, "source": source, "now": clock.now(), "record": record_id,
        "version": f"import:{source}"[:40],
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        _number(cursor, values)
        added = _ran(cursor, _NEW, values)
        known = _ran(cursor, f"select from import_decided d where {_CHUNK} and d.member_id is not null", values)
        changed = _ran(cursor, _CHANGE, values)
        cursor.execute(_FIND, values)
        phones, taken = _add_phones(cursor, values)
        newest = consents.newest_id()
        said = _ran(cursor, _CONSENTS, values)
        consents.tell_objections(after=newest)
        openings = _ran(cursor, _OPENINGS, values)
        tags, _members = tagging.give_named(pairs=_tag_pairs(cursor, values), source=MemberTag.Source.IMPORT)
    return Counts(
        members_added=added, members_known=known, members_changed=changed, phones_added=phones, phones_taken=taken,
        tags_given=tags, consents_added=said, openings_added=openings,
    )  # fmt: skip


def _ran(cursor: Any, statement: str, values: dict[str, Any]) -> int:
    cursor.execute(statement, values)
    return int(cursor.rowcount)


def _number(cursor: Any, values: dict[str, Any]) -> None:
    """New members without a number of their own get one; by now another import may have brought their phone."""
    cursor.execute(
        f"""update import_decided d set member_id = i.member_id from members_identity i
             where {_CHUNK} and d.member_id is null and d.member_no is null
               and i.kind = 'phone' and i.namespace = '' and i.digest = d.digest""",
        values,
    )
    cursor.execute(
        f"select d.line from import_decided d where {_CHUNK} and d.member_id is null and d.member_no is null", values
    )
    lines = [row[0] for row in cursor.fetchall()]
    if lines:
        cursor.execute(
            "update import_decided d set member_no = n.number from unnest(%s::bigint[], %s::text[]) n (line, number)"
            " where d.line = n.line",
            [lines, services.free_numbers(len(lines))],
        )


def _add_phones(cursor: Any, values: dict[str, Any]) -> tuple[int, int]:
    """How many were added, and how many turned out to have another owner since the file was checked."""
    cursor.execute(
        f"""select d.member_id, d.phone from import_decided d
             where {_CHUNK} and d.phone is not null and d.owner_id is null order by d.digest""",
        values,
    )
    entries = cursor.fetchall()
    owned = identities.add_many(kind=Identity.Kind.PHONE, entries=entries)
    return owned, len(entries) - owned


def _tag_pairs(cursor: Any, values: dict[str, Any]) -> list[tuple[int, str]]:
    cursor.execute(
        f"select d.member_id, t.name from import_decided d, jsonb_array_elements_text(d.said -> 'tags') t (name)"
        f" where {_CHUNK} order by 1, 2",
        values,
    )
    return list(cursor.fetchall())
