"""Members, orders and lines of an invented retailer, by pure SQL: the same every time, millions in minutes.

For scratch databases only: `generate` empties the tables first and takes their indexes and foreign keys away while it loads, so
the connection must own the tables.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from django.db import connection, transaction

END = datetime(2026, 10, 31, 16, 0, tzinfo=UTC)  # the last order; 1 November 00:00 shop time
DAYS = 730
STORES, STAFF, CATEGORIES, PRODUCTS = 40, 200, 300, 3_000
CHUNK = 1_000_000
LOADED = ("members_member", "orders_order", "orders_line", "orders_refund", "orders_change")


def generate(*, members: int, orders: int) -> None:
    """Two years of orders up to END, one line each, ids 1..n in the order of payment. No Change notes: refresh with `--full`.

    Few members buy often and many seldom (the busiest about eleven times the average, a tenth never); two of five stop at some
    time. 3 % of the orders were refunded whole, 1 % in part, 1 % cost nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_get_userbyid(relowner) = current_user from pg_class where relname = 'orders_order'")
        if not cursor.fetchone()[0]:
            raise RuntimeError("generate() needs the owner of the tables: a scratch database and DATABASE_OWNER_URL")
        cursor.execute(
            f"truncate {', '.join(LOADED)}, catalog_product, catalog_category, stores_store, stores_staff cascade"
        )
    _lists()
    with bare_tables(LOADED):
        _members(members)
        for first in range(1, orders + 1, CHUNK):
            _orders(first=first, last=min(first + CHUNK - 1, orders), members=members, orders=orders)
    with connection.cursor() as cursor:
        for table in ("orders_order", "orders_line", "members_member"):
            cursor.execute(f"select setval(pg_get_serial_sequence('{table}', 'id'), (select max(id) from {table}))")
        for table in LOADED:
            cursor.execute(f"vacuum (analyze) {table}")


def add_orders(count: int, *, members: int, moment: datetime) -> None:
    """New orders at `moment` with their Change notes, as the till or a live import leaves them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select coalesce(max(id), 0) from orders_order")
        begin = cursor.fetchone()[0]
        _orders(first=begin + 1, last=begin + count, members=members, orders=begin + count, moment=moment)
        cursor.execute("select setval(pg_get_serial_sequence('orders_order', 'id'), %s)", [begin + count])
        cursor.execute("select setval(pg_get_serial_sequence('orders_line', 'id'), %s)", [begin + count])
        cursor.execute(
            "insert into orders_change (member_id, due_at)"
            " select member_id, min(paid_at) from orders_order where id > %s group by 1",
            [begin],
        )


def _lists() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into stores_store (id, code, name, is_open, created_at)"
            f" select i, 'S' || i, 'Store ' || i, true, %s from generate_series(1, {STORES}) i",
            [END],
        )
        cursor.execute(
            "insert into stores_staff (id, code, name, role, is_active, store_id)"
            f" select i, 'G' || i, 'Guide ' || i, 'clerk', true, 1 + i %% {STORES} from generate_series(1, {STAFF}) i",
            [],
        )
        cursor.execute(
            f"insert into catalog_category (id, name) select i, 'Category ' || i from generate_series(1, {CATEGORIES}) i"
        )
        cursor.execute(
            "insert into catalog_product (id, sku, name, category_id)"
            f" select i, 'P' || i, 'Product ' || i, 1 + i %% {CATEGORIES} from generate_series(1, {PRODUCTS}) i",
            [],
        )
        for table in ("stores_store", "stores_staff", "catalog_category", "catalog_product"):
            cursor.execute(f"select setval(pg_get_serial_sequence('{table}', 'id'), (select max(id) from {table}))")


def _members(members: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""insert into members_member (id, member_no, nickname, gender, status, source, tags, attributes, joined_at,
                    birth_year, birth_month, birth_day, home_store_id)
                select i, 'B' || i, 'Nick ' || i, (array['', 'f', 'm'])[1 + i %% 3], 'active', 'bench', '{{}}', '{{}}',
                    %(end)s - interval '{DAYS} days', 1960 + i %% 45, 1 + i %% 12, 1 + i %% 28, 1 + i %% {STORES}
                from generate_series(1::bigint, %(members)s) i""",
            {"members": members, "end": END},
        )


