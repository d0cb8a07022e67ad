"""What a campaign brought back: each variant against the first, and all of them against those held out.

Members count once, in the arm of their first decision, as decided (intention to treat); who was decided about in two variants (records
that were joined) counts in none. Returned: a kept order within `return_days`, so far. Net revenue: what was paid minus refunds. All
intervals hold at every look, see `experiments.sequential`.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from apps.care.campaigns import plans
from apps.care.experiments import returns, sequential, verdicts
from apps.care.experiments.sequential import Count
from apps.care.experiments.verdicts import Arm, Outcome
from apps.care.models import Campaign
from apps.care.results import BOUGHT, Interval, Side

_ARMS = f"""
    with policies as (
        select p.id, u.letter from unnest(%(keys)s::text[], %(letters)s::text[]) u(key, letter) join care_policy p on p.key = u.key
    ),
    firsts as (
        select distinct on (t.member_id) t.member_id, p.letter, t.is_treated, t.decided_at,
               t.decided_at + make_interval(days => %(return_days)s) as ends_at
        from care_touch t join policies p on p.id = t.policy_id
        where t.is_treated is not null and t.decided_at <= %(as_of)s
        order by t.member_id, t.decided_at, t.id
    ),
    mixed as (
        select t.member_id from care_touch t join policies p on p.id = t.policy_id
        where t.is_treated is not null group by 1 having count(distinct p.letter) > 1
    )
    select f.letter, f.is_treated, o.orders > 0, o.net, count(*), count(*) filter (where f.ends_at > %(as_of)s)
    from firsts f cross join lateral (
        {BOUGHT}
    ) o
    where f.member_id not in (select member_id from mixed)
    group by 1, 2, 3, 4
"""
_STATES = """
    with policies as (
        select p.id, u.letter from unnest(%(keys)s::text[], %(letters)s::text[]) u(key, letter) join care_policy p on p.key = u.key
    )
    select p.letter, t.state, t.reason, count(*), count(i.read_at)
    from care_touch t join policies p on p.id = t.policy_id
    left join gateways_inboxmessage i on t.channel = 'inbox' and i.key = 'touch:' || t.id
    group by 1, 2, 3
"""
_MESSAGES = """
    select coalesce(sum(a.cost_cents), 0)::bigint from care_attempt a join care_touch t on t.id = a.touch_id
    where t.policy_id in (select id from care_policy where journey_id = %(journey)s)
"""
_COUPONS = """
    select upper(substr(split_part(c.source, ':', 2), 6, 1)), count(distinct u.member_id), coalesce(sum(u.saved_cents), 0)::bigint
    from coupons_use u join coupons_coupon c on c.id = u.coupon_id
    where c.origin = %(key)s and c.channel = 'care' and u.state = 'done' group by 1
"""
_ENTERED = """
    select coalesce(sum(c.amount_cents), 0)::bigint from care_cost c left join care_policy p on p.id = c.policy_id
    where %(journey)s in (c.journey_id, p.journey_id)
