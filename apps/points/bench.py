"""Posting beside the least that any posting must do, expiry of many lots beside an earner, and statements short and long.

`earn5` is pgbench: begin, insert a line, update the account, insert a lot, commit, as prepared statements on bare tables; `one CTE` the
same in one statement. Taken in turns with ours, eight at once each. The connection must own its tables: they are emptied.
"""

import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

from django.db import connection

from apps.core import clock
from apps.members.models import Member
from apps.points import services, telling

MEMBERS, THREADS, SECONDS, ROUNDS = 20_000, 8, 5, 5
LOTS = {"S": 100_000, "M": 1_000_000, "L": 4_000_000}
LOTS_PER_ACCOUNT = 5
Line = dict[str, Any]

_BARE = """
drop table if exists bare_lot, bare_entry, bare_account;
create table bare_account (id bigint primary key, balance bigint not null check (balance >= 0));
create table bare_entry (id bigint generated always as identity primary key, account_id bigint not null references bare_account,
    amount bigint not null, balance_after bigint not null, source text not null, at timestamptz not null, unique (account_id, source));
create table bare_lot (id bigint generated always as identity primary key, entry_id bigint not null references bare_entry,
    account_id bigint not null, remaining bigint not null, expires_at timestamptz);
create index on bare_lot (account_id, expires_at) where remaining > 0;
insert into bare_account select g, 0 from generate_series(1, {members}) g;
"""
EARN5 = """\\set a random(1, {members})
\\set s random(1, 1000000000000)
begin;
insert into bare_entry (account_id, amount, balance_after, source, at)
    select :a, 10, balance + 10, 'order:' || :s, now() from bare_account where id = :a returning id \\gset
update bare_account set balance = balance + 10 where id = :a;
insert into bare_lot (entry_id, account_id, remaining, expires_at) values (:id, :a, 10, now() + interval '1 year');
commit;
"""
_ONE_CTE = """\\set a random(1, {members})
\\set s random(1, 1000000000000)
with a as (update bare_account set balance = balance + 10 where id = :a returning balance),
     e as (insert into bare_entry (account_id, amount, balance_after, source, at)
           select :a, 10, balance, 'order:' || :s, now() from a returning id)
insert into bare_lot (entry_id, account_id, remaining, expires_at) select id, :a, 10, now() + interval '1 year' from e;
"""


def bench_points(size: str) -> Iterator[Line]:
    first = prepare()
    yield from _posting(size, first)
    yield from _expiry(size, first)
    yield from _statements(size)


_ACCOUNTS = """
insert into points_account (member_id, currency_id, balance, pending, held, debt, earned_total, is_frozen, is_joint, created_at)
select m.id, c.id, 0, 0, 0, 0, 0, false, false, now() from members_member m cross join points_currency c
where m.id between %(first)s and %(last)s and c.key = 'points'
"""


def prepare() -> int:
    """Empty books, and members with an account each, as `earn5` has them. Answers the first member's id."""
    first = _members()
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS, {"first": first, "last": first + MEMBERS - 1})
        cursor.execute("vacuum analyze points_account")
    return first


def _members() -> int:
    with connection.cursor() as cursor:
        cursor.execute("truncate points_account cascade")
        cursor.execute(_BARE.format(members=MEMBERS))
        cursor.execute("select min(id), count(*) from members_member where member_no like 'BENCH-%%'")
        first, there = cursor.fetchone()
    if there == MEMBERS:
        return int(first)
    made = Member.objects.bulk_create(Member(member_no=f"BENCH-{number}") for number in range(MEMBERS))
    return int(made[0].pk)


def _posting(size: str, first: int) -> Iterator[Line]:
    earn5, one, ours, waits = [], [], [], []
    for number in range(ROUNDS):
        earn5.append(pgbench(EARN5))
        rate, took = _crowd(first, number)
        ours.append(rate)
        waits += took
        one.append(pgbench(_ONE_CTE))
    yield line("points one CTE in pgbench", size, median(one), median(earn5))
    posted = line("points earned in process", size, median(ours), median(earn5))
    yield posted | {"p99_ms": round(quantiles(waits, n=100)[98] * 1000, 2)}


def _crowd(first: int, number: int) -> tuple[float, list[float]]:
    """Postings per second of eight threads, and how long each took."""
    end = time.monotonic() + SECONDS

    def work(thread: int) -> list[float]:
        chance, took = random.Random(thread), list[float]()  # noqa: S311 - made-up postings
        try:
            while (began := time.monotonic()) < end:
                member = first + chance.randrange(MEMBERS)
                services.earn(member_id=member, amount=10, source=f"order:{number}:{thread}:{len(took)}")
                took.append(time.monotonic() - began)
        finally:
            connection.close()
        return took

    with ThreadPoolExecutor(THREADS) as pool:
        waits = [wait for took in pool.map(work, range(THREADS)) for wait in took]
    return len(waits) / SECONDS, waits


