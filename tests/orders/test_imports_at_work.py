"""Imports that are killed, doubled, watched and stopped come to the same end."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from django.db import connection
from django.db.models import Sum

from apps.core import clock, jobs
from apps.core.files.progress import Progress, in_rows
from apps.core.models import Job
from apps.events.models import Event
from apps.members.models import Member
from apps.orders import bench
from apps.orders.imports import merging
from apps.orders.imports.run import run
from apps.orders.models import Change, ImportRun, Line, Order
from apps.segments import refresh as stats
from tests.orders.files import figures, import_file, rejected
from tests.waiting import somebody_waits, until

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
HEADER = "order_no,member_no,paid_at,total\n"


def nobody_else_works() -> bool:
    """What the killed process had asked for last has ended, too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select not exists (select from pg_stat_activity where datname = current_database()"
            " and backend_type = 'client backend' and pid <> pg_backend_pid() and state <> 'idle')"
        )
        return bool(cursor.fetchone()[0])


def state() -> dict:
    return {
        "orders": Order.objects.count(), "lines": Line.objects.count(), "members": Member.objects.count(),
        "order money": Order.objects.aggregate(sum=Sum("total_cents"))["sum"],
        "line money": Line.objects.aggregate(sum=Sum("total_cents"))["sum"],
        "facts": Event.objects.filter(name="order.paid").count(),
        "noted": Change.objects.values("member").distinct().count(),
    }  # fmt: skip


def test_an_import_killed_between_chunks_is_finished_by_the_next_run(tmp_path, owner_cursor):
    """A till that is just recording the file's last order holds the second chunk until the kill has come."""
    path = tmp_path / "orders.csv"
    bench.write_file(path, rows=merging.FIRST_CHUNK * 4)
    last = path.read_text().splitlines()[-1].partition(",")[0]
    with owner_cursor.connection.transaction(force_rollback=True):
        owner_cursor.execute(
            "insert into orders_order (source, order_no, member_id, channel, status, total_cents, refunded_cents,"
            " created_at, paid_at) values ('import', %s, 0, '', 'paid', 0, 0, now(), now())",
            [last],
        )
        process = subprocess.Popen(
            [sys.executable, "manage.py", "import_orders", str(path), "--live", "--json"],
            cwd=ROOT, env=os.environ.copy(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(lambda: somebody_waits() or process.poll() is not None)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    until(nobody_else_works)
    brought = Order.objects.count()
    lines = sum(1 for _ in path.open()) - 1
    numbers = {line.partition(",")[0] for line in path.open()} - {"order_no"}
    assert 0 < brought < len(numbers)
    assert Line.objects.values("order").distinct().count() == brought
    assert Event.objects.count() == brought

    result = import_file(tmp_path, path.read_bytes(), "--live")

    assert (result["orders_added"] + result["orders_known"], result["rejected"]) == (len(numbers), 0)
    assert result["orders_known"] >= brought
    end = state()
    assert (end["orders"], end["lines"], end["facts"]) == (len(numbers), lines, len(numbers))
    assert end["order money"] == end["line money"]
    assert end["noted"] == end["members"]
    import_file(tmp_path, path.read_bytes(), "--live")
    assert state() == end


def test_imports_of_the_same_orders_at_the_same_time_add_each_order_once(tmp_path):
    """One of them has its rows in the opposite order; members and products are there already, so that all meet at the orders."""
    path, backwards = tmp_path / "orders.csv", tmp_path / "backwards.csv"
    bench.write_file(path, rows=6_000)
    header, *rows = path.read_text().splitlines()
    backwards.write_text("\n".join([header, *reversed(rows)]))
    earlier = run(path=path, source="earlier", rejected_to=lambda: tmp_path / "rejected.csv")
    gate = Barrier(4)

    def work(number: int) -> dict:
        try:
            gate.wait()
            file = backwards if number % 2 else path
            return run(path=file, is_live=True, rejected_to=lambda: tmp_path / f"{number}.csv")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(4)))

    orders = earlier["orders_added"]
    assert Order.objects.filter(source="import").count() == orders
    assert sum(result["orders_added"] for result in results) == orders
    assert [result["orders_added"] + result["orders_known"] for result in results] == [orders] * 4
    assert (Line.objects.filter(order__source="import").count(), Event.objects.count()) == (6_000, orders)
    assert [result["members_added"] for result in results] == [0] * 4
    assert ImportRun.objects.count() == 5


