"""What is missing, contradicts itself or has grown old in the members' records: counted per store and day, each count with its rows.

A check is one condition over the rows of the member list (`m` members, `s` stats, `h` home store), so figure and rows agree.
Rows of people who left are not counted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from apps.analytics.models import DailyFigure
from apps.core import clock, jobs, requests, runs
from apps.core.models import Job
from apps.members.models import Member

KIND = "analytics.measure_quality"  # of the job that somebody starts; the hourly task has the same name
OLDEST_YEARS = 110
UNSEEN_DAYS = 180
LOCK = 7_490_302  # advisory: two counts at once would fight over the same rows
PREFIX = "quality."
HERE = "m.status in ('active', 'frozen') and m.merged_into_id is null"


@dataclass(frozen=True)
class Check:
    """`kind`: gap, contradiction or freshness. `values` gives the parameters of the condition at a moment."""

    kind: str
    condition: str
    values: Callable[[datetime], list[Any]] = field(default=lambda moment: [])


def _birthday_limits(moment: datetime) -> list[Any]:
    today = clock.local_date(moment)
    return [today.year * 10_000 + today.month * 100 + today.day, today.year - OLDEST_YEARS]


def _now(moment: datetime) -> list[Any]:
    return [moment]


def _unseen_since(moment: datetime) -> list[Any]:
    return [moment - timedelta(days=UNSEEN_DAYS)]


CHECKS = {
    "no_phone": Check(
        "gap",
        f"{HERE} and not exists (select from members_identity i where i.member_id = m.id and i.kind = 'phone')",
    ),
    "no_nickname": Check("gap", f"{HERE} and m.nickname = ''"),
    "no_birthday": Check("gap", f"{HERE} and (m.birth_month is null or m.birth_day is null)"),
    "no_consent": Check(
        "gap",
        f"{HERE} and not exists (select from members_consentnow c where c.member_id = m.id and c.is_granted"
        " and (c.valid_until is null or c.valid_until > %s))",
        _now,
    ),
    "no_store": Check("gap", f"{HERE} and m.home_store_id is null"),
    "birthday_impossible": Check(
        "contradiction",
        f"{HERE} and (m.birth_year * 10000 + coalesce(m.birth_month, 1) * 100 + coalesce(m.birth_day, 1) > %s"
        " or m.birth_year < %s or m.birth_day > case when m.birth_month = 2 then 29"
        " when m.birth_month in (4, 6, 9, 11) then 30 else 31 end)",
        _birthday_limits,
    ),
    "order_before_joining": Check("contradiction", f"{HERE} and s.first_order_at < m.joined_at - interval '1 day'"),
    "tags_exclude": Check(
        "contradiction",
        f"{HERE} and m.id in (select mt.member_id from members_membertag mt"
        " join members_tag t on t.id = mt.tag_id join members_taggroup g on g.id = t.group_id and g.is_exclusive"
        " group by mt.member_id, g.id having count(*) > 1)",
    ),
    "not_seen": Check("freshness", f"{HERE} and coalesce(s.last_order_at, m.joined_at) < %s", _unseen_since),
}


@dataclass(frozen=True)
class Counted:
    """`members`: how many were looked at; `trend`: day → figure, by check."""

    as_of: datetime
    members: int
    figures: dict[str, int]
    trend: dict[str, list[tuple[date, int]]]


def measure(*, moment: datetime) -> int:
    """Count every check for the shop day of `moment`, per store and for all (store 0). One reading of the members.

    Repeatable: the day's figures are replaced. Returns the members looked at.
    """
    counts = ", ".join(f"count(*) filter (where {check.condition}) as {name}" for name, check in CHECKS.items())
    pairs = ", ".join(f"('{PREFIX}{name}', {name})" for name in CHECKS)
    values = [value for check in CHECKS.values() for value in check.values(moment)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(
            f"""with counted as (
                    select case when grouping(m.home_store_id) = 1 then 0 else m.home_store_id end as store_id,
                           count(*) filter (where {HERE}) as members, {counts}
                    from members_member m left join segments_memberstats s on s.member_id = m.id
                    group by grouping sets ((m.home_store_id), ())
                    having grouping(m.home_store_id) = 1 or m.home_store_id is not null)
                insert into analytics_dailyfigure (name, store_id, "on", value, as_of)
                select v.name, c.store_id, %s, v.value, %s
                  from counted c, lateral (values ('{PREFIX}members', c.members), {pairs}) as v (name, value)
                on conflict (name, store_id, "on") do update set value = excluded.value, as_of = excluded.as_of""",
            [*values, clock.local_date(moment), moment],
        )
        everyone = DailyFigure.objects.filter(name=f"{PREFIX}members", store_id=0, on=clock.local_date(moment))
        return everyone.values_list("value", flat=True).first() or 0


@jobs.runner(KIND)
def run(job: Job) -> dict[str, Any]:
    """The same for somebody who waits for it."""
    jobs.report(job, done=0, total=Member.objects.filter(merged_into=None).count())
    with runs.recorded(KIND) as figures, requests.acting(actor=f"user:{job.created_by_id}"):
        figures["members"] = measure(moment=clock.now())
    jobs.report(job, done=figures["members"], total=figures["members"])
    return {"members": figures["members"]}


def counted(*, store_ids: list[int] | None, days: int = 30) -> Counted | None:
    """The newest figures for these stores (None: all) and the days before; None when nothing was counted yet."""
    rows = DailyFigure.objects.filter(name__startswith=PREFIX, store_id__in=[0] if store_ids is None else store_ids)
    newest = rows.aggregate(on=Max("on"), at=Max("as_of"))
    if newest["on"] is None:
        return None
    sums: dict[str, dict[date, int]] = {name: {} for name in ("members", *CHECKS)}
    for name, on, value in rows.filter(on__gt=newest["on"] - timedelta(days=days)).values_list("name", "on", "value"):
        of_check = sums.get(name.removeprefix(PREFIX))
        if of_check is not None:
            of_check[on] = of_check.get(on, 0) + value
    figures = {name: by_day.get(newest["on"], 0) for name, by_day in sums.items()}
    return Counted(
        as_of=newest["at"],
        members=figures.pop("members"),
        figures=figures,
        trend={name: sorted(by_day.items()) for name, by_day in sums.items() if name in CHECKS},
    )
