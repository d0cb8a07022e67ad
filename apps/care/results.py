"""What a policy brought back: the treated against the held out, as decided (intention to treat).

Each member counts once, by the first decision in the period. Returned: a kept order within `return_days` of the decision, both arms
alike. Interval of the difference in return rates: Newcombe's hybrid score method without continuity correction (Newcombe 1998, Stat.
Med. 17:873, method 10). Interval of the difference in net revenue per member: bootstrap percentiles, 2,000 resamples, fixed seed.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connection

from apps.care.models import Journey, Policy
from apps.core.errors import NotFound
from apps.core.later import Later

if TYPE_CHECKING:
    import numpy as np
else:
    np = Later("numpy")  # pages import this module, few of them resample

ENOUGH_MEMBERS = 100  # in each arm
ENOUGH_RETURNS = 10  # in both together
RESAMPLES = 2000
_Z = 1.959963984540054  # 97.5 % point of the normal distribution
_CELLS = 2_000_000  # numbers in memory at a time while resampling

_OF_POLICY = """
    select distinct on (t.member_id) t.member_id, t.is_treated, t.state, t.decided_at,
           t.decided_at + make_interval(days => v.return_days) as ends_at
    from care_touch t join care_version v on v.id = t.version_id
    where t.policy_id = %(subject)s and t.is_treated is not null and t.decided_at <= %(as_of)s
      and (%(since)s::timestamptz is null or t.decided_at > %(since)s)
    order by t.member_id, t.decided_at, t.id
"""
# Whoever entered counts, whether a message could reach them or not: both arms alike.
_OF_JOURNEY = """
    select distinct on (e.member_id) e.member_id, not e.is_held_out as is_treated,
           case when e.ended_at is null then 'walking' else e.ending end as state, e.entered_at as decided_at,
           e.entered_at + make_interval(days => (v.graph ->> 'return_days')::int) as ends_at
    from care_enrolment e join care_journeyversion v on v.id = e.version_id
    where e.journey_id = %(subject)s and e.entered_at <= %(as_of)s
      and (%(since)s::timestamptz is null or e.entered_at > %(since)s)
    order by e.member_id, e.entered_at, e.id
"""
# Of those in `f`, within their windows: kept orders, and their net revenue.
BOUGHT = """select count(*) as orders, coalesce(sum(total_cents - refunded_cents), 0)::bigint as net from orders_order
        where member_id = f.member_id and paid_at > f.decided_at and paid_at <= least(f.ends_at, %(as_of)s)
          and status <> 'cancelled' and total_cents > refunded_cents"""
_FOUND = """
    with firsts as ({firsts})
    select f.is_treated, f.state, f.ends_at <= %(as_of)s as is_closed, o.orders > 0 as has_returned, o.net, count(*)
    from firsts f cross join lateral (
        {bought}
    ) o
    group by 1, 2, 3, 4, 5
"""


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def is_certain(self) -> bool:
        """Whether it leaves out zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Arm:
    """One side of the comparison. `net_cents`: what its members bought within their windows."""

    members: int = 0
    returned: int = 0
    net_cents: int = 0

    @property
    def rate(self) -> float:
        return self.returned / self.members if self.members else 0.0

    @property
    def net_per_member_cents(self) -> float:
        return self.net_cents / self.members if self.members else 0.0


@dataclass(frozen=True)
class Effect:
    """What a policy, or a journey (`policy_id` is its id), brought back as of a moment.

    `difference` and `net` are None where there is not enough data.
    `still_open`: members whose window has not closed; left out, unless `is_so_far`. `states`: of the treated counted.
    """

    policy_id: int
    key: str
    name: str
    as_of: datetime
    return_days: int
    is_so_far: bool
    treated: Arm
    held_out: Arm
    states: dict[str, int]
    still_open: int
    is_enough: bool
    difference: Interval | None
    net: Interval | None

    @property
    def decided(self) -> int:
        return self.treated.members + self.held_out.members

    @property
    def arrived(self) -> int:
        """Messages that the provider or the inbox took."""
        return self.states.get("sent", 0) + self.states.get("delivered", 0)


@dataclass
class Side:
    """Members of one arm, how many came back, and what they spent: {amount: members}."""

    members: int = 0
    returned: int = 0
    nets: dict[int, int] = field(default_factory=dict)

    def add(self, *, returned: bool, net: int, members: int) -> None:
        self.members += members
        self.returned += members if returned else 0
        self.nets[net] = self.nets.get(net, 0) + members

    @property
    def net_cents(self) -> int:
        return sum(net * count for net, count in self.nets.items())

    def arm(self) -> Arm:
        return Arm(self.members, self.returned, self.net_cents)


