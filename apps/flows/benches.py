"""The benches by name, and the scratch databases they run on. None touches the brand's own data."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from apps.activity import bench as activity
from apps.analytics import bench_boards as boards
from apps.care import bench as care
from apps.care import bench_live as live
from apps.care.journeys import bench as journeys
from apps.community import bench as community
from apps.coupons import bench as coupons
from apps.coupons import bench_quotes as quotes
from apps.flows import bench_burst, bench_console
from apps.orders import bench as orders
from apps.points import bench as points
from apps.points import bench_ledgers as ledgers
from apps.points import bench_tiers as tiers
from apps.points import generated as books
from apps.segments import bench as segments
from apps.segments import bench_rules as rules
from apps.tickets import bench as tickets
from config import env

MEMBERS = {"S": 20_000, "M": 1_000_000, "L": 4_000_000}
ORDERS_PER_MEMBER = 10
RECIPE = "v1"  # change it when `orders.bench.generate` makes other data: cached databases are then made anew

Line = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    run: Callable[[str], Iterator[Line]]
    needs_orders: bool  # runs on the cached database filled with orders; otherwise on an empty one
    needs_books: bool = False  # runs on the cached database whose members have points, and no orders


BENCHES = {
    "burst": Bench(bench_burst.bench_burst, needs_orders=False),
    "boards": Bench(boards.bench_boards, needs_orders=False),
    "community": Bench(community.bench_community, needs_orders=False),
    "codes": Bench(coupons.bench_codes, needs_orders=False),
    "console": Bench(bench_console.bench_console, needs_orders=True),
    "coupons": Bench(coupons.bench_flash, needs_orders=False),
    "events": Bench(activity.bench_events, needs_orders=False),
    "import": Bench(orders.bench_import, needs_orders=False),
    "journeys": Bench(journeys.bench_journeys, needs_orders=True),
    "ledgers": Bench(ledgers.bench_ledgers, needs_orders=False, needs_books=True),
    "live": Bench(live.bench_live, needs_orders=False),
    "points": Bench(points.bench_points, needs_orders=False),
    "quotes": Bench(quotes.bench_quotes, needs_orders=False),
    "refresh": Bench(segments.bench_refresh, needs_orders=True),
    "segments": Bench(rules.bench_rules, needs_orders=True),
    "tiers": Bench(tiers.bench_tiers, needs_orders=True),
    "tickets": Bench(tickets.bench_tickets, needs_orders=False),
    "touches": Bench(care.bench_touches, needs_orders=True),
    "dispatch": Bench(care.bench_dispatch, needs_orders=True),
}


def run(name: str, *, size: str, say: Callable[[str], None]) -> Iterator[Line]:
    """Run one bench on its scratch database; yields JSON-able lines (name, size, figure, baseline, ratio)."""
    bench = BENCHES[name]
    kind = "books" if bench.needs_books else "bench"
    use_scratch(f"siyu_{kind}_{size.lower() if bench.needs_orders or bench.needs_books else 'empty'}", say=say)
    if bench.needs_orders or bench.needs_books:
        _fill_once(size, with_books=bench.needs_books, say=say)
    yield from bench.run(size)


def use_scratch(name: str, *, say: Callable[[str], None]) -> None:
    """Point Django's connection at a scratch database of the owner's, created and migrated when missing."""
    owner = env.database(settings.DATABASE_OWNER_URL)
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as server:
        if not server.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            say(f"creating {name}")
            server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    connection.close()
    if "pool" in connection.settings_dict["OPTIONS"]:
        connection.close_pool()  # type: ignore[attr-defined]
    connection.settings_dict.update({**owner, "NAME": name, "OPTIONS": owner["OPTIONS"]})
    call_command("migrate", verbosity=0)


def _fill_once(size: str, *, with_books: bool, say: Callable[[str], None]) -> None:
    mark = f"{RECIPE} {size}"
    with connection.cursor() as cursor:
        cursor.execute(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = current_database()"
        )
        if cursor.fetchone() == (mark,):
            return
    members = MEMBERS[size]
    count = 0 if with_books else members * ORDERS_PER_MEMBER
    say(f"generating {members:,} members and {f'{count:,} orders' if count else 'their points'}, once")
    orders.generate(members=members, orders=count)
    if with_books:
        books.fill_books(members=members)
    with connection.cursor() as cursor:
        cursor.execute("select format('comment on database %%I is %%L', current_database(), %s::text)", [mark])
        cursor.execute(cursor.fetchone()[0])