def pgbench(script: str) -> float:
    """Transactions per second of eight clients."""
    settings, program = connection.settings_dict, shutil.which("pgbench")
    if program is None:
        raise FileNotFoundError("pgbench, which comes with PostgreSQL, is not on PATH")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "script.sql"
        path.write_text(script.format(members=MEMBERS))
        answer = subprocess.run(  # noqa: S603 - our own binary and script
            [
                program, "-n", "-M", "prepared", "-c", str(THREADS), "-j", "2", "-T", str(SECONDS), "-f", str(path),
                "-h", settings["HOST"], "-p", str(settings["PORT"] or 5432), "-U", settings["USER"], settings["NAME"],
            ],
            env={"PGPASSWORD": settings["PASSWORD"] or ""}, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
    rate = next(line for line in answer.splitlines() if line.startswith("tps = "))
    return float(rate.split()[2])


_DUE = """
with a as (
    insert into points_account (member_id, currency_id, balance, pending, held, debt, earned_total, is_frozen, is_joint, created_at,
                                next_due_at)
    select m.id, c.id, %(each)s * 10, 0, 0, 0, %(each)s * 10, false, false, %(at)s, %(ends)s
    from points_currency c, (select id from members_member where id >= %(first)s order by id limit %(accounts)s) m
    where c.key = 'points' returning id
), e as (
    insert into points_entry (account_id, kind, amount, pending, held, debt, granted, balance_after, source, undone, note, at)
    select a.id, 'earn', 10, 0, 0, 0, 10, g * 10, 'order:' || g, 0, '', %(at)s from a, generate_series(1, %(each)s) g
    returning id, account_id
)
insert into points_lot (account_id, entry_id, amount, remaining, expired, reversed, forgiven, earned_at, activated_at, expires_at)
select account_id, id, 10, 10, 0, 0, 0, %(at)s, %(at)s, %(ends)s from e
"""


def _expiry(size: str, first: int) -> Iterator[Line]:
    """All lots end at one midnight; a member goes on earning on the accounts that are being swept."""
    lots, now = LOTS[size], clock.now()
    accounts = min(MEMBERS, lots // LOTS_PER_ACCOUNT)
    with connection.cursor() as cursor:
        cursor.execute("truncate points_account cascade")
        cursor.execute(_DUE, {"each": lots // accounts, "first": first, "accounts": accounts, "at": now, "ends": now})
        cursor.execute("vacuum analyze points_account, points_entry, points_lot")
    stop, waits = Event(), list[float]()
    with ThreadPoolExecutor(1) as pool:
        earner = pool.submit(_earn_on, first, accounts, stop, waits)
        began = time.monotonic()
        services.settle_all(moment=now + timedelta(seconds=1))
        took = time.monotonic() - began
        stop.set()
        earner.result()
    swept = line("lots expired", size, lots / took, None)
    yield swept | {
        "lots": lots,
        "seconds": round(took, 1),
        "earned_meanwhile": len(waits),
        "longest_wait_ms": round(max(waits) * 1000),
    }


def _earn_on(first: int, accounts: int, stop: Event, waits: list[float]) -> None:
    chance = random.Random(1)  # noqa: S311 - made-up postings
    try:
        while not stop.is_set():
            began = time.monotonic()
            services.earn(member_id=first + chance.randrange(accounts), amount=1, source=f"meanwhile:{len(waits)}")
            waits.append(time.monotonic() - began)
    finally:
        connection.close()


def _statements(size: str) -> Iterator[Line]:
    """A page of a member with ten thousand lines beside one of a member with ten, among the accounts that were swept."""
    stamp, ends = time.time_ns(), clock.now() + timedelta(days=365)
    few, many = (Member.objects.create(member_no=f"LINES-{stamp}-{each}").pk for each in (10, 10_000))
    with connection.cursor() as cursor:
        for member, each in ((few, 10), (many, 10_000)):
            cursor.execute(_DUE, {"each": each, "first": member, "accounts": 1, "at": clock.now(), "ends": ends})
        cursor.execute("vacuum analyze points_account, points_entry, points_lot")
    short, long = [], []
    for _ in range(ROUNDS):
        short.append(_seconds(lambda: _page(few)))
        long.append(_seconds(lambda: _page(many)))
    yield line("statement page of 10,000 lines, ms (baseline: of 10)", size, median(long) * 1000, median(short) * 1000)


def _page(member_id: int) -> None:
    """As the pages show it: read and told in words."""
    found, _following = telling.statement(member_id=member_id, currency="points", limit=10)
    telling.tell(found)


def _seconds(work: Callable[[], object]) -> float:
    """Of one call, over two hundred."""
    began = time.monotonic()
    for _ in range(200):
        work()
    return (time.monotonic() - began) / 200


def line(name: str, size: str, figure: float, baseline: float | None) -> Line:
    ratio = None if baseline is None else round(figure / baseline, 3)
    return {
        "name": name, "size": size, "figure": round(figure, 3), "baseline": None if baseline is None else round(baseline, 3),
        "ratio": ratio,
    }  # fmt: skip