def effect(*, policy_id: int, as_of: datetime, since: datetime | None = None, so_far: bool = False) -> Effect:
    """The policy's comparison over decisions after `since` (all). Only closed windows, unless `so_far`. Raises NotFound."""
    policy = Policy.objects.filter(pk=policy_id).first()
    if policy is None:
        raise NotFound
    newest = policy.versions.filter(number=policy.version).first()
    days = newest.return_days if newest else 0
    return _effect(policy, _OF_POLICY, return_days=days, as_of=as_of, since=since, so_far=so_far)


def of_journey(*, journey_id: int, as_of: datetime, since: datetime | None = None, so_far: bool = False) -> Effect:
    """The same over members who entered a journey; `states` is where the treated stand: "walking", or how their walk ended."""
    journey = Journey.objects.filter(pk=journey_id).first()
    if journey is None:
        raise NotFound
    newest = journey.versions.filter(number=journey.version).first()
    days = newest.graph["return_days"] if newest else 0
    return _effect(journey, _OF_JOURNEY, return_days=days, as_of=as_of, since=since, so_far=so_far)


def _effect(
    subject: Policy | Journey, firsts: str, *, return_days: int, as_of: datetime, since: datetime | None, so_far: bool
) -> Effect:
    sides = {True: Side(), False: Side()}
    states: dict[str, int] = {}
    still_open = 0
    with connection.cursor() as cursor:
        cursor.execute(
            _FOUND.format(firsts=firsts, bought=BOUGHT), {"subject": subject.pk, "as_of": as_of, "since": since}
        )
        for is_treated, state, is_closed, has_returned, net, members in cursor.fetchall():
            still_open += 0 if is_closed else members
            if is_closed or so_far:
                sides[is_treated].add(returned=has_returned, net=net, members=members)
                if is_treated:
                    states[state] = states.get(state, 0) + members
    treated, held_out = sides[True], sides[False]
    is_enough = (
        min(treated.members, held_out.members) >= ENOUGH_MEMBERS
        and treated.returned + held_out.returned >= ENOUGH_RETURNS
    )
    return Effect(
        policy_id=subject.pk,
        key=subject.key,
        name=subject.name,
        as_of=as_of,
        return_days=return_days,
        is_so_far=so_far,
        treated=treated.arm(),
        held_out=held_out.arm(),
        states=states,
        still_open=still_open,
        is_enough=is_enough,
        difference=_difference(treated, held_out) if is_enough else None,
        net=bootstrap(treated.nets, held_out.nets) if is_enough else None,
    )


def effects(*, as_of: datetime, since: datetime | None = None, so_far: bool = False) -> list[Effect]:
    """Of every policy that was ever published, most urgent first; journeys have results of their own."""
    policy_ids = (
        Policy.objects.filter(version__gt=0, journey=None).order_by("priority", "id").values_list("pk", flat=True)
    )
    return [effect(policy_id=policy_id, as_of=as_of, since=since, so_far=so_far) for policy_id in policy_ids]


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % score interval of a share."""
    if not of:
        return 0.0, 1.0
    share, square = hits / of, _Z * _Z
    middle = hits + square / 2
    spread = _Z * math.sqrt(of * share * (1 - share) + square / 4)
    return max(0.0, (middle - spread) / (of + square)), min(1.0, (middle + spread) / (of + square))


def newcombe(hits: int, of: int, other_hits: int, other_of: int) -> Interval:
    """hits/of minus other_hits/other_of with its 95 % interval. Both sizes must be positive."""
    share, other = hits / of, other_hits / other_of
    low, high = wilson(hits, of)
    other_low, other_high = wilson(other_hits, other_of)
    return Interval(
        value=share - other,
        low=share - other - math.hypot(share - low, other_high - other),
        high=share - other + math.hypot(high - share, other - other_low),
    )


def bootstrap(nets: dict[int, int], other: dict[int, int], *, seed: int = 20_260_101) -> Interval:
    """Difference in mean spending with its 95 % interval; each side as {amount: members}. Both must hold somebody.

    Resampling members with replacement is drawing how often each amount comes, a multinomial: memory does not grow with members.
    """
    dice = np.random.default_rng(seed)
    gaps = _means(nets, dice) - _means(other, dice)
    low, high = np.percentile(gaps, [2.5, 97.5])
    return Interval(value=_mean(nets) - _mean(other), low=float(low), high=float(high))


def _difference(treated: Side, held_out: Side) -> Interval:
    return newcombe(treated.returned, treated.members, held_out.returned, held_out.members)


def _mean(nets: dict[int, int]) -> float:
    return sum(net * count for net, count in nets.items()) / sum(nets.values())


def _means(nets: dict[int, int], dice: "np.random.Generator") -> "np.ndarray":
    amounts = np.array(sorted(nets), dtype=np.float64)
    counts = np.array([nets[net] for net in sorted(nets)], dtype=np.float64)
    members = int(counts.sum())
    step = max(1, _CELLS // len(amounts))
    parts = [
        dice.multinomial(members, counts / members, size=min(step, RESAMPLES - start)) @ amounts / members
        for start in range(0, RESAMPLES, step)
    ]
    return np.concatenate(parts)
