"""The whole file against the books before anything is written: who is new, who is known, which rows contradict."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from apps.core import clock
from apps.members import departures, identities
from apps.members.imports import parsing
from apps.members.imports.columns import FIELD, layout
from apps.members.models import Attribute, Identity, Tag
from apps.stores.models import Store

BATCH = 5_000
TABLES = ("import_people", "import_decided")

_NEXT = "select line, {columns} from import_cells where line > %s and problem is null order by line limit %s"
# The second row about a number or a phone; the first one counts.
_REPEATED = """
insert into import_rejects (line, cell, code)
select line, cell, 'row_repeated' from (
    select line, 'member_no' as cell, row_number() over (partition by member_no order by line) as place
      from import_people where member_no is not null
    union all
    select line, 'phone', row_number() over (partition by digest order by line) from import_people where digest is not null
) ranked where place > 1
"""
# A number that was merged into another record means that record. Whose phone or number belonged to somebody who left lately is
# taken in only under the number of a new membership, which no old file can know.
_DECIDED = """
create temp table import_decided as
select p.line, p.member_no, p.digest, p.phone, p.said, t.id as member_id, i.member_id as owner_id,
    case when %(known_only)s and t.id is null then 'member_unknown:' || case when p.member_no is null then 'phone' else 'member_no' end
         when t.status in ('cancelled', 'erased') then 'member_left:member_no'
         when p.left_by is not null and m.id is null then 'person_left:' || p.left_by
         when p.member_no is not null and i.member_id is not null and i.member_id is distinct from t.id then 'phone_taken:phone'
         when exists (
            select from jsonb_to_recordset(p.said -> 'openings') as o (kind text, key text, amount bigint, last date)
            join members_opening k on k.member_id in (t.id, m.id) and k.source = %(source)s and k.kind = o.kind and k.key = o.key
            group by o.kind, o.key, o.amount, o.last
            having bool_and((k.amount, k.expires_on) is distinct from (o.amount, o.last))) then 'opening_differs:opening_points'
    end as problem
from import_people p
left join members_member m on m.member_no = p.member_no
left join members_identity i on i.kind = 'phone' and i.namespace = '' and i.digest = p.digest
left join members_member t on t.id = coalesce(m.merged_into_id, m.id, case when p.member_no is null then i.member_id end)
where not exists (select from import_rejects r where r.line = p.line)
"""
_REFUSED = """
insert into import_rejects (line, cell, code)
select line, split_part(problem, ':', 2), split_part(problem, ':', 1) from import_decided where problem is not null
"""
_BROUGHT = """
select coalesce(sum(o.amount) filter (where o.kind = 'points'), 0)::bigint,
       coalesce(sum(o.amount) filter (where o.kind = 'growth'), 0)::bigint,
       count(*) filter (where o.kind = 'tier'), count(distinct d.line)
from import_decided d cross join lateral jsonb_to_recordset(d.said -> 'openings') as o (kind text, key text, amount bigint)
where d.problem is null and not exists (
    select from members_opening k where k.member_id = d.member_id and k.source = %(source)s and k.kind = o.kind and k.key = o.key)
"""
# What a row would change in a known member's own columns; `merging` updates by the same words.
CHANGED = """
(coalesce(nullif(d.said ->> 'nickname', ''), m.nickname), coalesce(nullif(d.said ->> 'gender', ''), m.gender),
 coalesce((d.said ->> 'store_id')::bigint, m.home_store_id), coalesce(nullif(d.said ->> 'source', ''), m.source),
 coalesce((d.said ->> 'joined_at')::timestamptz, m.joined_at), m.attributes || (d.said -> 'fields'),
 case when d.said -> 'birthday' = 'null' then m.birth_year else (d.said -> 'birthday' ->> 0)::smallint end,
 case when d.said -> 'birthday' = 'null' then m.birth_month else (d.said -> 'birthday' ->> 1)::smallint end,
 case when d.said -> 'birthday' = 'null' then m.birth_day else (d.said -> 'birthday' ->> 2)::smallint end)
