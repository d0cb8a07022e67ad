"""A new version: fitted as of a moment, judged on the ninety days before it, kept with all its card shows.

The judging learns only from what was known when those ninety days began. scipy and scikit-learn: import from commands only.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Max
from threadpoolctl import threadpool_limits

from apps.core import clock, requests
from apps.segments.models import PredictionModel
from apps.segments.predictions import backtest, bgnbd, history, lapse, signs, spend, sufficiency, terms, versions
from apps.segments.predictions.forecast import Fitted
from apps.segments.predictions.history import Columns, Floats
from apps.segments.predictions.sufficiency import NotEnough

AHEAD = timedelta(days=terms.AHEAD_DAYS)
MOST = 50_000  # buyers to learn from
DATES = 4  # past dates to learn signs from, a month apart
MONTH = timedelta(days=30)
SHORTEST = 60  # days of history that a past date must have
FEWEST = 100  # buyers that a past date must have
KNOWN, OLD, NOW = "segments_known", "segments_old", "segments_now"  # temporary tables


@dataclass(frozen=True)
class Date:
    """What was known at a past moment, and who then lapsed."""

    moment: datetime
    rows: Columns
    bought: Floats

    @property
    def lapsed(self) -> Floats:
        return (self.bought == 0).astype(np.float64)


@threadpool_limits.wrap(limits=1)  # many threads over small matrices spend their time waiting for each other
def fit(moment: datetime) -> PredictionModel:
    """Make, judge and keep a version; it becomes active by itself where `versions.settle` says so. Raises NotEnough."""
    with transaction.atomic(), connection.cursor() as cursor:
        history.settings(cursor)
        history.take(cursor, NOW, moment)
        enough = sufficiency.counted(cursor, NOW)
        if not enough.is_enough:
            raise NotEnough(enough)
        drawn = history.draw(cursor, NOW, most=MOST)
        rows = _drawn(cursor, NOW)
        dates = _dates(cursor, moment, oldest=moment - timedelta(days=enough.history_days))
        last_age = float((rows["age"] - rows["span"]).min())
        cursor.execute(f"select sum(orders) from {NOW}")
        orders = int(cursor.fetchone()[0])
        cursor.execute(f"drop table {NOW}, segments_drawn; drop table if exists {OLD}")
    fitted, scores = _learned(rows, dates)
    today = clock.local_date(moment)
    return versions.keep(
        PredictionModel(
            version=1 + (PredictionModel.objects.aggregate(last=Max("version"))["last"] or 0),
            as_of=moment,
            fitted_at=clock.now(),
            fitted_by=requests.origin().actor,
            first_order_on=history.first_day(rows, today),
            last_order_on=today - timedelta(days=int(last_age)),
            buyers=enough.buyers,
            orders=orders,
            sample=drawn,
            lapse_by=fitted.lapse_by,
            parameters=fitted.stored(),
            scores=scores,
        )
    )


def _learned(rows: Columns, dates: list[Date | None]) -> tuple[Fitted, dict[str, Any]]:
    """The parameters as of now, and how those of ninety days ago would have done."""
    scores = _judged(dates)
    known = [date for date in dates[:DATES] if date]
    line = lapse.fit([date.rows for date in known], [date.lapsed for date in known]) if known else None
    return replace(_rhythm(rows), lapse=line, lapse_by=_better(line is not None, scores)), scores


def _better(has_line: bool, scores: dict[str, Any]) -> str:
    """The signs say who lapses where they did so at least as well as the rhythm when it was tried."""
    tried = scores.get("models", {})
    signs_did, rhythm_did = tried.get("features"), tried.get("bgnbd")
    if has_line and signs_did and rhythm_did and signs_did["brier"] <= rhythm_did["brier"]:
        return str(PredictionModel.Source.FEATURES)
    return str(PredictionModel.Source.BGNBD)


def _rhythm(rows: Columns) -> Fitted:
    """Rhythm and spending of these histories. Raises NotEnough where nobody came twice."""
    x, tx, age = history.weeks(rows)
    try:
        rhythm = bgnbd.fit(x, tx, age)
    except bgnbd.NotFitted as reason:
        raise NotEnough from reason
    means = history.repeat_value(rows)
    again = means > 0
    try:
        spending = spend.fit(x[again], means[again])
    except bgnbd.NotFitted:
        spending = None
    asked = terms.current()
    return Fitted(
        rhythm=rhythm,
        spend=spending,
        average_cents=float(rows["cents"].sum() / rows["days"].sum()),
        lapse=None,
        lapse_by=str(PredictionModel.Source.BGNBD),
        clv_days=float(asked["clv_days"]),
        discount_a_year=float(asked["discount_a_year"]),
    )


def _judged(dates: list[Date | None]) -> dict[str, Any]:
    """Ninety days held out: each model learns up to their beginning, says a chance, and is held against what came true."""
    tested = dates[0]
    if tested is None:
        return {}
    try:
        then = _rhythm(tested.rows)
    except NotEnough:
        return {}
    x, tx, age = history.weeks(tested.rows)
    alive = bgnbd.p_alive(then.rhythm, x, tx, age)
    expected = bgnbd.expected(then.rhythm, alive, x, age, terms.AHEAD_DAYS / 7)
    chances = {
        "bgnbd": bgnbd.p_none(then.rhythm, alive, x, age, terms.AHEAD_DAYS / 7),
        "features": _by_signs(tested, dates),
        "rfm": _by_rfm(tested, dates),
    }
    return {
        "from": clock.local_date(tested.moment).isoformat(),
        "days": terms.AHEAD_DAYS,
        "members": len(tested.bought),
        "lapsed": int(tested.lapsed.sum()),
        "models": {
            name: None if chance is None else backtest.judged(chance, tested.lapsed) for name, chance in chances.items()
        },
        "orders": {"expected": round(float(expected.sum()), 1), "came": int(tested.bought.sum())},
    }


def _by_signs(tested: Date, dates: list[Date | None]) -> Floats | None:
    """By what was known of outcomes when the held-out days began: dates whose ninety days were over by then."""
    known = [date for date in dates if date and date.moment + AHEAD <= tested.moment]
    line = lapse.fit([date.rows for date in known], [date.lapsed for date in known]) if known else None
    if line is None:
        return None
    return signs.chance(line, signs.pushes(line, signs.table(tested.rows, line.usual_gap)))


def _by_rfm(tested: Date, dates: list[Date | None]) -> Floats | None:
    """The share that lapsed out of each square of the RFM table, learned ninety days earlier."""
    before = next((date for date in dates if date and date.moment + AHEAD <= tested.moment), None)
    if before is None:
        return None
    return backtest.by_cell(_cells(before.rows), before.lapsed, _cells(tested.rows))


def _cells(rows: Columns) -> Any:
    return backtest.rfm_cells(rows["span"] - rows["age"], rows["orders"], rows["cents"])


def _drawn(cursor: CursorWrapper, table: str) -> Columns:
    """The drawn members' columns, by member id."""
    return history.read(cursor, f"(select h.* from {table} h join segments_drawn using (member_id)) drawn")


def _dates(cursor: CursorWrapper, moment: datetime, *, oldest: datetime) -> list[Date | None]:
    """The date ninety days ago, and those a month apart before it; None where there was too little to know."""
    wanted = [moment - AHEAD - MONTH * place for place in range(DATES + 3)]
    return [_date(cursor, past) if past - timedelta(days=SHORTEST) >= oldest else None for past in wanted]


def _date(cursor: CursorWrapper, past: datetime) -> Date | None:
    if history.take(cursor, OLD, past, only_drawn=True) < FEWEST:
        return None
    return Date(
        moment=past,
        rows=history.read(cursor, OLD),
        bought=history.bought_after(cursor, OLD, past, days=terms.AHEAD_DAYS),
    )
