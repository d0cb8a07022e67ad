"""Fitting a version and scoring every buyer, in seconds. Runs on the scratch database filled with orders; leaves no rows behind."""

import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, transaction

from apps.orders.generated import END
from apps.segments.bench import Line, line
from apps.segments.predictions import fitting, history, scoring, versions

TABLES = "segments_prediction, segments_membercycle, segments_categorycycle, segments_predictionrun, segments_predictionmodel"


def bench_predictions(size: str) -> Iterator[Line]:
    """`baseline`: of scoring, the pass over the orders alone that any scoring needs. The connection must own its tables."""
    _sql(f"truncate {TABLES}")
    took, model = _timed(lambda: fitting.fit(END))
    yield line("predictions: a version fitted and tried", size, took)
    if not model.is_active:
        versions.activate(version=model.version)
    bare, _rows = _timed(_pass)
    took, run = _timed(lambda: scoring.score(END))
    yield line(f"predictions: {run.scored:,} members scored, every row new", size, took, bare)
    took, run = _timed(lambda: scoring.score(END))
    yield line(f"predictions: scored again, {run.changed:,} rows differ", size, took, bare)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield line("predictions: peak memory, MB", size, peak)
    _sql(f"truncate {TABLES}")


def _pass() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        history.settings(cursor)
        rows = history.take(cursor, "segments_bare", END)
        cursor.execute("drop table segments_bare")
    return rows


def _sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    answer = work()
    return time.perf_counter() - begun, answer