def _chance(seed: int, of: str = "i") -> str:
    """A number in [0, 1) that depends on the row and the seed only, whatever the plan."""
    return f"((hashint8extended({of}, {seed}) & 4503599627370495) / 4503599627370496.0::float8)"


# The share `u` of buyers, squeezed so that low places come up about eleven times as often as the average.
_PLACE = "floor(buyers * (((u + 0.05) ^ 2 - 0.0025) / 1.1))::bigint"


def _orders(*, first: int, last: int, members: int, orders: int, moment: datetime | None = None) -> None:
    """Two of five places leave at a time of their own; an order after that goes to a neighbour who stays."""
    paid = "%(moment)s" if moment else (
        f"%(end)s - interval '{DAYS} days' + interval '1 day' * floor(share * {DAYS})"
        f" + interval '9 hours' + interval '13 hours' * (share * {DAYS} - floor(share * {DAYS}))"
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            with drawn as (
                select i, (i - 1)::float8 / %(orders)s as share, {_chance(1)} as u, {_chance(2)} as money, {_chance(3)} as luck,
                    greatest(%(members)s * 9 / 10, 1) as buyers
                from generate_series(%(first)s::bigint, %(last)s) i offset 0
            ), placed as (
                select *, {_PLACE} as place from drawn offset 0
            ), settled as (
                select *, case when place %% 5 >= 3 and share > {_chance(4, "place")}
                    then least(place - place %% 5 + place %% 3, buyers - 1) else place end as settled
                from placed offset 0
            )
            insert into orders_order (id, source, order_no, member_id, store_id, guide_id, channel, status, total_cents,
                refunded_cents, created_at, paid_at)
            select i, 'bench', 'B' || i, 1 + (settled * 7919) %% buyers, 1 + (settled + i %% 3) %% {STORES}, 1 + i %% {STAFF},
                (array['store', 'store', 'mini-program', 'web'])[1 + i %% 4], 'paid', t.cents,
                case when luck < 0.03 then t.cents when luck < 0.04 then t.cents / 2 else 0 end, p.at, p.at
            from settled
            cross join lateral (select case when luck > 0.99 then 0 else 500 + (40000 * money ^ 3)::bigint end as cents) t
            cross join lateral (select {paid} as at) p""",
            {"first": first, "last": last, "members": members, "orders": orders, "moment": moment, "end": END},
        )
        between = {"first": first, "last": last}
        cursor.execute(
            f"""insert into orders_line (id, order_id, line_no, product_id, quantity, total_cents, discount_cents, refunded_cents)
                select id, id, 1, 1 + (member_id * 31 + id %% 7 * 13) %% {PRODUCTS}, 1, total_cents, 0, 0
                from orders_order where id between %(first)s and %(last)s""",
            between,
        )
        cursor.execute(
            """insert into orders_refund (order_id, amount_cents, source, refunded_at, recorded_at)
                select id, refunded_cents, 'bench', paid_at + interval '3 days', paid_at + interval '3 days'
                from orders_order where refunded_cents > 0 and id between %(first)s and %(last)s""",
            between,
        )


@contextmanager
def bare_tables(names: Sequence[str]) -> Iterator[None]:
    """Without foreign keys, unique keys and indexes of these tables (their primary keys stay); all back afterwards."""
    tables = list(names)
    with connection.cursor() as cursor:
        cursor.execute(
            "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint"
            " where conrelid::regclass::text = any(%s) and contype in ('f', 'u') order by contype desc",
            [tables],
        )
        constraints = cursor.fetchall()
        cursor.execute(
            "select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index"
            " where indrelid::regclass::text = any(%s) and not indisprimary"
            " and not exists (select from pg_constraint c where c.conindid = indexrelid)",
            [tables],
        )
        indexes = cursor.fetchall()
        for table, name, _ in reversed(constraints):
            cursor.execute(f'alter table {table} drop constraint "{name}"')
        for name, _ in indexes:
            cursor.execute(f"drop index {name}")
        try:
            yield
        finally:
            cursor.execute("set maintenance_work_mem = '256MB'")
            for _, definition in indexes:
                cursor.execute(definition)
            for table, name, definition in constraints:
                cursor.execute(f'alter table {table} add constraint "{name}" {definition}')
            cursor.execute("reset maintenance_work_mem")
