"""Whom the rows of a file name: every given cell of a row must lead to the same member."""

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection

from apps.core.errors import ValidationFailed
from apps.core.files.staging import Layout
from apps.members import identities
from apps.members.errors import PhoneInvalid
from apps.members.models import Identity

KEYS = ("member_no", "phone", "email")
LAYOUT = Layout(columns={name: name for name in KEYS}, required=(), keep="member_no")
LONGEST = {"member_no": 40, "phone": 60, "email": 200}
BATCH = 5_000
TABLES = ("import_named", "import_found")


def name(*, columns: list[str], heard: Callable[[int], None]) -> None:
    """Fill `import_named` with what the rows say, and `import_rejects` with those that cannot be read. `heard`: rows so far."""
    with connection.cursor() as cursor:
        cursor.execute("create index on import_cells (line)")
        cursor.execute(
            "insert into import_rejects (line, cell, code) select line, '', problem from import_cells where problem is not null"
        )
        cursor.execute("create temp table import_named (line bigint, member_no text, phone bytea, email bytea)")
    done = 0
    for rows in _batches(columns):
        named, rejects = [], []
        for line, *cells in rows:
            try:
                named.append((line, *_keys(dict(zip(columns, cells, strict=True)))))
            except _Wrong as wrong:
                rejects.append((line, *wrong.args))
        _store(named, rejects)
        done += len(rows)
        heard(done)


def find(*, takes_out: bool) -> None:
    """Fill `import_found` with the members whom the good rows name, each once; the other rows are rejected.

    Who is frozen or blocked is not taken in, but may be taken out.
    """
    with connection.cursor() as cursor:
        cursor.execute("analyze import_named")
        cursor.execute(_FIND, {"takes_out": takes_out})
        cursor.execute(_REPEATED)
        cursor.execute(_REFUSED)
        cursor.execute("delete from import_found where problem is not null")


def found() -> list[int]:
    """Ids of the members that the file names."""
    with connection.cursor() as cursor:
        cursor.execute("select member_id from import_found order by member_id")
        return [row[0] for row in cursor.fetchall()]


class _Wrong(Exception):
    """`args`: cell, code."""


def _keys(cells: dict[str, str | None]) -> tuple[str | None, bytes | None, bytes | None]:
    said = {name: _clean(cells.get(name)) for name in KEYS}
    if not any(said.values()):
        raise _Wrong("", "key_missing")
    for cell, limit in LONGEST.items():
        if len(said[cell]) > limit:
            raise _Wrong(cell, "cell_too_long")
    return said["member_no"] or None, _digest(Identity.Kind.PHONE, said["phone"]), _digest("email", said["email"])


def _digest(kind: str, text: str) -> bytes | None:
    if not text:
        return None
    try:
        value = identities.normal(kind=kind, value=text)
    except (PhoneInvalid, ValidationFailed):
        raise _Wrong(kind, f"{kind}_invalid") from None
    if kind == Identity.Kind.EMAIL and ("@" not in value or " " in value):
        raise _Wrong(kind, "email_invalid")
    return identities.digest(kind=kind, value=value)


def _clean(text: str | None) -> str:
    return " ".join(unicodedata.normalize("NFC", text or "").replace("\ufeff", "").split())


def _batches(columns: list[str]) -> Iterator[list[Any]]:
    last = 0
    statement = f"select line, {', '.join(columns)} from import_cells where line > %s and problem is null order by line limit %s"
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement, [last, BATCH])
            rows = cursor.fetchall()
        if not rows:
            return
        yield rows
        last = rows[-1][0]


def _store(named: list[tuple[Any, ...]], rejects: list[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        with cursor.copy("copy import_named from stdin") as copy:
            for row in named:
                copy.write_row(row)
        cursor.executemany("insert into import_rejects (line, cell, code) values (%s, %s, %s)", rejects)


# A number that was merged into another record means that record.
_FIND = """
create temp table import_found as
select p.line, t.id as member_id,
    case when p.member_no is not null and n.id is null then 'member_unknown:member_no'
         when p.phone is not null and i.id is null then 'member_unknown:phone'
         when p.email is not null and e.id is null then 'member_unknown:email'
         when k.last is distinct from k.first then 'keys_differ:'
         when t.status in ('cancelled', 'erased') then 'member_left:'
         when t.status <> 'active' and not %(takes_out)s then 'member_not_active:' end as problem
from import_named p
left join members_member n on n.member_no = p.member_no
left join members_identity i on i.kind = 'phone' and i.namespace = '' and i.digest = p.phone
left join members_identity e on e.kind = 'email' and e.namespace = '' and e.digest = p.email
cross join lateral (
    select min(o.id), max(o.id) from unnest(array[coalesce(n.merged_into_id, n.id), i.member_id, e.member_id]) o (id)
) k (first, last)
left join members_member t on t.id = k.first
"""
_REPEATED = """
update import_found f set problem = 'row_repeated:' from (
    select line, row_number() over (partition by member_id order by line) as place from import_found where problem is null
) r where r.line = f.line and r.place > 1
"""
_REFUSED = """
insert into import_rejects (line, cell, code)
select line, split_part(problem, ':', 2), split_part(problem, ':', 1) from import_found where problem is not null
"""
