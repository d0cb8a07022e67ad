"""The refresh beside one hand-written statement that computes the same columns, and its growth. Runs on a scratch database."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from django.db import connection, transaction

from apps.orders import bench as orders
from apps.orders.generated import END
from apps.segments import refresh
from apps.segments.sql import COLUMNS

BASELINE = Path(__file__).with_name("bench_baseline.sql")
ROUNDS = {"S": 3, "M": 2, "L": 1}
NEW_ORDERS = 20_000
LATER = END + timedelta(minutes=10)  # the same shop day: the cut points stay
STATS = "segments_memberstats, segments_stagechange, segments_scorechange, segments_snapshot, segments_refreshrun, segments_newcomer,"
STATS += " segments_minor"
SETTINGS = "set work_mem = '64MB'; set jit = off; set random_page_cost = 1.1"

Line = dict[str, Any]


def bench_refresh(size: str) -> Iterator[Line]:
    """Seconds. `baseline` of a full refresh is the hand-written statement, of an incremental one the full refresh.

    The connection must own its tables: the stats are emptied; orders are left as they were.
    """
    _sql(SETTINGS)
    members = _one("select count(*) from members_member")
    few = min(NEW_ORDERS, members // 50)  # fewer than one buyer in twenty, or the cut points would be taken anew
    ours, by_hand = [], []
    for _ in range(ROUNDS[size]):
        by_hand.append(_by_hand())
        ours.append(_first_full())
    _must_agree()
    full = median(ours)
    yield line("refresh full", size, full, median(by_hand))
    again = median(_seconds(lambda: refresh.refresh(END, full=True)) for _ in ours)
    yield line("refresh full, nothing new", size, again, median(by_hand))
    news = median(_incremental(few, members) for _ in range(3))
    yield line(f"refresh after {few} orders", size, news, full)
    yield from _growth(size, members=members, few=min(few, members // 200))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield {"name": "refresh peak memory, MB", "size": size, "figure": round(peak, 1), "baseline": None, "ratio": None}


def _by_hand() -> float:
    _sql("drop table if exists bench_stats; create table bench_stats (like segments_memberstats including all)")
    return _seconds(lambda: _sql(BASELINE.read_text(encoding="utf-8"), {"moment": END}))


def _first_full() -> float:
    """With all rows of stats, stage history and score history to write."""
    _sql(f"truncate {STATS}; vacuum orders_order; vacuum orders_line")
    return _seconds(lambda: refresh.refresh(END, full=True))


def _incremental(count: int, members: int) -> float:
    """New orders at the till, then a refresh; both taken back."""
    with transaction.atomic():
        orders.add_orders(count, members=members, moment=LATER)
        took = _seconds(lambda: refresh.refresh(LATER))
        transaction.set_rollback(True)
    return took


def _must_agree() -> None:
    """A baseline that computes something else would prove nothing."""
    shared = (name for name in COLUMNS if name != "category_lines")  # ours alone, for the next refresh
    columns = ", ".join(f"round({name}::numeric, 6)" if name.startswith("gap") else name for name in shared)
    query = "select count(*) from (select member_id, {c} from segments_memberstats except select member_id, {c} from bench_stats) d"
    differing = _one(query.format(c=columns))
    if differing:
        raise RuntimeError(f"{differing} rows differ from the hand-written statement's")


def _growth(size: str, *, members: int, few: int) -> Iterator[Line]:
    """Full and incremental on a quarter, on half and on all of the members: each line's baseline is the one before."""
    before: tuple[float, float] | None = None
    for share, mark in ((4, "x1"), (2, "x2"), (1, "x4")):
        with _part(members // share, whole=share == 1):
            full = _first_full()
            news = median(_incremental(few, members // share) for _ in range(3))
        yield line("refresh full growth", f"{size} {mark}", full, before and before[0])
        yield line(f"refresh after {few} orders growth", f"{size} {mark}", news, before and before[1])
        before = (full, news)


@contextmanager
def _part(members: int, *, whole: bool) -> Iterator[None]:
    """Let the tables be copies with the first members only, in a schema that comes first on the search path."""
    if whole:
        yield
        return
    _sql("drop schema if exists bench_part cascade; create schema bench_part; set search_path = bench_part, public")
    try:
        tables = ["members_member", "orders_order", "orders_refund", "orders_line", "orders_change", *STATS.split(", ")]
        for table in tables:
            _sql(f"create table bench_part.{table} (like public.{table} including all)")
        _copy("members_member", "id <= %(members)s", members)
        _copy("orders_order", "member_id <= %(members)s", members)
        for table in ("orders_line", "orders_refund"):
            _copy(table, "order_id in (select id from bench_part.orders_order)", members)
        _sql("select setval(pg_get_serial_sequence('orders_refund', 'id'), (select max(id) from orders_refund))")
        for table in tables[:4]:
            _sql(f"vacuum (analyze) bench_part.{table}")
        yield
    finally:
        _sql("set search_path = public; drop schema bench_part cascade")


def _copy(table: str, condition: str, members: int) -> None:
    _sql(f"insert into bench_part.{table} select * from public.{table} where {condition}", {"members": members})


def _sql(statements: str, given: dict[str, Any] | None = None) -> None:
    with connection.cursor() as cursor:
        for statement in statements.split(";"):
            cursor.execute(statement, given)


def _one(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def line(name: str, size: str, figure: float, baseline: float | None = None) -> Line:
    ratio = round(figure / baseline, 3) if baseline else None
    return {
        "name": name,
        "size": size,
        "figure": round(figure, 3),
        "baseline": round(baseline, 3) if baseline else None,
        "ratio": ratio,
    }
