"""Orders and lines by COPY: the long past at once, later days one by one, all lines at the end.

Indexes and references of a table are rebuilt behind its big COPY. Lines come last, because no step of the replay reads them
and the daily refresh of the stats would count half a million of them again for each day's buyers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.csv
from django.conf import settings
from django.db import connection, transaction

from apps.core import clock
from apps.flows.demo.shops import Shops
from apps.flows.demo.source import ONLINE, Ints, Year, spread
from apps.flows.demo.state import SOURCE

GUIDED_PERCENT = 60  # of purchases in a shop
ON_THE_WAY = timedelta(days=2)  # online orders are received after
COPY_ROWS = 200_000
_ORDERS = (
    "copy orders_order (id, source, order_no, member_id, store_id, guide_id, channel, status, total_cents,"
    " refunded_cents, created_at, paid_at, received_at) from stdin csv"
)
_LINES = (
    "copy orders_line (order_id, line_no, product_id, quantity, total_cents, discount_cents, refunded_cents)"
    " from stdin csv"
)


@dataclass(frozen=True)
class Ledger:
    """Every column of the year's orders with our ids, ready to be copied row by row."""

    year: Year
    first_id: int  # of the orders, which are numbered in time
    member_id: Ints
    store_id: Ints
    guide_id: Ints  # 0: none
    product_id: Ints  # per line; 0: none


def prepare(year: Year, *, shops: Shops, members: dict[int, int], products: tuple[Ints, Ints]) -> Ledger:
    """Put our ids beside the data's, and keep numbers for all orders of the year."""
    baskets, count = year.baskets, len(year.baskets.basket)
    numbers = np.array(sorted(members), dtype=np.int64)
    ids = np.array([members[int(number)] for number in numbers], dtype=np.int64)
    guides = np.array([[*team] for team in shops.guide_ids] + [[0] * len(shops.guide_ids[0])], dtype=np.int64)
    guide = guides[baskets.place, spread(baskets.basket, salt=11, parts=guides.shape[1])]
    is_guided = spread(baskets.basket, salt=13, parts=100) < GUIDED_PERCENT
    at = np.searchsorted(products[0], year.lines.product)
    is_known = np.isin(year.lines.product, products[0])
    return Ledger(
        year=year,
        first_id=_reserve(count),
        member_id=ids[np.searchsorted(numbers, baskets.household)],
        store_id=np.array(shops.store_ids, dtype=np.int64)[baskets.place],
        guide_id=np.where(is_guided, guide, 0),
        product_id=np.where(is_known, products[1][np.minimum(at, len(products[1]) - 1)], 0),
    )


def load_past(ledger: Ledger, *, until: int) -> None:
    """The first `until` orders, in one transaction of the table's owner."""
    with _bare("orders_order") as cursor:
        _send(cursor, _ORDERS, _orders(ledger, first=0, last=until))
    _vacuum("orders_order", "members_member", "members_consentnow", "members_identity")


def load_lines(ledger: Ledger) -> int:
    """The lines of all orders. Returns how many."""
    count = len(ledger.year.lines.product)
    with _bare("orders_line") as cursor:
        for first in range(0, count, COPY_ROWS):
            _send(cursor, _LINES, _lines(ledger, first=first, last=min(first + COPY_ROWS, count)))
    _vacuum("orders_line", "orders_order", "catalog_product")
    return count


@transaction.atomic
def add_day(ledger: Ledger, *, first: int, last: int) -> None:
    """Some later orders, noted for the next refresh of the stats."""
    with connection.cursor() as cursor:
        _send(cursor, _ORDERS, _orders(ledger, first=first, last=last))
        cursor.execute(
            "insert into orders_change (member_id, due_at)"
            " select member_id, paid_at from orders_order where id >= %s and id < %s",
            [ledger.first_id + first, ledger.first_id + last],
        )


def _reserve(count: int) -> int:
    """The first of `count` order numbers that nobody else will get."""
    with psycopg.connect(settings.DATABASE_OWNER_URL) as owner:
        sequence = "pg_get_serial_sequence('orders_order', 'id')::regclass"
        row = owner.execute(f"select nextval({sequence}), setval({sequence}, nextval({sequence}) + %s)", [count])
        found = row.fetchone()
    assert found  # noqa: S101 - a select without a table answers one row
    return int(found[0])


