"""What a comparison of arms allows to say, in words. Silence has two names: too little data, and no difference found yet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from apps.care.experiments import ratio, sequential
from apps.care.experiments.sequential import Count, Plan
from apps.care.results import ENOUGH_MEMBERS, ENOUGH_RETURNS, Interval

MISMATCH, TOO_LITTLE, NO_DIFFERENCE, BETTER, WORSE = "mismatch", "too_little", "no_difference", "better", "worse"


@dataclass(frozen=True)
class Arm:
    """`share`: its part of the draw, in any unit. `name` is what the page calls it."""

    name: str
    share: float
    count: Count


@dataclass(frozen=True)
class Comparison:
    """An arm against the control. `difference` in shares of members, None where there is too little; `p_value` among all arms."""

    arm: Arm
    code: str
    difference: Interval | None = None
    p_value: float = 1.0

    @property
    def text(self) -> str:
        facts = {"arm": self.arm.name}
        if self.code == MISMATCH:
            return _("The arms do not have the sizes that were drawn: no verdict")
        if self.difference is None:
            return _("Not enough data for a verdict")
        low, high = sorted((abs(self.difference.low), abs(self.difference.high)))
        facts |= {"low": _points(low), "high": _points(high)}
        if self.code == BETTER:
            return _("%(arm)s better by %(low)s to %(high)s points") % facts
        if self.code == WORSE:
            return _("%(arm)s worse by %(low)s to %(high)s points") % facts
        return _("No difference found yet")


@dataclass(frozen=True)
class Outcome:
    """All arms against the first. `winner`: the arm that goes to the rest, None while the test does not say so."""

    comparisons: tuple[Comparison, ...]
    ratio_p_value: float
    winner: str | None

    @property
    def is_off(self) -> bool:
        return self.ratio_p_value <= ratio.ALARM


def judge(arms: Sequence[Arm], *, plan: Plan) -> Outcome:
    """The arms as they stand, the first being the control. May be asked every day, see `sequential`."""
    sizes = ratio.p_value([arm.count.members for arm in arms], [arm.share for arm in arms])
    found = tuple(_against(arms[0], arm, plan=plan, is_off=sizes <= ratio.ALARM) for arm in arms[1:])
    return Outcome(found, sizes, _winner(arms[0], found))


def renamed(found: Comparison, names: Sequence[str]) -> Comparison:
    """The same with the name of its arm, which stood for a place among `names`."""
    return replace(found, arm=replace(found.arm, name=names[int(found.arm.name)]))


def is_enough(control: Count, other: Count) -> bool:
    return min(control.members, other.members) >= ENOUGH_MEMBERS and control.returned + other.returned >= ENOUGH_RETURNS


def _against(control: Arm, arm: Arm, *, plan: Plan, is_off: bool) -> Comparison:
    if is_off:
        return Comparison(arm, MISMATCH)
    if not is_enough(control.count, arm.count):
        return Comparison(arm, TOO_LITTLE)
    gap, chance = sequential.difference(control.count, arm.count, plan=plan)
    code = NO_DIFFERENCE if not gap.is_certain else BETTER if gap.low > 0 else WORSE
    return Comparison(arm, code, gap, chance)


def _winner(control: Arm, found: Sequence[Comparison]) -> str | None:
    """The best of those proven better than the control; the control, if all others are proven worse."""
    better = [item for item in found if item.code == BETTER]
    if better:
        return max(better, key=lambda item: item.arm.count.rate).arm.name
    return control.name if found and all(item.code == WORSE for item in found) else None


def _points(share: float) -> str:
    """Percentage points; two places where one would say nothing."""
    points = share * 100
    return f"{points:.1f}" if points >= 0.05 else f"{points:.2f}"
