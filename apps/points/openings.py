"""What members bring along from another system: points, growth, tiers. Each opening is taken once, in chunks that commit on their own.

Points and growth become ledger lines of the kind "opening" by the ledger's own function; growth counts from the day it is taken. A
tier that the file names by key or by a name lifts whoever stands lower, validity anew. Unknown tiers and coupons go on waiting.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.core import clock, jobs
from apps.core.models import Job
from apps.members.models import Opening
from apps.points import tiers

KIND = "points.take_openings"
CHUNK = 2_000
# A file's openings are taken once it was released: within the operator's limit, or by a second person (`bringing`). What came without
# a file is the house's own.
_RELEASED = """(o.taken_in_id is null or exists (
    select from points_openingfile f where f.taken_in_id = o.taken_in_id and f.released_at is not null))"""

# A last day that is over already still makes its line, and the settling after it the line that takes it away: nothing is hidden.
_BOOK = f"""
with due as materialized (
    select o.id, o.member_id, o.amount, o.kind, o.expires_on from members_opening o join members_member m on m.id = o.member_id
    where o.kind = %(kind)s and o.taken_at is null and m.status in ('active', 'frozen', 'blocked') and {_RELEASED}
    order by o.id limit %(chunk)s for no key update of o skip locked
), booked as materialized (
    select d.id, (points_earn(d.member_id, c.id, d.amount, 'opening:' || d.id, 'opening', %(moment)s, false, null, null, null,
                  (d.expires_on + 1)::timestamp at time zone 'Asia/Shanghai', null, null, null, '')).outcome
    from (select * from due where amount > 0 order by member_id, id) d join points_currency c on c.key = d.kind
)
update members_opening o set taken_at = %(moment)s from due d left join booked b on b.id = d.id where o.id = d.id
returning o.member_id
"""
_LIFT = f"""
with due as materialized (
    select o.id, o.member_id, t.id as tier_id, t.rank from members_opening o join members_member m on m.id = o.member_id
    join points_tier t on lower(o.key) in (t.key, lower(t.name), lower(t.name_en))
    where o.kind = 'tier' and o.taken_at is null and m.status in ('active', 'frozen', 'blocked') and {_RELEASED}
    order by o.id limit %(chunk)s for no key update of o skip locked
), best as (
    select distinct on (member_id) member_id, tier_id, rank from due order by member_id, rank desc
), lifted as (
    insert into points_standing as s (member_id, tier_id, since, value, is_locked, assessed_at, beneath, next_check_at)
    select member_id, tier_id, %(moment)s, 0, false, %(moment)s, '[]', %(moment)s from best where rank > 0 order by member_id
    on conflict (member_id) do update set tier_id = excluded.tier_id, since = excluded.since, valid_until = null, grace_until = null,
        basis_from = null, basis_until = null, needed = null, beneath = '[]', coming_id = null, coming_at = null,
        next_check_at = excluded.next_check_at
    where not s.is_locked
      and (select rank from points_tier where id = s.tier_id) < (select rank from points_tier where id = excluded.tier_id)
    returning s.member_id, s.tier_id, s.value
), told as (
    insert into points_tierchange (member_id, before_id, after_id, cause, value, at)
    select member_id, null, tier_id, 'brought', value, %(moment)s from lifted order by member_id
), taken as (
    update members_opening o set taken_at = %(moment)s from due d where o.id = d.id returning o.member_id
)
select distinct member_id from taken
"""


@dataclass(frozen=True)
class Taken:
    """Openings taken by kind, and tiers whose name nobody knows."""

    points: int = 0
    growth: int = 0
    tiers: int = 0
    unknown_tiers: int = 0

    def counts(self) -> dict[str, int]:
        return {"points": self.points, "growth": self.growth, "tiers": self.tiers, "unknown_tiers": self.unknown_tiers}


def take(*, moment: datetime | None = None, report: Callable[[int], None] = lambda taken: None) -> Taken:
    """Take all that waits. Repeatable, also after a kill; two at once share the work. `report` hears how many were taken so far."""
    moment = moment or clock.now()
    done = {Opening.Kind.POINTS: 0, Opening.Kind.GROWTH: 0, Opening.Kind.TIER: 0}
    for kind, chunk in ((Opening.Kind.POINTS, _book), (Opening.Kind.GROWTH, _book), (Opening.Kind.TIER, _lift)):
        while taken := chunk(kind, moment):
            done[kind] += taken
            report(sum(done.values()))
    return Taken(
        points=done[Opening.Kind.POINTS],
        growth=done[Opening.Kind.GROWTH],
        tiers=done[Opening.Kind.TIER],
        unknown_tiers=waiting().get(Opening.Kind.TIER, 0),
    )


def waiting() -> dict[str, int]:
    """How many released openings of each kind nobody has taken."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select o.kind, count(*) from members_opening o where o.taken_at is null and {_RELEASED} group by o.kind"
        )
        return dict(cursor.fetchall())


@jobs.runner(KIND)
def _job(job: Job) -> dict[str, Any]:
    waits = waiting()
    total = sum(waits.get(kind, 0) for kind in (Opening.Kind.POINTS, Opening.Kind.GROWTH, Opening.Kind.TIER))
    return take(report=lambda taken: jobs.report(job, done=taken, total=max(total, taken))).counts()


@transaction.atomic
def _book(kind: str, moment: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_BOOK, {"kind": kind, "moment": moment, "chunk": CHUNK})
        booked = _ids(cursor)
    if kind == Opening.Kind.GROWTH:
        tiers.reassess(member_ids=booked, moment=moment, cause="brought", tell=False)
    return len(booked)


@transaction.atomic
def _lift(kind: str, moment: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LIFT, {"moment": moment, "chunk": CHUNK})
        lifted = _ids(cursor)
    tiers.reassess(member_ids=lifted, moment=moment, cause="brought", tell=False)
    return len(lifted)


def _ids(cursor: Any) -> list[int]:
    return [member_id for (member_id,) in cursor.fetchall()]
