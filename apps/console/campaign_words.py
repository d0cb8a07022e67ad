"""What came of a campaign, in words and rows."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from apps.care.campaigns.results import Result
from apps.care.experiments.verdicts import BETTER, WORSE
from apps.care.results import Interval, Side
from apps.console.charts import svg
from apps.core import money

COLUMNS = (
    "variant", "arm", "members", "returned", "net_yuan", "sent", "delivered", "read", "failed", "skipped", "redeemed",
)  # fmt: skip


def finding(found: Result) -> str:
    """The campaign against those held out, as one sentence."""
    gap = found.lift.difference
    if gap is None:
        return found.lift.text
    facts = {"points": svg.points(gap.value), "low": svg.points(gap.low), "high": svg.points(gap.high)}
    said = _("%(points)s points of return against those held out, %(low)s to %(high)s") % facts
    return (
        said if gap.is_certain else _("No difference to those held out found yet: %(low)s to %(high)s points") % facts
    )


def rows(found: Result) -> list[dict[str, Any]]:
    """A row per variant, and one for those held out."""
    made = [
        {
            "letter": one.letter, "sent": one.sent, "delivered": one.states["delivered"], "read": one.read, "redeemed": one.redeemed,
            "failed": one.states["failed"] + one.states["unknown"], "skipped": one.states["skipped"], **_side(one.sides[True]),
        }
        for one in found.variants
    ]  # fmt: skip
    return [*made, {"letter": "", **_side(found.held_out)}]


def test(found: Result) -> list[dict[str, str]]:
    """A line per comparison with the first text."""
    if found.test is None:
        return []
    return [
        {
            "letter": "" if item.code in (BETTER, WORSE) else item.arm.name,
            "verdict": item.text,
            "p": f"{item.p_value:.3f}" if item.difference else "",
        }
        for item in found.test.comparisons
    ]


def costs(found: Result) -> list[tuple[str, str]]:
    """(term, value)."""
    spent = found.spent
    told = [
        (_("Messages"), money.show(spent.messages)),
        (_("Coupons used"), money.show(spent.coupons)),
        (_("Other costs, as entered"), money.show(spent.entered)),
    ]
    if found.net is not None:
        told.append((_("Net per member, against those held out"), _money(found.net)))
    return [*told, (_("Return on cost"), _share(found.roi) if found.roi else _("Not enough data"))]


def skips(found: Result) -> list[tuple[str, int]]:
    whole: Counter[str] = Counter()
    for one in found.variants:
        whole += one.skipped
    return whole.most_common()


def lines(found: Result) -> Iterable[list[object]]:
    """For the file, in the order of COLUMNS."""
    for one in found.variants:
        for is_treated, arm in ((True, "treated"), (False, "held_out")):
            side = one.sides[is_treated]
            counted = [
                one.sent,
                one.states["delivered"],
                one.read,
                one.states["failed"],
                one.states["skipped"],
                one.redeemed,
            ]
            yield [
                one.letter, arm, side.members, side.returned, money.yuan(side.net_cents), *(counted if is_treated else [""] * 6),
            ]  # fmt: skip


def _side(side: Side) -> dict[str, Any]:
    per = round(side.net_cents / side.members) if side.members else 0
    return {"members": side.members, "returned": side.returned, "rate": side.arm().rate, "net_cents": per}


def _money(gap: Interval) -> str:
    facts = {
        "value": money.show(round(gap.value)),
        "low": money.show(round(gap.low)),
        "high": money.show(round(gap.high)),
    }
    return _("%(value)s, %(low)s to %(high)s") % facts


def _share(gap: Interval) -> str:
    facts = {
        name: f"{round(100 * getattr(gap, name)):+,}%".replace("-", svg.MINUS) for name in ("value", "low", "high")
    }
    return _("%(value)s, %(low)s to %(high)s") % facts