@contextmanager
def _bare(table: str) -> Iterator[psycopg.Cursor]:
    """The owner's cursor on a table without references and secondary indexes. They are built, and the references checked,
    at the end of the block and of its transaction: a killed load leaves the table as it was."""
    with psycopg.connect(settings.DATABASE_OWNER_URL) as owner, owner.cursor() as cursor:
        cursor.execute("set local maintenance_work_mem = '256MB'; set local client_min_messages = warning")
        constraints, indexes = _extras(cursor, table)
        for name, _ in constraints:
            cursor.execute(f'alter table {table} drop constraint "{name}"')
        for name, _ in indexes:
            cursor.execute(f"drop index {name}")
        yield cursor
        for _, definition in indexes:
            cursor.execute(definition)
        for name, definition in constraints:
            cursor.execute(f'alter table {table} add constraint "{name}" {definition}')


def _extras(cursor: psycopg.Cursor, table: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """References and unique keys, then the other indexes but the primary key: each with the text that makes it again."""
    cursor.execute(
        """select conname, pg_get_constraintdef(oid) from pg_constraint
            where conrelid = %s::regclass and contype in ('f', 'u') order by contype desc, conname""",
        [table],
    )
    constraints = cursor.fetchall()
    cursor.execute(
        """select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index i
            where indrelid = %s::regclass and not indisprimary
              and not exists (select from pg_constraint c where c.conindid = i.indexrelid and contype = 'u')""",
        [table],
    )
    return constraints, cursor.fetchall()


def _vacuum(*tables: str) -> None:
    """Fresh figures for the planner, and pages that index-only scans need not look at."""
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as owner:
        owner.execute(f"vacuum analyze {', '.join(tables)}")


def _send(cursor: Any, statement: str, table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pa.csv.write_csv(table, sink, pa.csv.WriteOptions(include_header=False))
    with cursor.copy(statement) as copy:
        copy.write(sink.getvalue().to_pybytes())


def _orders(ledger: Ledger, *, first: int, last: int) -> pa.Table:
    baskets, part = ledger.year.baskets, slice(first, last)
    paid_at, is_online = baskets.paid_at[part], baskets.place[part] == ONLINE
    received_at = np.where(is_online, paid_at + np.timedelta64(ON_THE_WAY), paid_at)
    arrived = received_at <= np.datetime64(clock.now().replace(tzinfo=None), "s")
    moments = pa.array(paid_at, pa.timestamp("s", "UTC"))
    guide = ledger.guide_id[part]
    return pa.table(
        {
            "id": ledger.first_id + np.arange(first, last),
            "source": pa.array([SOURCE] * (last - first)),
            "order_no": pa.array(_numbers(baskets.basket[part], baskets.lap[part])),
            "member_id": ledger.member_id[part],
            "store_id": ledger.store_id[part],
            "guide_id": pa.array(guide, mask=guide == 0),
            "channel": pa.array(np.where(is_online, "mini-program", "store")),
            "status": pa.array(np.where(arrived, "received", "shipped")),
            "total_cents": baskets.total_cents[part],
            "refunded_cents": np.zeros(last - first, np.int64),
            "created_at": moments,
            "paid_at": moments,
            "received_at": pa.array(received_at, pa.timestamp("s", "UTC"), mask=~arrived),
        }
    )


def _numbers(baskets: Ints, laps: Ints) -> list[str]:
    return [
        f"D{number}.{lap}" if lap else f"D{number}" for number, lap in zip(baskets.tolist(), laps.tolist(), strict=True)
    ]


def _lines(ledger: Ledger, *, first: int, last: int) -> pa.Table:
    lines, part = ledger.year.lines, slice(first, last)
    product = ledger.product_id[part]
    return pa.table(
        {
            "order_id": ledger.first_id + lines.basket_row[part],
            "line_no": lines.line_no[part],
            "product_id": pa.array(product, mask=product == 0),
            "quantity": lines.quantity[part],
            "total_cents": lines.total_cents[part],
            "discount_cents": lines.discount_cents[part],
            "refunded_cents": np.zeros(last - first, np.int64),
        }
    )
