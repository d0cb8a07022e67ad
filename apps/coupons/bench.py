"""A flash sale by three ways, and codes beside bare COPY. The connection must own its tables: coupons are emptied.

`row lock` is what shops usually do: lock the counter, look, count the member's, insert, count up, commit. All run from 16 threads
in four processes, in turns, on a sale of their own each.
"""

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import redis
from django.conf import settings
from django.db import connection, transaction

from apps.core import clock
from apps.coupons import batches, codes, gate, proving
from apps.coupons.basket import Shopper
from apps.coupons.models import Batch, Template

STOCK, ATTEMPTS, EACH, AT_ONCE, PROCESSES, ROUNDS = 10_000, 50_000, 2, 16, 4, 3
CODES = {"S": 200_000, "M": 1_000_000, "L": 1_000_000}
PATTERN = "TEA-####-####-####"
Line = dict[str, Any]
_INSERT = """
insert into coupons_coupon (template_id, version_id, member_id, state, nth, channel, origin, source, issued_at, starts_at, ends_at)
values (%s, %s, %s, 'ready', 1, 'centre', '', %s, %s, %s, %s + interval '30 days')
"""


def bench_flash(size: str) -> Iterator[Line]:
    """S runs a fifth of it, three rounds; M and L all of it, once."""
    scale, rounds = (5, ROUNDS) if size == "S" else (1, 1)
    members = proving.people(stamp=f"RUSH-{time.time_ns()}", count=ATTEMPTS // EACH // scale)
    most, rates = STOCK // scale, dict[str, list[float]]()
    for number in range(rounds):
        for name, claim, meanwhile in _ways(len(members)):
            of = proving.sale(key=f"b{time.time_ns()}", most=most, is_flash=name.startswith("gate"))
            began = time.monotonic()
            told = proving.rush(
                of=of,
                members=members,
                each=EACH,
                at_once=AT_ONCE,
                claim=claim,
                meanwhile=meanwhile,
                processes=PROCESSES,
            )
            rates.setdefault(name, []).append(len(members) * EACH / (time.monotonic() - began))
            if any((zeros := proving.zeros(of, told=told, most=most)).values()):
                raise ArithmeticError(f"{name}, round {number}: {zeros}")
    alone = median(rates["database"])
    yield _line("flash claims, database alone (baseline: row lock)", size, alone, median(rates["row lock"]))
    for name in ("gate", "gate emptied"):
        yield _line(f"flash claims, {name} (baseline: database alone)", size, median(rates[name]), alone)


def _ways(members: int) -> Iterator[tuple[str, proving.Claim, Callable[[int], None] | None]]:
    yield "row lock", _row_lock, None
    yield "database", proving.by_database, None
    yield "gate", _through_gate, None
    tries = members * EACH // AT_ONCE
    yield "gate emptied", _through_gate, lambda number: _empty() if number in (tries // 4, tries // 2) else None


def _empty() -> None:
    redis.Redis.from_url(settings.REDIS_URL).flushdb()


def _through_gate(of: Template, member_id: int, source: str) -> str:
    return proving.outcome(lambda: gate.claim(shopper=Shopper(member_id), template=of, source=source))


def _row_lock(of: Template, member_id: int, source: str) -> str:
    moment = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select most - issued from coupons_stock where template_id = %s for update", [of.pk])
        if cursor.fetchone()[0] <= 0:
            return "coupon_out_of_stock"
        cursor.execute(
            "select count(*) from coupons_coupon where template_id = %s and member_id = %s", [of.pk, member_id]
        )
        if cursor.fetchone()[0]:
            return "coupon_limit_reached"
        cursor.execute(_INSERT, [of.pk, of.version_id, member_id, source, moment, moment, moment])
        cursor.execute("update coupons_stock set issued = issued + 1 where template_id = %s", [of.pk])
    return "done"


def bench_codes(size: str) -> Iterator[Line]:
    """Codes drawn, checked and kept in chunks, beside one COPY of codes that were drawn before into the same table and indexes."""
    count, ours, bare = CODES[size], [], []
    for _ in range(ROUNDS if size == "S" else 1):
        bare.append(_bare(count))
        row = _fresh(count)
        began = time.monotonic()
        while row.made < count:
            with transaction.atomic():
                row.made += batches.fill(row, min(batches.CHUNK, count - row.made))
                row.save(update_fields=["made"])
        ours.append(count / (time.monotonic() - began))
    yield _line("coupon codes per second (baseline: bare COPY)", size, median(ours), median(bare))


def _bare(count: int) -> float:
    row = _fresh(count)
    lines = [batches.line(row, code) for code in set(codes.generate(PATTERN, count))]
    began = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(batches.COPY) as copy:
        for at in range(0, len(lines), batches.CHUNK):
            copy.write("".join(lines[at : at + batches.CHUNK]))
    return len(lines) / (time.monotonic() - began)


def _fresh(count: int) -> Batch:
    with connection.cursor() as cursor:
        cursor.execute("truncate coupons_coupon cascade")
    of = proving.sale(key=f"c{time.time_ns()}", most=count)
    return Batch.objects.create(template=of, version_id=of.version_id or 0, name="bench", pattern=PATTERN, wanted=count)


def _line(name: str, size: str, figure: float, baseline: float) -> Line:
    return {
        "name": name,
        "size": size,
        "figure": round(figure, 1),
        "baseline": round(baseline, 1),
        "ratio": round(figure / baseline, 3),
    }
