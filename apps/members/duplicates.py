"""Records that may be one person: found by rules over all members at once, shown to somebody, never merged by themselves.

Each rule names groups of 2 to 8 members who share something; larger groups share it by chance. Points add up; what speaks
against takes some away. A pair that somebody called two people is never shown again.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection, transaction

from apps.core import audit, clock, jobs, requests, runs
from apps.core.errors import NotFound
from apps.core.models import Job
from apps.members.models import Doubt

KIND = "members.find_duplicates"  # of the job that somebody starts; the nightly task has the same name
LEAST = 50
LOCK = 7_490_303  # advisory: one search writes at a time
# What a nickname is without blanks, signs, and the ways in which keyboards differ.
_NAME = r"lower(regexp_replace(normalize(m.nickname, nfkc), '[[:space:][:punct:]]', '', 'g'))"
_PEOPLE = f"""
create temp table duplicate_people as
select m.id, {_NAME} as name, m.gender, m.birth_year, m.birth_month, m.birth_day, m.home_store_id,
       ltrim(regexp_replace(m.member_no, '\\D', '', 'g'), '0') as digits
  from members_member m where m.status in ('active', 'frozen') and m.merged_into_id is null
"""
# Rule → points and the groups it finds.
_RULES = {
    "same_openid": (
        90,
        "select array_agg(distinct i.member_id) as ids from members_identity i join duplicate_people p on p.id = i.member_id"
        " where i.kind = 'openid' group by i.digest having count(distinct i.member_id) between 2 and 8",
    ),
    "name_birthday": (
        70,
        "select array_agg(id) as ids from duplicate_people where length(name) >= 2 and birth_month is not null"
        " group by name, birth_month, birth_day having count(*) between 2 and 8",
    ),
    "phone_tail_name": (
        60,
        "select array_agg(distinct p.id) as ids from members_identity i join duplicate_people p on p.id = i.member_id"
        " where i.kind = 'phone' and length(p.name) >= 2"
        " group by i.tail_digest, p.name having count(distinct p.id) between 2 and 8",
    ),
    "card_number": (
        35,
        "select array_agg(id) as ids from duplicate_people where length(digits) >= 6"
        " group by digits having count(*) between 2 and 8",
    ),
    "name_store": (
        20,
        "select array_agg(id) as ids from duplicate_people where length(name) >= 2 and home_store_id is not null"
        " group by name, home_store_id having count(*) between 2 and 8",
    ),
}
_GROUPS = "create temp table duplicate_groups (rule text, points int, ids bigint[])"
_GROUP = "insert into duplicate_groups select %s, %s, ids from ({sql}) found"
_PHONE = "exists (select from members_identity i where i.member_id = %s.id and i.kind = 'phone')"
# Against: another birth year, another gender, a phone each (a phone has one owner, so they differ).
_FOUND = f"""
create temp table duplicate_pairs as
with pairs as (
    select distinct least(a, b) as low, greatest(a, b) as high, rule, points
      from duplicate_groups g, unnest(ids) a, unnest(ids) b where a < b
), scored as (
    select low, high, array_agg(rule order by points desc) as reasons, sum(points) as points from pairs group by low, high
)
select s.low, s.high, s.reasons,
       greatest(0, least(100, s.points - case when a.birth_year <> b.birth_year then 40 else 0 end
           - case when a.gender <> b.gender and a.gender <> '' and b.gender <> '' then 30 else 0 end
           - case when 'phone_tail_name' <> all(s.reasons) and {_PHONE % "a"} and {_PHONE % "b"} then 15 else 0 end)) as score
  from scored s join duplicate_people a on a.id = s.low join duplicate_people b on b.id = s.high
"""
_KEEP = """
insert into members_doubt (first_id, second_id, cause, state, at, decided_by, score, reasons)
select low, high, 'found', 'open', %(now)s, '', score, reasons from duplicate_pairs where score >= %(least)s order by low, high
on conflict (first_id, second_id) do update set score = excluded.score, reasons = excluded.reasons
where members_doubt.state = 'open'
  and (members_doubt.score, members_doubt.reasons) is distinct from (excluded.score, excluded.reasons)
"""
_DROP = """
delete from members_doubt d where d.cause = 'found' and d.state = 'open'
   and not exists (select from duplicate_pairs p where p.low = d.first_id and p.high = d.second_id and p.score >= %(least)s)
"""


@dataclass(frozen=True)
class Searched:
    """`open`: pairs that wait for somebody now; `gone`: pairs that no longer look alike."""

    open: int
    gone: int


def search(*, progress: Callable[[int, int], None] = lambda done, total: None) -> Searched:
    """Look at all members anew. Repeatable: a pair stands once, and what somebody decided stays decided.

    `progress` hears between the rules for how many of how many members that comes to; it may raise, and nothing is written then.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute(_PEOPLE)
            people = cursor.rowcount
            cursor.execute("analyze duplicate_people")
            cursor.execute(_GROUPS)
            steps = len(_RULES) + 1
            for step, (rule, (points, sql)) in enumerate(_RULES.items()):
                progress(people * step // steps, people)
                cursor.execute(_GROUP.format(sql=sql), [rule, points])
            progress(people * (steps - 1) // steps, people)
            cursor.execute(_FOUND)
        searched = _keep()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("drop table if exists duplicate_people, duplicate_groups, duplicate_pairs")
    progress(people, people)
    return searched


@jobs.runner(KIND)
def run(job: Job) -> dict[str, Any]:
    """The same for somebody who waits for it."""
    with runs.recorded(KIND) as figures, requests.acting(actor=f"user:{job.created_by_id}"):
        searched = search(progress=lambda done, total: jobs.report(job, done=done, total=total))
        figures.update(asdict(searched))
    return asdict(searched)


@transaction.atomic
def _keep() -> Searched:
    """Write down the pairs that were found."""
    values: dict[str, Any] = {"now": clock.now(), "least": LEAST}
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(_KEEP, values)
        cursor.execute(_DROP, values)
        gone = cursor.rowcount
    return Searched(open=Doubt.objects.filter(state=Doubt.State.OPEN).count(), gone=gone)


@transaction.atomic
def apart(*, doubt_id: int) -> None:
    """Somebody says that these are two people. Raises NotFound when that is decided already."""
    settled = Doubt.objects.filter(pk=doubt_id, state=Doubt.State.OPEN).update(
        state=Doubt.State.APART, decided_at=clock.now(), decided_by=requests.origin().actor
    )
    if not settled:
        raise NotFound
    audit.record("members.called_two_people", object_type="doubt", object_id=doubt_id)
