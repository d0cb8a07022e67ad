"""What staff are paid for what they sold: lines of the rule, applied to the figures of a month.

Worked out when somebody looks, from `StaffFigure`: nothing is stored, nothing is paid out here. Money in 分.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.analytics.day.sources import NET
from apps.analytics.house.figures import GOALS, HUNDREDTHS
from apps.analytics.models import Incentive
from apps.core import audit
from apps.core.errors import NotFound

_Kind = Incentive.Kind


@dataclass(frozen=True)
class Line:
    """`base`: what the line counts; `cents`: what it gives."""

    rule: Incentive
    base: int
    cents: int


def in_force(*, month: date) -> list[Incentive]:
    """The lines of the rule for a month, in the order they were made."""
    rows = Incentive.objects.filter(first_month__lte=month)
    return list(rows.filter(Q(last_month=None) | Q(last_month__gte=month)).order_by("pk"))


def history() -> QuerySet[Incentive]:
    """Every line there was, newest first; one that ended before it began never counted."""
    return Incentive.objects.select_related("made_by", "ended_by").order_by("-pk")


def of(rules: Sequence[Incentive], *, sums: Mapping[str, int], goals: Mapping[str, int]) -> list[Line]:
    """One person's lines. `sums`: their figures of days; `goals`: their targets. More given back than sold counts as nothing sold."""
    return [Line(rule, *_counted(rule, sums, goals)) for rule in rules]


def _counted(rule: Incentive, sums: Mapping[str, int], goals: Mapping[str, int]) -> tuple[int, int]:
    base = max(GOALS[rule.figure].value(sums) or 0, 0)
    if rule.kind == _Kind.SHARE:
        return base, (base * rule.rate + HUNDREDTHS // 2) // HUNDREDTHS
    if rule.kind == _Kind.EACH:
        return base, base * rule.rate
    goal = goals.get(rule.figure)
    return base, rule.rate if goal and base * 100 >= goal * rule.percent else 0


@transaction.atomic
def make(*, kind: str, figure: str, rate: int, percent: int, first_month: date, user_id: int | None) -> Incentive:
    """A line from that month on. A share is always one of what was kept of sales."""
    row = Incentive.objects.create(
        kind=kind, figure=NET if kind == _Kind.SHARE else figure, rate=rate, percent=percent, first_month=first_month,
        made_by_id=user_id,
    )  # fmt: skip
    audit.record("incentive.made", object_type="incentive", object_id=row.pk, after=_told(row))
    return row


@transaction.atomic
def end(*, incentive_id: int, last_month: date, user_id: int | None) -> Incentive:
    """No more after `last_month`. Raises NotFound where it has ended already."""
    row = Incentive.objects.select_for_update().filter(pk=incentive_id, last_month=None).first()
    if row is None:
        raise NotFound
    before = _told(row)
    row.last_month, row.ended_by_id = last_month, user_id
    row.save(update_fields=["last_month", "ended_by"])
    audit.record("incentive.ended", object_type="incentive", object_id=row.pk, before=before, after=_told(row))
    return row


def _told(row: Incentive) -> dict[str, object]:
    last = f"{row.last_month:%Y-%m}" if row.last_month else None
    return {
        "kind": row.kind, "figure": row.figure, "rate": row.rate, "percent": row.percent,
        "first_month": f"{row.first_month:%Y-%m}", "last_month": last,
    }  # fmt: skip
