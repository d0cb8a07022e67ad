"""Two arms compared so that looking every day costs nothing: intervals that hold at all looks together, not at one.

Robbins' normal mixture, as the always-valid test of Johari, Koomen, Pekelis and Walsh (Operations Research 70:1806, 2022) and the
asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (Annals of Statistics 52:2613, 2024, eq. 2 and B.2):

    |difference| / standard error  >=  sqrt((1 + r / t) log((t + r) / (r a^2)))

at any moment of one experiment has a chance of at most `a` where there is no difference. t: how far the experiment is on its own clock,
1 at the planned size; r = 1 / (2 log(1/a) + log(1 + 2 log(1/a))) makes the bound tightest at t = 1. A wrong plan costs power, never
the promise. The clock is returns / (1 - share of returns): whether members come in day by day or all on one day and buy as the days go
by, the standardised difference moves on this clock as a Brownian motion does (its correlation between two looks is the root of the
ratio of their clocks). Several arms against one control: each with a part of `a` (Bonferroni).

Plain arithmetic, no numpy: pages call it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

from apps.care.results import Interval

ALPHA = 0.05
POWER = 0.80
TOP = 0.99  # share of buyers whose spending counts as it is; what is above counts as the most of these
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Plan:
    """What was expected before the first member came in. `baseline`: share that returns in the control; `lift`: 0.2 for +20 %.

    `arms` counts the control. Must not be changed in the light of what came out.
    """

    baseline: float = 0.10
    lift: float = 0.20
    arms: int = 2

    @property
    def alpha(self) -> float:
        """Each comparison's part of the chance of a false winner."""
        return ALPHA / (self.arms - 1)

    @property
    def clock(self) -> float:
        """Where the clock of one comparison stands at the advised size."""
        share = self.baseline * (1 + self.lift / 2)
        return clock(round(2 * per_arm(self) * share), 2 * per_arm(self))


@dataclass(frozen=True)
class Count:
    """An arm so far: members and how many of them returned."""

    members: int
    returned: int

    @property
    def rate(self) -> float:
        return self.returned / self.members if self.members else 0.0


def clock(returned: int, members: int) -> float:
    """The clock of a comparison of `members` in two arms together, `returned` of whom returned."""
    return returned / (1 - returned / members) if returned < members else math.inf


def bound(progress: float, *, alpha: float) -> float:
    """How many standard errors a difference needs where the clock stands at `progress` of the plan."""
    if progress <= 0:
        return math.inf
    if math.isinf(progress):
        progress = 1e9
    tight = _tight(alpha)
    return math.sqrt((1 + tight / progress) * math.log((progress + tight) / (tight * alpha**2)))


def p_value(score: float, progress: float, *, alpha: float) -> float:
    """The always-valid p-value of a difference of `score` standard errors: at most `alpha` exactly where `bound` is passed."""
    if progress <= 0:
        return 1.0
    tight = _tight(alpha)
    spread = math.log1p(progress / tight) / 2 - score**2 * progress / (progress + tight) / 2
    return min(1.0, math.exp(spread))


def difference(control: Count, other: Count, *, plan: Plan) -> tuple[Interval, float]:
    """other minus control, and the p-value among all comparisons of the plan. Both arms must hold somebody.

    Standard error with one member more on either side of both arms (Agresti and Caffo, American Statistician 54:280, 2000): a share
    of nothing is not certain.
    """
    gap = other.rate - control.rate
    error = math.sqrt(_variance(control) + _variance(other))
    progress = clock(control.returned + other.returned, control.members + other.members) / plan.clock
    wide = bound(progress, alpha=plan.alpha) * error
    chance = p_value(gap / error, progress, alpha=plan.alpha)
    return Interval(gap, max(-1.0, gap - wide), min(1.0, gap + wide)), min(1.0, chance * (plan.arms - 1))


def per_arm(plan: Plan) -> int:
    """Members that each arm needs: at that size the last look alone finds the lift with a chance of 80 %, the earlier ones add to it.

    The usual sum for two shares (Fleiss, Levin and Paik 2003, eq. 4.14) with the bound of this test in the place of 1.96.
    """
    control, other = plan.baseline, plan.baseline * (1 + plan.lift)
    middle = (control + other) / 2
    needed = bound(1.0, alpha=plan.alpha) * math.sqrt(2 * middle * (1 - middle))
    hoped = _NORMAL.inv_cdf(POWER) * math.sqrt(control * (1 - control) + other * (1 - other))
    return math.ceil(((needed + hoped) / (other - control)) ** 2)


def days(plan: Plan, *, return_days: int, members_a_day: int | None = None) -> int:
    """The shortest run: all in at `members_a_day` (None: on the first day), the last one's window closed; a week at least."""
    entering = math.ceil(plan.arms * per_arm(plan) / members_a_day) if members_a_day else 1
    return max(7, entering + return_days)


def spending(nets: Mapping[int, int], other: Mapping[int, int], *, progress: float, alpha: float = ALPHA) -> Interval:
    """Mean spending of `other` minus that of `nets`, 分 per member, each side as {amount: members}, at `progress` of the plan.

    Robust: what lies above the 99th percentile of all buyers' amounts counts as that (the same cap for both arms, so that it favours
    neither), and the arms need not spread alike (Welch's standard error). Both sides must hold two members at least.
    """
    most = _cap(nets, other)
    (mean, error), (other_mean, other_error) = _mean(nets, most), _mean(other, most)
    wide = bound(progress, alpha=alpha) * math.sqrt(error + other_error)
    gap = other_mean - mean
    return Interval(gap, gap - wide, gap + wide)


def _tight(alpha: float) -> float:
    return 1 / (2 * math.log(1 / alpha) + math.log1p(2 * math.log(1 / alpha)))


def _variance(arm: Count) -> float:
    share = (arm.returned + 1) / (arm.members + 2)
    return share * (1 - share) / (arm.members + 2)


def _cap(*sides: Mapping[int, int]) -> int:
    buyers: dict[int, int] = {}
    for side in sides:
        for amount, members in side.items():
            if amount > 0:
                buyers[amount] = buyers.get(amount, 0) + members
    left = TOP * sum(buyers.values())
    for amount in sorted(buyers):
        left -= buyers[amount]
        if left <= 0:
            return amount
    return 0


def _mean(nets: Mapping[int, int], most: int) -> tuple[float, float]:
    """The mean and its squared standard error."""
    members = sum(nets.values())
    mean = sum(min(amount, most) * count for amount, count in nets.items()) / members
    squares = sum((min(amount, most) - mean) ** 2 * count for amount, count in nets.items())
    return mean, squares / (members - 1) / members
