"""What care brought back, per policy, against those held out: the forest plot, and one policy's verdict in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.analytics import effect as analytics
from apps.care.models import Touch
from apps.care.results import ENOUGH_MEMBERS, ENOUGH_RETURNS, Effect
from apps.console import charts
from apps.console.charts import svg
from apps.console.dashboard import View
from apps.core import brand, clock, money


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One policy's results as its page says them."""

    finding: str
    how: str
    verdict: str
    sent: int
    treated: int
    treated_returned: int
    treated_rate: str
    held_out: int
    held_returned: int
    held_rate: str
    interval: str = ""
    revenue: str = ""
    notes: tuple[str, ...] = ()


def by_policy() -> dict[int, Verdict]:
    """Verdicts of policies that have decided about somebody."""
    replayed = brand.read("core.demo")
    found = analytics.effects(moment=clock.now())
    return {item.policy_id: _verdict(item, replayed=replayed) for item in found if item.decided or item.still_open}


def verdict(item: Effect) -> Verdict:
    """One comparison in words."""
    return _verdict(item, replayed=brand.read("core.demo"))


def last_decision(policy_id: int) -> datetime | None:
    """When the policy last decided about anybody."""
    rows = Touch.objects.filter(policy_id=policy_id).order_by("-id")
    return rows.values_list("decided_at", flat=True).first()


def plot(view: View, *, csv_url: str = "") -> charts.ForestPlot:
    """All stores together: an arm of one store would be too small to tell anything."""
    found = [item for item in analytics.effects(moment=view.moment) if item.decided or item.still_open]
    certain = [item for item in found if item.difference and not item.difference.low <= 0 <= item.difference.high]
    replayed = brand.read("core.demo")
    return charts.ForestPlot(
        key="effect",
        title=_title(found, certain=certain),
        comparisons=tuple(_comparison(item, lead=item in certain[:1]) for item in found),
        note=_replay_note() if replayed else _open_note(found),
        link=None if replayed else charts.Link(label=_("All policies"), href=reverse("console:policies")),
        csv_url=csv_url,
        empty_title=_("No policy has decided yet"),
        empty_text=_(
            "Some members are held out from each policy. When their windows close, the difference stands here."
        ),
    )


def _title(found: Iterable[Effect], *, certain: list[Effect]) -> str:
    if certain:
        best = max(certain, key=lambda item: abs(item.difference.value) if item.difference else 0)
        return _finding(best, named=True)
    if any(item.difference for item in found):
        return _("No policy shows a certain difference in returns")
    return _("Returns with care and held out: not enough data yet")


def _finding(item: Effect, *, named: bool = False) -> str:
    """The difference as one sentence; only called when there is one."""
    if item.difference is None:
        return _("Not enough data for a verdict")
    facts = {
        "policy": item.name,
        "points": svg.points(item.difference.value),
        "low": svg.points(item.difference.low),
        "high": svg.points(item.difference.high),
        "days": item.return_days,
    }
    if named:
        return _("%(policy)s: %(points)s points in %(days)s-day returns, 95%% interval %(low)s to %(high)s") % facts
    return _("%(points)s points in %(days)s-day returns, 95%% interval %(low)s to %(high)s") % facts


def _comparison(item: Effect, *, lead: bool) -> charts.Comparison:
    gap = item.difference
    return charts.Comparison(
        label=item.name,
        treated=item.treated.rate if item.treated.members else None,
        holdout=item.held_out.rate if item.held_out.members else None,
        diff=gap.value if gap else None,
        low=gap.low if gap else None,
        high=gap.high if gap else None,
        treated_members=item.treated.members,
        holdout_members=item.held_out.members,
        href=reverse("console:policy", args=[item.key]),
        lead=lead,
    )


def _verdict(item: Effect, *, replayed: bool) -> Verdict:
    gap, net = item.difference, item.net
    notes = [_replay_note()] if replayed else []
    if item.still_open:
        notes.append(_open_note([item]))
    if gap is None:
        text = _("A verdict needs %(members)s members in each arm and %(returns)s returns.")
        notes.append(text % {"members": ENOUGH_MEMBERS, "returns": ENOUGH_RETURNS})
    return Verdict(
        finding=_finding(item),
        how=_("Intention to treat: everybody decided about counts, in the arm they were drawn into."),
        verdict=_short(item),
        sent=item.arrived,
        treated=item.treated.members,
        treated_returned=item.treated.returned,
        treated_rate=svg.percent(item.treated.rate) if item.treated.members else "",
        held_out=item.held_out.members,
        held_returned=item.held_out.returned,
        held_rate=svg.percent(item.held_out.rate) if item.held_out.members else "",
        interval=_between(svg.points(gap.value), svg.points(gap.low), svg.points(gap.high)) if gap else "",
        revenue=_between(*(money.show(round(value)) for value in (net.value, net.low, net.high))) if net else "",
        notes=tuple(notes),
    )


def _short(item: Effect) -> str:
    if item.difference is None:
        return _("Not enough data")
    if item.difference.low <= 0 <= item.difference.high:
        return _("No certain difference")
    return _("More return") if item.difference.value > 0 else _("Fewer return")


def _between(value: str, low: str, high: str) -> str:
    return _("%(value)s, 95%% interval %(low)s to %(high)s") % {"value": value, "low": low, "high": high}


def _open_note(found: Iterable[Effect]) -> str:
    waiting = sum(item.still_open for item in found)
    if not waiting:
        return ""
    return _("%(count)s members whose window is still open are not counted yet.") % {"count": svg.number(waiting)}


def _replay_note() -> str:
    return _("Demo: replayed history cannot react to messages, so no lift is expected.")