"""
OWN = (
    "nickname", "gender", "home_store_id", "source", "joined_at", "attributes", "birth_year", "birth_month", "birth_day",
)  # fmt: skip
DIFFERS = f"{CHANGED} is distinct from ({', '.join(f'm.{name}' for name in OWN)})"


@dataclass(frozen=True)
class Counts:
    members_added: int = 0
    members_known: int = 0
    members_changed: int = 0
    phones_added: int = 0
    tags_given: int = 0
    consents_added: int = 0
    openings_added: int = 0
    phones_taken: int = 0

    def plus(self, more: "Counts") -> "Counts":
        return Counts(**{one.name: getattr(self, one.name) + getattr(more, one.name) for one in fields(self)})


def parse(*, columns: list[str], moment: datetime, heard: Callable[[int], None]) -> None:
    """Fill `import_people` with what the rows say, and `import_rejects` with those that cannot be read. `heard`: rows so far."""
    house = house_at(moment)
    with connection.cursor() as cursor:
        cursor.execute("create index on import_cells (line)")
        cursor.execute(
            "insert into import_rejects (line, cell, code) select line, '', problem from import_cells where problem is not null"
        )
        cursor.execute(
            "create temp table import_people"
            " (line bigint, member_no text, digest bytea, phone text, left_by text, said jsonb)"
        )
    done, wrong_names = 0, {column: name for name, column in layout().columns.items()}
    for rows in _batches(columns):
        people, rejects = [], []
        for line, *cells in rows:
            try:
                people.append(parsing.person(line, dict(zip(columns, cells, strict=True)), house=house))
            except parsing.Wrong as wrong:
                rejects.append((line, wrong_names.get(wrong.column, wrong.column), wrong.code))
        _store(people, rejects)
        done += len(rows)
        heard(done)


def decide(*, source: str, known_only: bool = False) -> Counts:
    """Fill `import_decided`; the counts are what merging the good rows comes to in new, known and changed members.

    `known_only`: rows about nobody who is here are rejected.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_REPEATED)
        cursor.execute("analyze import_people")
        cursor.execute(_DECIDED, {"source": source, "known_only": known_only})
        cursor.execute(_REFUSED)
        cursor.execute("create index on import_decided (line)")
        cursor.execute(
            f"""select count(*) filter (where d.member_id is null), count(d.member_id),
                       count(*) filter (where d.member_id is not null and {DIFFERS})
                from import_decided d left join members_member m on m.id = d.member_id where d.problem is null"""
        )
        added, known, changed = cursor.fetchone()
    return Counts(members_added=added, members_known=known, members_changed=changed)


def brought(*, source: str) -> dict[str, int]:
    """What the good rows bring that is new: sums of points and growth, number of tiers. After `decide`, before merging."""
    with connection.cursor() as cursor:
        cursor.execute(_BROUGHT, {"source": source})
        names = ("opening_points", "opening_growth", "opening_tiers", "opening_members")
        return dict(zip(names, cursor.fetchone(), strict=True))


def house_at(moment: datetime) -> parsing.House:
    """What rows are checked against."""
    exclusive = Tag.objects.filter(group__is_exclusive=True).values_list("name", "group_id")
    known = Attribute.objects.filter(retired_at=None)
    return parsing.House(
        stores=dict(Store.objects.values_list("code", "pk")),
        fields={f"{FIELD}{number}": one for number, one in enumerate(known)},
        exclusive=dict(exclusive),
        moment=moment,
    )


def _batches(columns: list[str]) -> Iterator[list[Any]]:
    last = 0
    statement = _NEXT.format(columns=", ".join(columns))
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement, [last, BATCH])
            rows = cursor.fetchall()
        if not rows:
            return
        yield rows
        last = rows[-1][0]


def _store(people: list[parsing.Person], rejects: list[tuple[int, str, str]]) -> None:
    phones = departures.left_phones({one.phone for one in people if one.phone})
    numbers = departures.left_numbers({one.member_no for one in people if one.member_no})
    with connection.cursor() as cursor:
        with cursor.copy("copy import_people from stdin") as copy:
            for one in people:
                digest = identities.digest(kind=Identity.Kind.PHONE, value=one.phone) if one.phone else None
                left_by = "phone" if one.phone in phones else "member_no" if one.member_no in numbers else None
                copy.write_row((one.line, one.member_no or None, digest, one.phone or None, left_by, _said(one)))
        cursor.executemany("insert into import_rejects (line, cell, code) values (%s, %s, %s)", rejects)


def _said(one: parsing.Person) -> str:
    body = {name: value for name, value in asdict(one).items() if name not in {"line", "member_no", "phone"}}
    body["openings"] = [dict(zip(("kind", "key", "amount", "last"), entry, strict=True)) for entry in one.openings]
    names = ("purpose", "channel", "is_granted", "at")
    body["consents"] = [dict(zip(names, entry, strict=True)) for entry in one.consents]
    return json.dumps(body, default=_plain, ensure_ascii=False)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return clock.local(value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
