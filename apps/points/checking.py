"""`check_ledgers`: recompute all books from their lines and name every contradiction. Reads whole accounts in chunks.

Each chunk is one statement and so one moment: postings that go on meanwhile are never taken for faults. The faults by name: faults.py.
"""

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from apps.core import clock, jobs
from apps.points.faults import FAULTS, ROOTS
from apps.points.models import Check, Fault

KIND = "points.check"

CHUNK = 20_000
_FIND = (
    ROOTS
    + "insert into points_fault (check_run_id, kind, account_id, row, expected, found)\n"
    + "select %(run)s, f.kind, f.account, f.row, f.expected, f.found from (\n"
    + "\nunion all\n".join(
        f"select '{kind}' as kind, q.* from ({fault.sql}) q(account, row, expected, found)"
        for kind, fault in FAULTS.items()
    )
    + "\n) f"
)


def check(*, report: Callable[[int, int], None] = lambda done, total: None) -> Check:
    """Recompute everything, store the run and its faults, and answer the run. `report` hears accounts done and in all."""
    run = Check.objects.create(started_at=clock.now())
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(min(id), 0), coalesce(max(id), -1) from points_account")
        low, last = cursor.fetchone()
        total, done = last - low + 1, 0
        while low <= last:
            with transaction.atomic():
                cursor.execute(_FIND, {"run": run.pk, "low": low, "high": low + CHUNK - 1})
            low += CHUNK
            done = min(total, done + CHUNK)
            report(done, total)
        cursor.execute(
            "update points_check set finished_at = %s, accounts = (select count(*) from points_account),"
            " entries = (select count(*) from points_entry), faults = (select count(*) from points_fault where check_run_id = %s)"
            " where id = %s",
            [clock.now(), run.pk, run.pk],
        )
    run.refresh_from_db()
    return run


@jobs.runner(KIND)
def _as_job(job: jobs.Job) -> dict[str, Any]:
    run = check(report=lambda done, total: jobs.report(job, done=done, total=total))
    return {"check": run.pk, "accounts": run.accounts, "entries": run.entries, "faults": run.faults}


def found(run: Check, *, limit: int = 1000) -> list[Fault]:
    """The faults of a run, in the order of accounts."""
    return list(Fault.objects.filter(check_run=run).order_by("account_id", "kind", "row")[:limit])