"""


@dataclass
class Variant:
    """`sides`: True the treated, False those held out. `redeemed`: members who used a coupon that came with it."""

    letter: str
    sides: dict[bool, Side] = field(default_factory=lambda: {True: Side(), False: Side()})
    states: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    read: int = 0
    redeemed: int = 0

    @property
    def sent(self) -> int:
        return self.states["sent"] + self.states["delivered"]


@dataclass(frozen=True)
class Spent:
    """分. `coupons`: what they saved members at the till; net revenue is without it already."""

    messages: int
    entered: int
    coupons: int

    @property
    def whole(self) -> int:
        return self.messages + self.entered + self.coupons


@dataclass(frozen=True)
class Result:
    """`test`: the variants against the first, None with one text. `lift`: all treated against those held out. `net`: 分 per member."""

    as_of: datetime
    variants: list[Variant]
    test: Outcome | None
    lift: verdicts.Comparison
    net: Interval | None
    roi: Interval | None
    spent: Spent
    still_open: int
    treated: Side
    held_out: Side


def of(row: Campaign, *, as_of: datetime) -> Result:
    """All there is to say about a campaign that has started."""
    plan = plans.DEFAULTS | row.plan
    keys = plans.policy_keys(row.journey.key, plan, is_test_only=False)
    arms, still_open = _arms(keys, plan, as_of=as_of)
    spent = _spending(row, arms, keys)
    treated, held_out = _whole(arms, is_treated=True), _whole(arms, is_treated=False)
    lift = _lift(plan, treated, held_out)
    net = None
    if lift.difference is not None:
        progress = _progress(plan, treated, held_out)
        net = sequential.spending(held_out.nets, treated.nets, progress=progress)
    roi = None
    if net is not None:
        paid = spent.messages + spent.entered
        roi = returns.on_cost(net, members=treated.members, spent_cents=paid, coupon_cents=spent.coupons)
    outcome = test(row, as_of=as_of) if len(arms) > 1 else None
    return Result(as_of, list(arms.values()), outcome, lift, net, roi, spent, still_open, treated, held_out)


def test(row: Campaign, *, as_of: datetime) -> Outcome:
    """The variants against the first, by those who got (or should have got) a message, as they were drawn."""
    plan = plans.DEFAULTS | row.plan
    is_test_only = bool(row.winner) or row.decided_at is None
    keys = plans.policy_keys(row.journey.key, plan, is_test_only=is_test_only)
    arms, _open = _arms(keys, plan, as_of=as_of)
    shares = plans.shares(plan) if is_test_only else plans.shares_of_all(plan)
    drawn = [Arm(letter, share, _count(arms[letter].sides[True])) for letter, share in zip(arms, shares, strict=True)]
    return verdicts.judge(drawn, plan=plans.statistics(plan))


def _arms(keys: dict[str, str], plan: dict[str, Any], *, as_of: datetime) -> tuple[dict[str, Variant], int]:
    found = {letter: Variant(letter) for letter in plans.letters(plan)}
    params = {
        "keys": list(keys), "letters": list(keys.values()), "as_of": as_of, "return_days": plan["return_days"],
    }  # fmt: skip
    still_open = 0
    with connection.cursor() as cursor:
        cursor.execute(_ARMS, params)
        for letter, is_treated, has_returned, net, members, waiting in cursor.fetchall():
            found[letter].sides[is_treated].add(returned=has_returned, net=net, members=members)
            still_open += waiting
    return found, still_open


def _spending(row: Campaign, arms: dict[str, Variant], keys: dict[str, str]) -> Spent:
    """Also fills in what became of the messages and the coupons."""
    asked: dict[str, Any] = {"journey": row.journey_id, "key": row.journey.key}
    with connection.cursor() as cursor:
        cursor.execute(_STATES, {"keys": list(keys), "letters": list(keys.values())})
        for letter, state, reason, count, read in cursor.fetchall():
            arms[letter].states[state] += count
            arms[letter].read += read
            if state == "skipped":
                arms[letter].skipped[reason] += count
        cursor.execute(_COUPONS, asked)
        coupons = 0
        for letter, members, saved in cursor.fetchall():
            coupons += saved
            if letter in arms:
                arms[letter].redeemed += members
        cursor.execute(_MESSAGES, asked)
        messages = cursor.fetchone()[0]
        cursor.execute(_ENTERED, asked)
        return Spent(messages, cursor.fetchone()[0], coupons)


def _count(side: Side) -> Count:
    return Count(side.members, side.returned)


def _whole(arms: dict[str, Variant], *, is_treated: bool) -> Side:
    whole = Side()
    for variant in arms.values():
        side = variant.sides[is_treated]
        whole.members += side.members
        whole.returned += side.returned
        for net, members in side.nets.items():
            whole.nets[net] = whole.nets.get(net, 0) + members
    return whole


def _lift(plan: dict[str, Any], treated: Side, held_out: Side) -> verdicts.Comparison:
    held = plan["holdout_percent"]
    drawn = [Arm("holdout", held or 1, _count(held_out)), Arm("all", 100 - held, _count(treated))]
    if not held:
        return verdicts.Comparison(drawn[1], verdicts.TOO_LITTLE)
    statistics = sequential.Plan(plan["baseline_percent"] / 100, plan["lift_percent"] / 100)
    return verdicts.judge(drawn, plan=statistics).comparisons[0]


def _progress(plan: dict[str, Any], treated: Side, held_out: Side) -> float:
    planned = sequential.Plan(plan["baseline_percent"] / 100, plan["lift_percent"] / 100)
    returned, members = treated.returned + held_out.returned, treated.members + held_out.members
    return sequential.clock(returned, members) / planned.clock
