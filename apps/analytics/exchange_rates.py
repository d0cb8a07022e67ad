"""Who could exchange points for a reward, and who did: by period and home store; what became of each reward.

Somebody could exchange in a period when at some time in it they had as many usable points as the cheapest reward costs that was on
offer then. Who exchanged and cancelled again does not count. Points earned are what earning and corrections gave, less what was taken
back; points exchanged are those of exchanges that were not cancelled and did not give them back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

from apps.analytics.lists import select
from apps.analytics.lists.exchanges import WITHIN
from apps.core import clock

SHOWN = 12  # periods
By = Literal["week", "month"]

_RATES = """
with period as (
    select p.no, p.since, p.until, (
        select min(r.points) from points_reward r
        where (r.starts_at is null or r.starts_at < p.until) and (r.ends_at is null or r.ends_at > p.since)
          and r.currency_id = (select id from points_currency where key = 'points') and r.created_at < p.until
          and (r.is_active or exists (
              select from points_exchange x where x.reward_id = r.id and x.at >= p.since and x.at < p.until))
    ) as cheapest
    from unnest(%(since)s::timestamptz[], %(until)s::timestamptz[]) with ordinality p (since, until, no)
), account as (
    select a.id, a.member_id, m.home_store_id from points_account a join members_member m on m.id = a.member_id
    where a.currency_id = (select id from points_currency where key = 'points') and a.joined_into_id is null
      and (%(stores)s::bigint[] is null or m.home_store_id = any(%(stores)s::bigint[]))
), line as (
    select p.no, e.account_id, max(e.balance_after) as peak,
           sum(case when e.kind in ('earn', 'adjust') then e.granted when e.kind = 'reverse' then -e.undone else 0 end) as earned
    from period p join points_entry e on e.at >= p.since and e.at < p.until group by p.no, e.account_id
), taken as (
    select p.no, x.member_id, count(*) as exchanges, coalesce(sum(x.points) filter (
        where x.state <> 'lapsed' or r.forfeits_points), 0) as spent
    from period p join points_exchange x on x.at >= p.since and x.at < p.until and x.state <> 'cancelled'
    join points_reward r on r.id = x.reward_id group by p.no, x.member_id
)
select p.no, a.home_store_id as store_id, s.name as store,
       count(*) filter (where t.exchanges > 0 or l.peak >= p.cheapest or b.balance >= p.cheapest) as able,
       count(*) filter (where t.exchanges > 0) as did, coalesce(sum(t.exchanges), 0)::bigint as exchanges,
       coalesce(sum(l.earned), 0)::bigint as earned, coalesce(sum(t.spent), 0)::bigint as spent
from period p cross join account a
left join line l on l.no = p.no and l.account_id = a.id
left join taken t on t.no = p.no and t.member_id = a.member_id
left join lateral (
    select e.balance_after as balance from points_entry e
    where e.account_id = a.id and e.at < p.since and t.exchanges is null and coalesce(l.peak < p.cheapest, true)
    order by e.id desc limit 1
) b on true
left join stores_store s on s.id = a.home_store_id
group by p.no, a.home_store_id, s.name, s.code order by p.no, s.code nulls last
"""
_REWARDS = """
select r.id, r.name, r.name_en, r.kind, count(*) as taken, count(*) filter (where x.state in ('awaiting', 'ready')) as waiting,
       count(*) filter (where x.state = 'done') as done, count(*) filter (where x.state = 'lapsed') as lapsed,
       count(*) filter (where x.state = 'cancelled') as cancelled,
       coalesce(sum(x.points) filter (where x.state in ('awaiting', 'ready', 'done')
           or (x.state = 'lapsed' and r.forfeits_points)), 0)::bigint as points
from points_exchange x join points_reward r on r.id = x.reward_id join members_member m on m.id = x.member_id
where x.at >= %s and x.at < %s and {} group by r.id order by taken desc, r.id
"""


@dataclass(frozen=True)
class Rate:
    """`able` members could exchange, `did` of them exchanged; points in their currency."""

    able: int = 0
    did: int = 0
    exchanges: int = 0
    earned: int = 0
    spent: int = 0

    @property
    def share(self) -> float | None:
        """`did` of `able`; None where nobody could."""
        return self.did / self.able if self.able else None

    @property
    def spent_share(self) -> float | None:
        """Points exchanged of those earned; None where none were."""
        return self.spent / self.earned if self.earned > 0 else None

    def __add__(self, other: "Rate") -> "Rate":
        return Rate(*(mine + theirs for mine, theirs in zip(self.figures, other.figures, strict=True)))

    @property
    def figures(self) -> tuple[int, int, int, int, int]:
        return self.able, self.did, self.exchanges, self.earned, self.spent


@dataclass(frozen=True)
class Period:
    """Whole shop days, both included; the last one shown may not be over."""

    first: date
    last: date
    rate: Rate = Rate()
    is_partial: bool = False


@dataclass(frozen=True)
class Report:
    """`whole`: all shown periods together; each member counts once in it."""

    whole: Period
    periods: tuple[Period, ...]
    stores: tuple[tuple[str, Rate], ...]
    rewards: tuple[dict[str, Any], ...]


def report(*, by: By, moment: datetime, store_ids: Sequence[int] | None) -> Report:
    """The last twelve weeks or months. `store_ids`: home stores of members, and stores of exchanges for the rewards; None is all."""
    spans = _spans(by, clock.local_date(moment))
    spans = [(spans[0][0], spans[-1][1]), *spans]
    found: dict[int, Rate] = {}
    stores = []
    for row in _rates(spans, store_ids=store_ids):
        rate = Rate(row["able"], row["did"], row["exchanges"], row["earned"], row["spent"])
        found[row["no"]] = found.get(row["no"], Rate()) + rate
        if row["no"] == 1 and any(rate.figures):
            stores.append((row["store"] or "", rate))
    today = clock.local_date(moment)
    whole, *periods = [
        Period(first, last, found.get(no, Rate()), is_partial=last >= today)
        for no, (first, last) in enumerate(spans, start=1)
    ]
    return Report(whole, tuple(periods), tuple(stores), tuple(_rewards(spans[0], store_ids=store_ids)))


def _rates(spans: Sequence[tuple[date, date]], *, store_ids: Sequence[int] | None) -> list[dict[str, Any]]:
    values = {
        "since": [clock.day_start(first) for first, _last in spans],
        "until": [clock.day_end(last) for _first, last in spans],
        "stores": None if store_ids is None else list(store_ids),
    }
    return select.rows(_RATES, values)


def _rewards(span: tuple[date, date], *, store_ids: Sequence[int] | None) -> list[dict[str, Any]]:
    where, stores = ("true", []) if store_ids is None else (WITHIN, [list(store_ids)] * 3)
    return select.rows(_REWARDS.format(where), [clock.day_start(span[0]), clock.day_end(span[1]), *stores])


def _spans(by: By, today: date) -> list[tuple[date, date]]:
    """Oldest first: weeks from Monday, or calendar months."""
    if by == "week":
        monday = today - timedelta(days=today.weekday())
        starts = [monday - timedelta(weeks=back) for back in range(SHOWN - 1, -1, -1)]
        return [(start, start + timedelta(days=6)) for start in starts]
    months = [divmod(today.year * 12 + today.month - 1 - back, 12) for back in range(SHOWN - 1, -2, -1)]
    starts = [date(year, month + 1, 1) for year, month in months]
    return [(start, following - timedelta(days=1)) for start, following in pairwise(starts)]
