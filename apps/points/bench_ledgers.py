"""Every account of a large house recomputed, and what was planted found. Runs on a scratch database that `generated` filled."""

import time
from collections.abc import Iterator
from typing import Any

from django.db import connection

from apps.points import checking

PLANTED = 20
_PLANT = "update points_account set balance = balance + %s where id %% %s = 1 and id <= %s"


def bench_ledgers(size: str) -> Iterator[dict[str, Any]]:
    """Seconds of a check of all books, and how many faults it names: none, and twice as many as accounts that were touched (the
    balance is neither the sum of the lines nor of the lots)."""
    yield _checked("ledgers checked", size)
    with connection.cursor() as cursor:
        cursor.execute("select max(id) from points_account")
        each = max(cursor.fetchone()[0] // PLANTED, 1)
        cursor.execute(_PLANT, [1, each, each * PLANTED])
        try:
            yield _checked(f"ledgers checked, {PLANTED} accounts touched", size)
        finally:
            cursor.execute(_PLANT, [-1, each, each * PLANTED])


def _checked(name: str, size: str) -> dict[str, Any]:
    began = time.monotonic()
    run = checking.check()
    took = time.monotonic() - began
    return {
        "name": name, "size": size, "figure": round(took, 1), "baseline": None, "ratio": None, "accounts": run.accounts,
        "entries": run.entries, "faults": run.faults, "in_accounts": len({fault.account_id for fault in checking.found(run)}),
    }  # fmt: skip
