"""The import beside the least that any import must do: COPY into typed columns and a merge written for this one file."""

import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from django.db import connection, transaction

from apps.orders.generated import add_orders, generate
from apps.orders.imports.run import run

__all__ = ["add_orders", "bench_import", "generate"]

ROWS = {"S": 50_000, "M": 1_000_000, "L": 4_000_000}
GROWTH = {"S": (2, 4), "M": (2,), "L": ()}
ROUNDS = {"S": 5, "M": 3, "L": 1}
END = datetime(2026, 10, 31, 12, 0, tzinfo=UTC)
HEADER = "order_no,member_no,paid_at,total,store,channel,staff,sku,product,category,quantity,line_total\n"


def bench_import(size: str) -> Iterator[dict[str, Any]]:
    """Rows per second of the import and of the baseline, taken in turns on empty tables; then growth and the same file again.

    The connection must own its tables: they are emptied.
    """
    _autovacuum("false")  # statistics taken in the middle of the baseline's one transaction would ruin its plans
    try:
        yield from _bench(size)
    finally:
        _autovacuum("true")


def _autovacuum(switch: str) -> None:
    with connection.cursor() as cursor:
        for table in ("orders_order", "orders_line", "members_member"):
            cursor.execute(f"alter table {table} set (autovacuum_enabled = {switch})")


def _bench(size: str) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path, rows = Path(folder) / "orders.csv", ROWS[size]
        write_file(path, rows=rows)
        ours, theirs = [], []
        for _ in range(ROUNDS[size]):
            theirs.append(_timed(lambda: _baseline(path)))
            ours.append(_timed(lambda: _import(path)))
        again = _seconds(lambda: _import(path))
        yield _line("import", size, rows / median(ours), rows / median(theirs))
        yield _line("import again", size, rows / again, rows / median(ours))
        before = median(ours)
        for times in GROWTH[size]:
            write_file(path, rows=rows * times)
            now = _timed(lambda: _import(path))
            yield {
                "name": "import growth",
                "size": f"{size} x{times}",
                "figure": now,
                "baseline": before,
                "ratio": now / before,
            }
            before = now
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        yield {"name": "import peak memory", "size": size, "figure": peak, "baseline": None, "ratio": None}


def write_file(path: Path, *, rows: int, seed: int = 7) -> None:
    """About 1.6 rows per order, 13 orders per member, 40 stores, 3,000 products, two years; in the order of payment."""
    chance = random.Random(seed)  # noqa: S311 - invented orders, the same ones every time
    members, orders = max(rows // 20, 1), int(rows / 1.6)
    step = timedelta(days=730) / max(orders, 1)
    with path.open("w", encoding="utf-8") as out:
        out.write(HEADER)
        written = number = 0
        while written < rows:
            number += 1
            count = min(chance.choice((1, 1, 1, 2, 3)), rows - written)
            amounts = [chance.randrange(500, 40_000) for _ in range(count)]
            paid = (END - timedelta(days=730) + step * min(number, orders)).strftime("%Y-%m-%d %H:%M:%S")
            member, store = int(members * chance.random() ** 1.5), chance.randrange(40)
            head = (
                f"A{number:09d},M{member:08d},{paid},{_yuan(sum(amounts))},S{store:02d},till,G{chance.randrange(200)}"
            )
            for amount in amounts:
                product = chance.randrange(3_000)
                out.write(f"{head},P{product:05d},Product {product},Category {product % 300},1,{_yuan(amount)}\n")
            written += count


def _yuan(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _line(name: str, size: str, figure: float, baseline: float) -> dict[str, Any]:
    return {
        "name": name,
        "size": size,
        "figure": round(figure),
        "baseline": round(baseline),
        "ratio": round(figure / baseline, 3),
    }


def _timed(work: Callable[[], None]) -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "truncate orders_order, orders_line, orders_refund, orders_change, orders_importrun, members_member,"
            " catalog_product, catalog_category, stores_store, stores_staff cascade"
        )
    connection.close()  # a new session: plans of foreign key checks made for empty tables must not live on
    return _seconds(work)


def _seconds(work: Callable[[], None]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def _import(path: Path) -> None:
    run(path=path, rejected_to=lambda: path.with_suffix(".rejected.csv"))


def _baseline(path: Path) -> None:
    """What somebody would write who knows that this file is clean."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local timezone = 'Asia/Shanghai'; set local work_mem = '64MB'; set temp_buffers = '64MB'")
        cursor.execute(_TYPED)
        columns = HEADER.strip()
        with (
            path.open("rb") as file,
            cursor.copy(f"copy bench_file ({columns}) from stdin (format csv, header)") as copy,
        ):
            while piece := file.read(1 << 20):
                copy.write(piece)
        cursor.execute("analyze bench_file")
        for statement in _MERGE:
            cursor.execute(statement)
        cursor.execute("drop table bench_file; set local timezone = 'UTC'")


_TYPED = """
    create temp table bench_file (
        order_no text, member_no text, paid_at timestamptz, total numeric, store text, channel text, staff text,
        sku text, product text, category text, quantity numeric, line_total numeric, row bigserial
    )
"""

_MERGE = (
    """insert into stores_store (code, name, is_open, created_at)
        select distinct store, store, true, now() from bench_file on conflict do nothing""",
    """insert into stores_staff (code, name, role, is_active)
        select distinct staff, staff, 'clerk', true from bench_file on conflict do nothing""",
    "insert into catalog_category (name) select distinct category from bench_file on conflict do nothing",
    """insert into catalog_product (sku, name, category_id)
        select distinct on (f.sku) f.sku, f.product, c.id from bench_file f join catalog_category c on c.name = f.category
        on conflict do nothing""",
    """insert into members_member (member_no, nickname, gender, status, source, tags, attributes, joined_at)
        select member_no, '', '', 'active', 'import', '{}', '{}', min(paid_at) from bench_file group by member_no
        on conflict do nothing""",
    """insert into orders_order (source, order_no, member_id, store_id, guide_id, channel, status, total_cents,
            refunded_cents, created_at, paid_at)
        select 'import', f.order_no, m.id, s.id, t.id, f.channel, 'paid', f.total * 100, 0, f.paid_at, f.paid_at
        from (select distinct on (order_no) * from bench_file order by order_no, row) f
        join members_member m using (member_no) join stores_store s on s.code = f.store join stores_staff t on t.code = f.staff
        on conflict (source, order_no) do nothing""",
    """insert into orders_line (order_id, line_no, product_id, quantity, total_cents, discount_cents, refunded_cents)
        select o.id, row_number() over (partition by f.order_no order by f.row), p.id, f.quantity, f.line_total * 100, 0, 0
        from bench_file f join orders_order o on o.source = 'import' and o.order_no = f.order_no
        join catalog_product p on p.sku = f.sku on conflict do nothing""",
    """insert into orders_change (member_id, due_at)
        select m.id, min(f.paid_at) from bench_file f join members_member m using (member_no) group by m.id""",
)
