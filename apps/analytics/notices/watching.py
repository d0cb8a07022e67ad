"""Judges the alert rules by the figures just counted. A breach is noted once a day and store, and once more when it is over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F

from apps.analytics.day import sources
from apps.analytics.models import AlertRule, Breach, DailyFigure
from apps.analytics.notices import posting
from apps.analytics.rollup import ROLLED
from apps.core import alerts, clock
from apps.stores.models import Store

KIND, STALE = "analytics.watch_figures", "analytics.figures_stale"
STALE_AFTER = timedelta(minutes=30)  # six counts missed
LOCK = 7_490_312
_Kind = AlertRule.Kind


@dataclass(frozen=True)
class Judged:
    began: int = 0
    recovered: int = 0


def is_wrong(rule: AlertRule, *, value: int, before: int) -> bool:
    """`before`: the same weekday until the same time."""
    if rule.kind == _Kind.BELOW:
        return value < rule.limit
    if rule.kind == _Kind.ABOVE:
        return value > rule.limit
    if before < rule.at_least:
        return False
    if rule.kind == _Kind.MISSING:
        return value == 0
    change = (value - before) * 100
    return change <= -rule.limit * before if rule.kind == _Kind.FELL else change >= rule.limit * before


@transaction.atomic
def judge(*, moment: datetime) -> Judged:
    """Figures that are older than half an hour judge nothing: then that itself is told, once a day."""
    on = clock.local_date(moment)
    counted = DailyFigure.objects.filter(name=ROLLED, store_id=0).order_by("-on").first()
    if counted is None or counted.as_of < moment - STALE_AFTER:
        alerts.raise_once(STALE, key=f"{STALE}:{on}")
        return Judged()
    rules = [rule for rule in AlertRule.objects.filter(is_active=True).select_for_update() if _is_time(rule, moment)]
    if counted.on != on or not rules:
        return Judged()
    values = _values(rules, on=on)
    open_stores = list(Store.objects.filter(is_open=True).values_list("pk", flat=True))
    known = {(row.rule_id, row.store_id): row for row in Breach.objects.filter(on=on, rule__in=rules)}
    began = recovered = 0
    for rule in rules:
        for store_id in _stores(rule, open_stores):
            value, before = (
                values.get((rule.figure, store_id), 0),
                values.get((sources.BEFORE + rule.figure, store_id), 0),
            )
            row = known.get((rule.pk, store_id))
            if is_wrong(rule, value=value, before=before):
                began += _begin(rule, row, store_id=store_id, value=value, before=before, moment=moment)
            elif row is not None and row.recovered_at is None:
                recovered += _recover(row, moment=moment)
    return Judged(began, recovered)


def _is_time(rule: AlertRule, moment: datetime) -> bool:
    return clock.local(moment).hour >= rule.from_hour


def _stores(rule: AlertRule, open_stores: Sequence[int]) -> Iterable[int]:
    return open_stores if rule.is_each_store else [rule.store_id or 0]


def _values(rules: Sequence[AlertRule], *, on: date) -> dict[tuple[str, int], int]:
    names = {name for rule in rules for name in (rule.figure, sources.BEFORE + rule.figure)}
    rows = DailyFigure.objects.filter(on=on, name__in=names)
    return {(name, store_id): value for name, store_id, value in rows.values_list("name", "store_id", "value")}


def _begin(rule: AlertRule, row: Breach | None, *, store_id: int, value: int, before: int, moment: datetime) -> int:
    """1: it is told. What went wrong before on this day, and wrong again, is told no second time."""
    if row is not None:
        if row.recovered_at is not None:
            Breach.objects.filter(pk=row.pk).update(recovered_at=None, times=F("times") + 1)
        return 0
    is_muted = rule.muted_until is not None and rule.muted_until > moment
    row = Breach.objects.create(
        rule=rule,
        store_id=store_id,
        on=clock.local_date(moment),
        value=value,
        before=before,
        began_at=moment,
        is_muted=is_muted,
    )
    if not is_muted:
        posting.post(f"breach:{row.pk}", store_id=store_id, wish="wants_alerts")
    return 1


def _recover(row: Breach, *, moment: datetime) -> int:
    Breach.objects.filter(pk=row.pk).update(recovered_at=moment)
    if not row.is_muted:
        posting.post(f"recovered:{row.pk}", store_id=row.store_id, wish="wants_alerts")
    return 1