def start(path: Path, **params: object) -> Job:
    return jobs.start(kind="orders.import", params={"path": str(path), "file_name": "Nov.csv", **params}, user_id=None)


def test_as_a_job_it_reports_and_leaves_its_rejects(tmp_path):
    path = tmp_path / "upload"
    path.write_text(HEADER + "A1,M1,2026-11-01,5\nA2,M1,x,5\n")

    job = start(path, is_live=True)
    jobs.run(job_id=job.pk)

    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.bad) == ("done", 2, 2, 1)
    assert figures(job.result)["orders_added"] == 1
    assert job.result["rejected_file"] == job.result_file
    assert rejected({"rejected_file": str(jobs.result_path(job.result_file))}) == [
        ("3", "paid_at", "time_unreadable", "x")
    ]
    assert ImportRun.objects.get().file_name == "Nov.csv"
    assert Event.objects.count() == 1


def test_a_refused_file_fails_its_job_with_the_code(tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(b"\xd0\xcf\x11\xe0 an old workbook")

    job = start(path)
    jobs.run(job_id=job.pk)

    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "file_is_excel")
    assert "Excel" in job.error


def test_a_paused_job_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(merging, "CHUNK", 1_000)
    path = tmp_path / "upload"
    bench.write_file(path, rows=4_000)
    job = start(path)
    reported = jobs.report

    def pause_in_the_middle(job: Job, *, done: int, total: int | None = None, bad: int | None = None) -> None:
        if total and done * 2 > total:  # more than half: rows are being written
            Job.objects.filter(pk=job.pk).update(wish=Job.Wish.PAUSE)
        reported(job, done=done, total=total, bad=bad)

    monkeypatch.setattr(jobs, "report", pause_in_the_middle)
    jobs.run(job_id=job.pk)
    job.refresh_from_db()
    brought = Order.objects.count()
    assert (job.state, 0 < brought < 2_000) == ("paused", True)

    monkeypatch.setattr(jobs, "report", reported)
    jobs.wish(job_id=job.pk, wish="")
    jobs.run(job_id=job.pk)

    job.refresh_from_db()
    assert (job.state, job.result["orders_known"], Line.objects.count()) == ("done", brought, 4_000)


def test_a_worker_that_has_just_refreshed_stats_can_import(tmp_path: Path) -> None:
    """The refresh leaves temporary tables in the session; the import must not ask for what such a session refuses."""
    Member.objects.create(member_no="M0")
    stats.refresh(clock.now())

    result = import_file(tmp_path, "order_no,member_no,paid_at,total\nA1,M1,2026-01-05 10:00,8.00\n")

    assert result["orders_added"] == 1


@pytest.mark.parametrize(
    ("step", "writes", "shown"),
    [
        (Progress("read", 500, 2_000, rows=10), True, (5, 40)),
        (Progress("read", 500, 2_000, rows=10), False, (10, 40)),
        (Progress("read", 0, 0, rows=0), True, (0, 0)),
        (Progress("check", 0, 40, rows=40), True, (20, 40)),
        (Progress("check", 0, 40, rows=40), False, (40, 40)),
        (Progress("merge", 21, 42, rows=40), True, (30, 40)),
        (Progress("merge", 42, 42, rows=40), True, (40, 40)),
    ],
)
def test_the_bar_moves_while_rows_are_read_and_while_they_are_written(
    step: Progress, writes: bool, shown: tuple[int, int]
) -> None:
    assert in_rows(step, writes=writes) == shown
